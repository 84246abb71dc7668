// A program that takes BTF of the kernel: in an object of its own, for where
// there is none.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "counts.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/task_newtask")
int BPF_PROG(count_tasks) {
  add(FIRST);
  return 0;
}
