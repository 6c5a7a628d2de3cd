import Foundation
import Testing

/// A library that is loaded before the program and stands between it and the system's calls: a disk whose syncs are
/// slow or fail, a file system without locks, clocks that jump. It is compiled when the first test wants it.
enum FailpointLibrary {
    static let whyNot: Comment? =
        if !Child.sanitizers.isEmpty {
            "a sanitizer stands there itself"
        } else {
            library == nil ? "there is no C compiler to make the library of faults with" : nil
        }

    /// Path of the compiled library; nil where there is no compiler. Stays until the machine clears its temporary folder.
    static let library: String? = {
        let folder = NSTemporaryDirectory() + "/dailies-preload-\(ProcessInfo.processInfo.processIdentifier)"
        let (source, target) = (folder + "/faults.c", folder + "/faults.so")
        for compiler in ["clang", "cc", "gcc"] {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try code.write(toFile: source, atomically: false, encoding: .utf8)
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = [compiler, "-shared", "-fPIC", "-O1", "-o", target, source, "-ldl"]
                process.standardError = FileHandle.nullDevice
                try process.run()
                process.waitUntilExit()
                if process.terminationStatus == 0 { return target }
            } catch {
                // This compiler is not there; the next one may be.
                continue
            }
        }
        return nil
    }()

    /// Environment of a program that shall meet the fault.
    static func environment(_ variables: [String: String]) -> [String: String] {
        variables.merging(["LD_PRELOAD": library ?? ""]) { $1 }
    }

    private static let code = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <time.h>
        #include <unistd.h>

        /* FAULT_LOCKS: `none` refuses every flock(2) as a file system without locks does, `empty` grants every one. */
        int flock(int descriptor, int operation) {
            static int (*real)(int, int);
            const char *word = getenv("FAULT_LOCKS");
            if (word && !strcmp(word, "none")) { errno = ENOLCK; return -1; }
            if (word && !strcmp(word, "empty")) return 0;
            if (!real) real = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
            return real(descriptor, operation);
        }

        /* FAULT_SYNC_MS: what every sync takes longer. FAULT_SYNC_FILE: while this file exists every sync fails. */
        static int refused(void) {
            const char *wait = getenv("FAULT_SYNC_MS"), *file = getenv("FAULT_SYNC_FILE");
            if (wait) {
                struct timespec pause = { atoi(wait) / 1000, atoi(wait) % 1000 * 1000000L };
                nanosleep(&pause, 0);
            }
            if (file && access(file, F_OK) == 0) { errno = EIO; return 1; }
            return 0;
        }
        int fsync(int descriptor) {
            static int (*real)(int);
            if (refused()) return -1;
            if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
            return real(descriptor);
        }
        int fdatasync(int descriptor) {
            static int (*real)(int);
            if (refused()) return -1;
            if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
            return real(descriptor);
        }

        /* FAULT_CLOCKS: a file of two 64-bit numbers, seconds that the wall clock and the boot clock have jumped. */
        static volatile int64_t *jumps(void) {
            static volatile int64_t *map;
            static int tried;
            const char *file = getenv("FAULT_CLOCKS");
            if (!map && !tried && file) {
                int descriptor = open(file, O_RDONLY);
                tried = 1;
                if (descriptor >= 0) {
                    void *got = mmap(0, 16, PROT_READ, MAP_SHARED, descriptor, 0);
                    if (got != MAP_FAILED) map = got;
                    close(descriptor);
                }
            }
            return map;
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            volatile int64_t *jumped = jumps();
            if (!result && jumped && clock == CLOCK_REALTIME) time->tv_sec += jumped[0];
            if (!result && jumped && clock == CLOCK_BOOTTIME) time->tv_sec += jumped[1];
            return result;
        }
        """#
}
