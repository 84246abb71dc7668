// Programs of sockets: of maps of them, of one, and of a group.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "counts.h"

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} sockets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_SOCKHASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} by_name SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} group SEC(".maps");

SEC("sk_msg")
int see_sent(struct sk_msg_md *message) {
  add(FIRST);
  put(LAST_VALUE, message->size);
  return SK_PASS;
}

SEC("sk_msg")
int drop_sent(struct sk_msg_md *message) {
  add(SECOND);
  return SK_DROP;
}

SEC("sk_skb/stream_parser")
int end_of_message(struct __sk_buff *packet) {
  add(SECOND);
  return packet->len;
}

SEC("sk_skb/stream_verdict")
int send_on(struct __sk_buff *packet) {
  add(FIRST);
  // What socket 0 receives, socket 1 sends.
  return bpf_sk_redirect_map(packet, &sockets, 1, 0);
}

SEC("socket")
int keep_three(struct __sk_buff *packet) {
  add(FIRST);
  return 8 + 3;  // of the header of UDP, and of what follows
}

SEC("socket")
int drop_all(struct __sk_buff *packet) {
  add(SECOND);
  return 0;
}

const volatile int chosen = 1;

SEC("socket")
int choose_index(struct __sk_buff *packet) {
  add(FIRST);
  return chosen;
}

SEC("sk_reuseport")
int choose_socket(struct sk_reuseport_md *packet) {
  __u32 index = chosen;
  add(FIRST);
  return bpf_sk_select_reuseport(packet, &group, &index, 0) ? SK_DROP : SK_PASS;
}
