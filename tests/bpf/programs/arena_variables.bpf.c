// An arena with variables, as clang from 19 on puts them there.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

/* Of four pages, or one where they are large. */
char values[16384] SEC(".addr_space.1") = { 1, 2, 3 };

SEC("socket")
int nothing(void *context)
{
	return 0;
}
