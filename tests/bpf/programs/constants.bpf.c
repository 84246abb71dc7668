// A program that the verifier takes only where a constant hides its end.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, unsigned int);
	__type(value, unsigned long long);
} table SEC(".maps");

const volatile bool careless = false;
const volatile unsigned int rounds = 0;

SEC("socket")
int fine(struct __sk_buff *skb)
{
	return 0;
}

SEC("socket")
int lookup(struct __sk_buff *skb)
{
	unsigned int key = 0;
	unsigned long long *value = bpf_map_lookup_elem(&table, &key);

	// So much that the log of a refusal is long.
	for (unsigned int i = 0; i < rounds && i < 100000; i++)
		key += i ^ skb->len;
	if (careless)
		return *value;
	return value ? *value : key & 1;
}
