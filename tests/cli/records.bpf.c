// Rings, with records whose type a map's definition says and others.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	unsigned int pid;
	char name[16];
	unsigned short lengths[];
};

struct note {
	unsigned long long time;
};

// Without it clang would leave the type out.
const struct note *note_type __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} commands SEC(".maps");

SEC("raw_tp/sys_enter")
int submit(void *context)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event) + 4, 0);

	if (!event)
		return 0;
	event->pid = 42;
	__builtin_memcpy(event->name, "records", 8);
	event->lengths[0] = 1;
	event->lengths[1] = 2;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
