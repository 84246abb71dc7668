// Wakes sleepers one after the other, for bench/wake_bench.ts: a pipe, into
// which it writes when, and two rings, by programs that do the same.

#include <bpf/bpf.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static struct {
  int pipe, programs[2];
  uint32_t interval, rounds;
} task;
static pthread_t thread;

uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void *wake(void *unused) {
  for (uint32_t i = 0; i < 3 * task.rounds; i++) {
    usleep(task.interval);
    if (i % 3 == 0) {
      uint64_t when = now();
      if (write(task.pipe, &when, sizeof when) < 0) break;
    } else {
      LIBBPF_OPTS(bpf_test_run_opts, options);
      bpf_prog_test_run_opts(task.programs[i % 3 - 1], &options);
    }
  }
  return unused;
}

int start(int pipe, int first, int second, uint32_t interval, uint32_t rounds) {
  task.pipe = pipe;
  task.programs[0] = first;
  task.programs[1] = second;
  task.interval = interval;
  task.rounds = rounds;
  return pthread_create(&thread, 0, wake, 0);
}

void join(void) { pthread_join(thread, 0); }
