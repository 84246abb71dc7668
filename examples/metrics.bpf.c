// Counts what the kernel does, for each CPU. metrics_server.ts compiles and
// loads this, and serves the counters.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define MAX_CPUS 1024

// A line of cache for each CPU, so that none waits for another.
struct counters {
  __u64 syscalls;
  __u64 context_switches;
  __u64 packets;
  __u64 bytes;
} __attribute__((aligned(64)));

// In .bss, which user space maps: reading it takes no system call.
struct counters cpus[MAX_CPUS];

struct sk_buff {
  unsigned int len;
} __attribute__((preserve_access_index));

static struct counters *own(void) {
  return &cpus[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

// Atomic, since an interrupt may run another program on the same CPU.
#define ADD(counter, amount) __sync_fetch_and_add(&own()->counter, amount)

SEC("raw_tp/sys_enter")
int enter(void *context) {
  ADD(syscalls, 1);
  return 0;
}

SEC("raw_tp/sched_switch")
int switched(void *context) {
  ADD(context_switches, 1);
  return 0;
}

SEC("raw_tp/netif_receive_skb")
int received(struct bpf_raw_tracepoint_args *context) {
  const struct sk_buff *packet = (const struct sk_buff *)context->args[0];
  ADD(packets, 1);
  ADD(bytes, BPF_CORE_READ(packet, len));
  return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
