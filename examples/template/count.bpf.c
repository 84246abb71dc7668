// Counts packets and bytes by protocol, and tells of the large ones.
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define ETH_P_IP 0x0800

struct traffic {
	u64 packets;
	u64 bytes;
};

struct large_packet {
	u64 time;
	__be32 from;
	u32 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, u8);
	__type(value, struct traffic);
} by_protocol SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct large_packet);
} large SEC(".maps");

const volatile u32 large_from = 1000;

static void tell(struct iphdr *ip, u32 bytes)
{
	struct large_packet *packet;

	packet = bpf_ringbuf_reserve(&large, sizeof(*packet), 0);
	if (!packet)
		return;
	packet->time = bpf_ktime_get_ns();
	packet->from = ip->saddr;
	packet->bytes = bytes;
	bpf_ringbuf_submit(packet, 0);
}

SEC("xdp")
int count(struct xdp_md *context)
{
	void *data = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct traffic first = { 1, end - data }, *traffic;

	if ((void *)(ip + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	traffic = bpf_map_lookup_elem(&by_protocol, &ip->protocol);
	if (traffic) {
		traffic->packets++;
		traffic->bytes += end - data;
	} else {
		bpf_map_update_elem(&by_protocol, &ip->protocol, &first, BPF_ANY);
	}
	if (end - data >= large_from)
		tell(ip, end - data);
	return XDP_PASS;
}
