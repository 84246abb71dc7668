// What C does with the same variables, for bench/variable_bench.ts.

#include <bpf/bpf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile uint64_t *hits;
static volatile uint32_t *small;
static int map;

int peer_open(int fd, uint32_t hits_offset, uint32_t small_offset) {
  char *memory = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd, 0);
  map = fd;
  hits = (volatile uint64_t *)(memory + hits_offset);
  small = (volatile uint32_t *)(memory + small_offset);
  return memory == MAP_FAILED ? -1 : 0;
}

double peer_read(int times) {
  uint64_t sum = 0;
  for (int i = 0; i < times; i++) sum += *hits & 1;
  return sum;
}

double peer_read_small(int times) {
  uint64_t sum = 0;
  for (int i = 0; i < times; i++) sum += *small & 1;
  return sum;
}

double peer_add(int times) {
  for (int i = 0; i < times; i++) *hits += 2;
  return *hits & 1;
}

double peer_add_small(int times) {
  for (int i = 0; i < times; i++) *small += 2;
  return *small & 1;
}

double peer_atomic_add(int times) {
  for (int i = 0; i < times; i++) __sync_fetch_and_add(hits, 2);
  return *hits & 1;
}

double peer_lookup(int times) {
  char value[4096];
  uint32_t key = 0;
  uint64_t sum = 0;
  for (int i = 0; i < times; i++) {
    bpf_map_lookup_elem(map, &key, value);
    sum += *(uint32_t *)value & 1;
  }
  return sum;
}
