/* Prints to the streams of a program of its own (Linux 6.17). */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* As Linux 6.18 calls it. */
extern int bpf_stream_vprintk_impl(int stream, const char *format,
				   const void *arguments, __u32 size,
				   void *program) __ksym __weak;

char LICENSE[] SEC("license") = "GPL";

static const char format[] = "the answer is %d\n";

SEC("syscall")
int prints(void *context)
{
	__u64 arguments[] = { 42 };

	if (!bpf_stream_vprintk_impl)
		return -1;
	return bpf_stream_vprintk_impl(1, format, arguments, sizeof(arguments),
				       0);
}
