// What programs tell of in terms of the kernel: its clocks, and buckets.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "log2_bucket.h"

char LICENSE[] SEC("license") = "GPL";

__u64 monotonic, boottime;
__u64 values[16];
__u32 buckets[16];

SEC("syscall")
int read_clocks(void *context)
{
	monotonic = bpf_ktime_get_ns();
	boottime = bpf_ktime_get_boot_ns();
	return 0;
}

SEC("syscall")
int find_buckets(void *context)
{
	for (int i = 0; i < 16; i++)
		buckets[i] = log2_bucket(values[i]);
	return 0;
}
