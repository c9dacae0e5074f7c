/* Records what a process does to the files of one folder: preloaded into a server.
 *
 * RECORD_FOLDER is the folder, RECORD_TO the file that the record goes to, to which others
 * may append, too: every entry is one write. `disk.py` reads it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct __attribute__((packed)) entry {
    char what;          /* Written, Truncated, Sync begun, sync Ended, Unlinked */
    int32_t name_bytes;
    int64_t place;      /* offset, length, or the number of the sync */
    int64_t data_bytes;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *folder;
static ssize_t (*real_write)(int, const void *, size_t, off64_t);
static int (*real_sync)(int);
static int (*real_truncate)(int, off64_t);
static int (*real_unlink)(const char *);

static void begin(void) {
    const char *path = getenv("RECORD_TO");
    real_write = dlsym(RTLD_NEXT, "pwrite64");
    real_sync = dlsym(RTLD_NEXT, "fdatasync");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    folder = getenv("RECORD_FOLDER");
    if (path && folder) record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(char what, const char *path, int64_t place, const void *data, size_t size) {
    const char *name = strrchr(path, '/') + 1;
    struct entry entry = {what, (int32_t)strlen(name), place, (int64_t)size};
    struct iovec parts[] = {
        {&entry, sizeof entry}, {(void *)name, strlen(name)}, {(void *)data, size}};
    if (writev(record, parts, 3) != (ssize_t)(sizeof entry + strlen(name) + size)) abort();
}

/* Tell whether a path is one of ours, and begin if that has not been. */
static int is_ours(const char *path) {
    return record >= 0 && strncmp(path, folder, strlen(folder)) == 0 && strchr(path, '/');
}

static int names(int file, char path[4096]) {
    char link[64];
    pthread_once(&once, begin);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, 4095);
    path[size < 0 ? 0 : size] = 0;
    return is_ours(path);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t place) {
    char path[4096];
    if (!names(file, path)) return real_write(file, data, size, place);
    pthread_mutex_lock(&order);
    ssize_t done = real_write(file, data, size, place);
    if (done > 0) note('W', path, place, data, (size_t)done);
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t place) {
    return pwrite64(file, data, size, place);
}

int fdatasync(int file) {
    static int64_t count;
    char path[4096];
    if (!names(file, path)) return real_sync(file);
    pthread_mutex_lock(&order);
    int64_t number = ++count;
    note('S', path, number, "", 0);
    pthread_mutex_unlock(&order);
    int done = real_sync(file);
    pthread_mutex_lock(&order);
    if (done == 0) note('E', path, number, "", 0);
    pthread_mutex_unlock(&order);
    return done;
}

int fsync(int file) { return fdatasync(file); }

int ftruncate64(int file, off64_t size) {
    char path[4096];
    if (!names(file, path)) return real_truncate(file, size);
    pthread_mutex_lock(&order);
    int done = real_truncate(file, size);
    if (done == 0) note('T', path, size, "", 0);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int unlink(const char *path) {
    pthread_once(&once, begin);
    int done = real_unlink(path);
    if (done == 0 && is_ours(path)) {
        pthread_mutex_lock(&order);
        note('U', path, 0, "", 0);
        pthread_mutex_unlock(&order);
    }
    return done;
}
