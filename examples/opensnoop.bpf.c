// Tells of every openat(2) as it returns, by way of a ring buffer.
// opensnoop.ts compiles, loads and reads this.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// What the kernel has of a thread's registers, by architecture: libbpf takes
// the offsets from the running kernel.
struct pt_regs___x86 {
  unsigned long si, dx;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
  unsigned long regs[31];
} __attribute__((preserve_access_index));

struct event {
  __u64 time; // nanoseconds since the system started
  __u32 pid;
  __u32 uid;
  __s32 result; // a descriptor, or a negative error number
  __u32 flags;  // O_*
  char comm[16];
  char path[256];
};

// What is known when the call begins, until it returns.
struct call {
  const char *path;
  __u32 flags;
};

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 10240);
  __type(key, __u64); // a thread
  __type(value, struct call);
} calls SEC(".maps");

const volatile long openat_number; // the system call's
const volatile __u32 only_pid;     // 0 for all
const volatile __u32 but_pid;      // who reads this: its own calls would never end
const volatile _Bool only_failed;

// Events for which the ring had no room.
__u64 lost;

// The type of the records: named here, so that it is in the object's BTF.
const struct event *unused_event __attribute__((unused));

SEC("raw_tp/sys_enter")
int enter(struct bpf_raw_tracepoint_args *context) {
  const void *registers = (const void *)context->args[0];
  if ((long)context->args[1] != openat_number) return 0;

  __u64 thread = bpf_get_current_pid_tgid();
  __u32 pid = thread >> 32;
  if (pid == but_pid || (only_pid != 0 && pid != only_pid)) return 0;

  struct call call = {};
  const struct pt_regs___x86 *x86 = registers;
  const struct pt_regs___arm64 *arm64 = registers;
  if (bpf_core_field_exists(x86->si)) {
    call.path = (const char *)BPF_CORE_READ(x86, si);
    call.flags = BPF_CORE_READ(x86, dx);
  } else {
    call.path = (const char *)BPF_CORE_READ(arm64, regs[1]);
    call.flags = BPF_CORE_READ(arm64, regs[2]);
  }
  bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
  return 0;
}

SEC("raw_tp/sys_exit")
int leave(struct bpf_raw_tracepoint_args *context) {
  __u64 thread = bpf_get_current_pid_tgid();
  const struct call *call = bpf_map_lookup_elem(&calls, &thread);
  if (!call) return 0;

  int result = context->args[1];
  if (only_failed && result >= 0) goto done;
  struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    __sync_fetch_and_add(&lost, 1);
    goto done;
  }
  event->time = bpf_ktime_get_boot_ns();
  event->pid = thread >> 32;
  event->uid = bpf_get_current_uid_gid();
  event->result = result;
  event->flags = call->flags;
  bpf_get_current_comm(event->comm, sizeof(event->comm));
  // Now, and not when the call began: the kernel has read the path meanwhile,
  // so that it is in memory.
  if (bpf_probe_read_user_str(event->path, sizeof(event->path), call->path) < 0)
    event->path[0] = 0;
  bpf_ringbuf_submit(event, 0);
done:
  bpf_map_delete_elem(&calls, &thread);
  return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
