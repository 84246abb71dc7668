// A counter, for bench/variable_bench.ts.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

unsigned long long hits;
unsigned int small;

SEC("socket")
int count(struct __sk_buff *skb)
{
	small++;
	return hits++;
}
