/* A time of day that a test can set for one program: preloaded, it adds the seconds that stand in a file.

   cc -shared -fPIC -o shifted_clock.so shifted_clock.c -ldl
   SHIFTED_CLOCK=seconds.bin LD_PRELOAD=./shifted_clock.so program     (seconds.bin: one double) */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double shift_s(void)
{
    static volatile double *shared = NULL;
    if (shared == NULL) {
        const char *path = getenv("SHIFTED_CLOCK");
        int file = path == NULL ? -1 : open(path, O_RDONLY);
        if (file < 0)
            return 0.0;
        void *mapped = mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
        close(file);
        if (mapped == MAP_FAILED)
            return 0.0;
        shared = mapped;
    }
    return *shared;
}

int clock_gettime(clockid_t kind, struct timespec *now)
{
    static int (*original)(clockid_t, struct timespec *) = NULL;
    if (original == NULL)
        original = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = original(kind, now);
    if (result == 0 && kind == CLOCK_REALTIME) {
        long long ns = (long long) now->tv_sec * 1000000000LL + now->tv_nsec;
        ns += (long long) (shift_s() * 1e9);
        now->tv_sec = ns / 1000000000LL;
        now->tv_nsec = ns % 1000000000LL;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (result != NULL)
        *result = precise.tv_sec;
    return precise.tv_sec;
}
