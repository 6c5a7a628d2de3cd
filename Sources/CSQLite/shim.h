/* The system's SQLite, and the few calls of POSIX that a store needs beside it: a private file, a lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* open(2) takes its mode as a variable argument, and errno is a macro: neither reaches Swift as it is;
   close(2) would be taken for a method of that name. */
static inline int store_file_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int store_file_errno(void) { return errno; }
static inline void store_file_close(int descriptor) { close(descriptor); }
