/* Submits a record that says when, each time it is run. */


#define RING(name) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 65536); \
	} name SEC(".maps")

RING(first);
RING(second);

static int submit(void *ring)
{
	__u64 *when = bpf_ringbuf_reserve(ring, sizeof(*when), 0);

	if (!when)
		return 1;
	*when = bpf_ktime_get_ns();
	bpf_ringbuf_submit(when, 0);
	return 0;
}

SEC("syscall")
int submit_first(void *context)
{
	return submit(&first);
}

SEC("syscall")
int submit_second(void *context)
{
	return submit(&second);
}
