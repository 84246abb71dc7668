// A congestion control for TCP, with no more than the kernel insists on.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct sock;
struct tcp_congestion_ops {
  __u32 (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock *sk);
  char name[16];
};

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(ssthresh, struct sock *sk) { return 2; }

__u64 first_calls;
__u64 second_calls;

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked) {
  __sync_fetch_and_add(&first_calls, 1);
}

SEC("struct_ops/other_avoid")
void BPF_PROG(other_avoid, struct sock *sk, __u32 ack, __u32 acked) {
  __sync_fetch_and_add(&second_calls, 1);
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(undo_cwnd, struct sock *sk) { return 10; }

SEC(".struct_ops")
struct tcp_congestion_ops congestion = {
    .ssthresh = (void *)ssthresh,
    .cong_avoid = (void *)cong_avoid,
    .undo_cwnd = (void *)undo_cwnd,
    .name = "bpf_hostmem",
};

// Of the same name: one that a link is updated to.
SEC(".struct_ops")
struct tcp_congestion_ops successor = {
    .ssthresh = (void *)ssthresh,
    .cong_avoid = (void *)other_avoid,
    .undo_cwnd = (void *)undo_cwnd,
    .name = "bpf_hostmem",
};
