/** Writes a record for each of the first three system calls. */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

unsigned long count;

SEC("raw_tp/sys_enter")
int write_event(void *ctx) {
  unsigned long number = __sync_fetch_and_add(&count, 1);
  if (number > 2) return 0;
  bpf_ringbuf_output(&events, &number, sizeof(number), 0);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
