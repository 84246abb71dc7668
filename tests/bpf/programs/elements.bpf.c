// An iterator that could write what it is shown: in an object of its own, for
// where those are refused.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seq_file;
struct bpf_map;
struct bpf_iter_meta {
  struct seq_file *seq;
  __u64 session_id, seq_num;
};
struct bpf_iter__bpf_map_elem {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
  void *key, *value;
};
#pragma clang attribute pop

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *context) {
  __u32 *key = context->key;
  __u64 *value = context->value;
  if (key && value)
    BPF_SEQ_PRINTF(context->meta->seq, "%u=%llu\n", *key, *value);
  return 0;
}
