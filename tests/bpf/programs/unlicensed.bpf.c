// A program that calls what is for programs under the GPL alone.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Proprietary";

SEC("raw_tp/sys_enter")
int stolen(void *context)
{
	bpf_printk("hello");
	return 0;
}
