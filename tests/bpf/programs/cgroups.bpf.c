// An iterator over control groups, in an object of its own: Linux 6.1 has it.

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
struct kernfs_node {
  __u64 id;
};
struct cgroup {
  int level;
  struct kernfs_node *kn;
};
struct bpf_iter__cgroup {
  struct bpf_iter_meta *meta;
  struct cgroup *cgroup;
};
#pragma clang attribute pop

SEC("iter/cgroup")
int groups(struct bpf_iter__cgroup *context) {
  struct cgroup *group = context->cgroup;
  if (group) {
    BPF_SEQ_PRINTF(context->meta->seq, "%llu\n", group->kn->id);
  }
  return 0;
}
