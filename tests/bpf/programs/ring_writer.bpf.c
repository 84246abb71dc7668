/** Writes a record for each of the first three system calls. */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

struct event {
  unsigned int processor;
  unsigned long number;
};

/** A definition that names the type of its records, which the kernel drops. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
  __type(value, struct event);
} typed SEC(".maps");

SEC("raw_tp/sys_enter")
int write_typed(void *ctx) {
  struct event *event = bpf_ringbuf_reserve(&typed, sizeof(*event), 0);
  if (!event) return 0;
  event->processor = bpf_get_smp_processor_id();
  event->number = 42;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

unsigned long count;

SEC("raw_tp/sys_enter")
int write_event(void *ctx) {
  unsigned long number = __sync_fetch_and_add(&count, 1);
  if (number > 2) return 0;
  bpf_ringbuf_output(&events, &number, sizeof(number), 0);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
