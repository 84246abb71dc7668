// A map that asks to be pinned by its name.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, unsigned long long);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} kept SEC(".maps");

SEC("socket")
int bump(struct __sk_buff *skb)
{
	unsigned int key = 0;
	unsigned long long *value = bpf_map_lookup_elem(&kept, &key);

	if (value)
		++*value;
	return 0;
}
