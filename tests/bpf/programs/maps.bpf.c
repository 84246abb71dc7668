// Maps of several types, relocated fields, subprograms, callbacks.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef unsigned int u32;
typedef unsigned long long u64;

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} ring SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &first } };

struct task_struct {
	int pid;
	struct task_struct *parent;
} __attribute__((preserve_access_index));

const volatile u32 limit = 5;
u64 hits;
int parent = 3;

static __attribute__((noinline)) int lookup(u32 key)
{
	u64 *value = bpf_map_lookup_elem(&table, &key);

	return value ? *value : key * 2;
}

static long each(u32 index, void *context)
{
	hits += index;
	return 0;
}

SEC("raw_tp/sys_enter")
int enter(void *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	parent = BPF_CORE_READ(task, parent, pid);
	return lookup(limit);
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	u32 key = 1;
	u64 *value = bpf_map_lookup_elem(&plain, &key);
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	__sync_fetch_and_add(&hits, limit);
	bpf_loop(3, each, 0, 0);
	if (value)
		++*value;
	if (record) {
		*record = hits;
		bpf_ringbuf_submit(record, 0);
	}
	bpf_printk("hits %d", hits);
	return lookup(3) + (bpf_map_lookup_elem(&outer, &key) != 0);
}

SEC("?socket")
int optional(struct __sk_buff *skb)
{
	return 7;
}
