// Programs for every kind of target, each of which counts.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ptrace.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "counts.h"

char LICENSE[] SEC("license") = "GPL";

#ifdef __TARGET_ARCH_x86
enum { GETPRIORITY = 140 };
#else
enum { GETPRIORITY = 141 };
#endif

// Datagrams to port 9999, and no other packets.
static __always_inline int is_ours(void *data, void *end) {
  struct ethhdr *ethernet = data;
  struct iphdr *ip = (void *)(ethernet + 1);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > end) return 0;
  return ethernet->h_proto == bpf_htons(ETH_P_IP) &&
         ip->protocol == IPPROTO_UDP && udp->dest == bpf_htons(9999);
}

SEC("xdp")
int xdp_first(struct xdp_md *context) {
  if (is_ours((void *)(long)context->data, (void *)(long)context->data_end))
    add(FIRST);
  return XDP_PASS;
}

SEC("xdp")
int xdp_second(struct xdp_md *context) {
  if (is_ours((void *)(long)context->data, (void *)(long)context->data_end))
    add(SECOND);
  return XDP_PASS;
}

// Writes down in which order it and the other one run: digits, the last lowest.
static __always_inline int in_order(struct __sk_buff *packet, __u32 index) {
  void *data = (void *)(long)packet->data;
  void *end = (void *)(long)packet->data_end;
  if (!is_ours(data, end)) return -1;
  add(index);
  __u64 *sequence = entry(SEQUENCE);
  if (sequence) *sequence = *sequence * 10 + index + 1;
  return -1; // TCX_NEXT
}

SEC("tc")
int tc_first(struct __sk_buff *packet) { return in_order(packet, 0); }

SEC("tc")
int tc_second(struct __sk_buff *packet) { return in_order(packet, 1); }

SEC("tc")
int tc_third(struct __sk_buff *packet) { return in_order(packet, 2); }

SEC("cgroup_skb/egress")
int count_egress(struct __sk_buff *packet) {
  add(FIRST);
  return 1;
}

SEC("cgroup/connect4")
int count_connect(struct bpf_sock_addr *address) {
  add(FIRST);
  return address->user_port != bpf_htons(9998);
}

SEC("sk_lookup")
int count_lookup(struct bpf_sk_lookup *lookup) {
  if (lookup->local_port == 9999) add(FIRST);
  return SK_PASS;
}

SEC("raw_tp/sys_enter")
int count_syscalls(struct bpf_raw_tracepoint_args *arguments) {
  // getpriority(PRIO_PROCESS, 4242): nobody else asks for that.
  if (arguments->args[1] != GETPRIORITY) return 0;
  struct pt_regs *registers = (void *)arguments->args[0];
  __u64 who = 0;
  bpf_probe_read_kernel(&who, sizeof who, &PT_REGS_PARM2_SYSCALL(registers));
  if ((__u32)who == 4242) add(FIRST);
  return 0;
}

SEC("tp/syscalls/sys_enter_getpriority")
int count_tracepoint(void *context) {
  add(FIRST);
  put(LAST_COOKIE, bpf_get_attach_cookie(context));
  return 0;
}

SEC("perf_event")
int count_event(void *context) {
  add(FIRST);
  return 0;
}

SEC("uprobe")
int BPF_KPROBE(count_calls, long argument) {
  add(FIRST);
  put(LAST_COOKIE, bpf_get_attach_cookie(ctx));
  put(LAST_VALUE, argument);
  return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(count_returns, long result) {
  add(SECOND);
  put(LAST_VALUE, result);
  return 0;
}

SEC("syscall")
int add_numbers(struct { __u64 a, b, sum; } *numbers) {
  numbers->sum = numbers->a + numbers->b;
  return -7;
}

SEC("xdp")
int grow(struct xdp_md *context) {
  if (bpf_xdp_adjust_head(context, -14)) return XDP_ABORTED;
  __u8 *data = (void *)(long)context->data;
  if (data + 14 > (__u8 *)(long)context->data_end) return XDP_ABORTED;
  for (int i = 0; i < 14; i++) data[i] = i;
  return XDP_TX;
}
