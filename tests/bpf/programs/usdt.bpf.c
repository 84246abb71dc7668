// A program for static tracepoints of programs.

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

static __always_inline void add(__u32 index, __u64 amount) {
  __u64 *count = bpf_map_lookup_elem(&counts, &index);
  if (count) __sync_fetch_and_add(count, amount);
}

SEC("usdt")
int BPF_USDT(count_probe, long value) {
  add(0, 1);
  add(1, value);
  add(2, bpf_usdt_cookie(ctx));
  return 0;
}
