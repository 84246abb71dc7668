// A program for each section that only some kernels allow. None is loaded unless
// asked for. Each counts what the thread does whose name is in `thread`, and keeps
// the last value that it saw.

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

enum { EPERM = 1 };
enum { CALLS, LAST_VALUE, ENTRIES };

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, ENTRIES);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

// As `comm` of the thread has it, with zeros behind it.
const volatile __u64 thread[2];

static __always_inline int is_ours(void) {
  __u64 name[2] = {};
  bpf_get_current_comm(name, sizeof name);
  return name[0] == thread[0] && name[1] == thread[1];
}

static __always_inline int count(__u64 value) {
  __u32 calls = CALLS, last_value = LAST_VALUE;
  __u64 *number = bpf_map_lookup_elem(&counts, &calls);
  __u64 *last = bpf_map_lookup_elem(&counts, &last_value);
  if (!number || !last || !is_ours()) return 0;
  __sync_fetch_and_add(number, 1);
  *last = value;
  return 1;
}

// int vfs_fallocate(struct file *, int mode, loff_t offset, loff_t length)

SEC("?kprobe/vfs_fallocate")
int BPF_KPROBE(kprobe, void *file, int mode, __u64 offset) {
  count(offset);
  return 0;
}

SEC("?kretprobe/vfs_fallocate")
int BPF_KRETPROBE(kretprobe, int result) {
  count(result);
  return 0;
}

SEC("?kprobe.multi/vfs_falloc?te")
int BPF_KPROBE(kprobe_multi, void *file, int mode, __u64 offset) {
  count(offset);
  return 0;
}

SEC("?kretprobe.multi/vfs_falloc?te")
int BPF_KRETPROBE(kretprobe_multi, int result) {
  count(result);
  return 0;
}

SEC("?fentry/vfs_fallocate")
int BPF_PROG(fentry, void *file, int mode, __u64 offset, __u64 length) {
  count(offset);
  return 0;
}

SEC("?fexit/vfs_fallocate")
int BPF_PROG(fexit, void *file, int mode, __u64 offset, __u64 length,
             int result) {
  count(result == 0 ? offset : -1);
  return 0;
}

// getpriority(which, who)

SEC("?ksyscall/getpriority")
int ksyscall(struct pt_regs *context) {
  struct pt_regs *registers = PT_REGS_SYSCALL_REGS(context);
  __u64 who = 0;
  bpf_probe_read_kernel(&who, sizeof who, &PT_REGS_PARM2_SYSCALL(registers));
  count((__u32)who);
  return 0;
}

SEC("?kretsyscall/getpriority")
int BPF_KRETPROBE(kretsyscall, long result) {
  count(-result);
  return 0;
}

SEC("?uprobe/libc.so.6:getpriority")
int BPF_KPROBE(uprobe, int which, int who) {
  count(who);
  return 0;
}

SEC("?uretprobe/libc.so.6:getpriority")
int BPF_KRETPROBE(uretprobe, int result) {
  count(-result);
  return 0;
}

// int security_task_setnice(struct task_struct *, int nice), by setpriority()

SEC("?fmod_ret/security_task_setnice")
int BPF_PROG(fmod_ret, void *task, int nice, int result) {
  return count(nice) ? -EPERM : result;
}

SEC("?lsm/task_setnice")
int BPF_PROG(lsm, void *task, int nice, int result) {
  return count(nice) ? -EPERM : result;
}

// int security_socket_socketpair(struct socket *, struct socket *)

SEC("?lsm.s/socket_socketpair")
int BPF_PROG(lsm_sleepable, void *first, void *second, int result) {
  return count(0) ? -EPERM : result;
}

SEC("?lsm_cgroup/socket_socketpair")
int BPF_PROG(lsm_cgroup, void *first, void *second, int result) {
  return !count(0);
}

// task_rename(struct task_struct *, const char *comm), by prctl(PR_SET_NAME): the
// task still has its old name.

SEC("?tp_btf/task_rename")
int BPF_PROG(tp_btf, void *task, const char *comm) {
  char first = 0;
  bpf_probe_read_kernel(&first, sizeof first, comm);
  count(first);
  return 0;
}

// Iterators, which the kernel lets write what they go over.

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta;
struct bpf_map;
struct bpf_iter__bpf_map_elem {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
  void *key, *value;
};
#pragma clang attribute pop

SEC("?iter/bpf_map_elem")
int map_elements(struct bpf_iter__bpf_map_elem *context) {
  __u64 *value = context->value;
  if (!value) return 0;
  *value *= 2;
  count(*value);
  return 0;
}
