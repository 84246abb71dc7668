// What libbpf does with the same ring buffer, for bench/ring_bench.ts.

#include <bpf/libbpf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct peer {
  struct ring_buffer *ring;
  volatile uint64_t *position;
  uint32_t sum;
};

static struct peer peers[16];
static int count;

static int on_record(void *context, void *data, size_t size) {
  ((struct peer *)context)->sum += *(uint32_t *)data;
  return 0;
}

int peer_open(int map) {
  struct peer *peer = &peers[count];
  peer->ring = ring_buffer__new(map, on_record, peer, NULL);
  peer->position = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
                        MAP_SHARED, map, 0);
  return peer->ring && peer->position != MAP_FAILED ? count++ : -1;
}

// Consumes all that there is, once more: the records are still there.
uint32_t peer_consume(int index) {
  struct peer *peer = &peers[index];
  *peer->position = 0;
  peer->sum = 0;
  ring_buffer__consume(peer->ring);
  return peer->sum;
}
