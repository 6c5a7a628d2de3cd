/* The system's SQLite, and the few calls of the system that a store needs beside it: a private file, locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/stat.h>
#include <sys/syscall.h>
#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif
#endif

/* open(2) takes its mode as a variable argument, and errno is a macro: neither reaches Swift as it is;
   close(2) would be taken for a method of that name. */
static inline int store_file_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int store_file_errno(void) { return errno; }
static inline void store_file_close(int descriptor) { close(descriptor); }

/* Locks of an open file description, on bytes: they are given back with the last descriptor of that description, not, as
   SQLite's own are, with any descriptor of the file. */
static inline int store_file_lock(int descriptor, short type, off_t start, off_t length) {
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}
/* How many bytes from its start on the lock has that stands in the way at this byte; 0: there is none. */
static inline off_t store_file_locked(int descriptor, off_t start) {
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };
    return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_len : 0;
}

/* Whether something is mounted on this very file. */
static inline int store_file_is_mounted(const char *path) {
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx found;
    return syscall(SYS_statx, AT_FDCWD, path, 0, 0, &found) == 0
        && (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
    return 0;
#endif
}
