// Names that are none in TypeScript, and for which the kernel refuses the types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct größe {
	int $dollar;
};

int dash __asm__("odd-name") = 1;
struct größe größe = { 2 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, struct größe);
} sizes SEC(".maps");

SEC("socket")
int count(struct __sk_buff *skb)
{
	return dash + größe.$dollar;
}
