// Variables that no other file sees, in the section UNIT as well.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

char LICENSE[] SEC("license") = "GPL";

static volatile int shared SEC(SECTION_NAME);
static volatile int twice SEC(".data.twice");

SEC("socket")
int JOIN(bump_, UNIT)(struct __sk_buff *skb)
{
	static volatile int inner = UNIT;

	shared++;
	twice++;
	return inner++;
}
