// Iterators that write text, about this kernel's own types.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seq_file;
struct bpf_iter_meta {
  struct seq_file *seq;
  __u64 session_id, seq_num;
};
struct bpf_map {
  __u32 id;
};
struct task_struct {
  int pid, tgid;
};
struct bpf_iter__bpf_map {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
};
struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};
#pragma clang attribute pop

SEC("iter/bpf_map")
int maps(struct bpf_iter__bpf_map *context) {
  struct bpf_map *map = context->map;
  if (map) BPF_SEQ_PRINTF(context->meta->seq, "map %u\n", map->id);
  return 0;
}

SEC("iter/task")
int tasks(struct bpf_iter__task *context) {
  struct task_struct *task = context->task;
  if (task) BPF_SEQ_PRINTF(context->meta->seq, "%d %d\n", task->tgid, task->pid);
  return 0;
}

SEC("iter/bpf_map")
int bytes(struct bpf_iter__bpf_map *context) {
  struct bpf_map *map = context->map;
  __u32 id;
  if (!map) return 0;
  id = map->id;
  bpf_seq_write(context->meta->seq, &id, sizeof id);
  return 0;
}
