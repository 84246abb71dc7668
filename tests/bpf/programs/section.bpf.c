// One program in the section SECTION, which does what the tests ask for.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

volatile int go;

SEC(SECTION)
int only(void *context)
{
#ifdef ENDLESS
	while (go)
		;
#endif
#ifdef POINTERS
	struct xdp_md *packet = context;
	return (void *)(long)packet->data_end - (void *)(long)packet->data > 99;
#endif
	return 0;
}
