/* fsync and fdatasync that fail with EIO while $CHAOS_FSYNC_FAILS is there: LD_PRELOAD.

   libfiu 1.1 has the same as posix/io/sync, but PostgreSQL 18 ends with SIGSEGV under its preload
   library, and its remote control does not follow a fork. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sync_or_fail(long call, int fd) {
  const char *file = getenv("CHAOS_FSYNC_FAILS");
  struct stat found; /* not access(), which asks without the capabilities that the server has */
  if (file && stat(file, &found) == 0) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(call, fd);
}

int fsync(int fd) { return sync_or_fail(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_or_fail(SYS_fdatasync, fd); }
