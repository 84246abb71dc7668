// A map of every kind that a definition can ask for.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct key {
	unsigned int address;
	unsigned short port;
	unsigned short zone;
};

struct value {
	unsigned long long packets;
	unsigned char kind : 3;
	unsigned char flags : 5;
	union {
		unsigned int v4;
		unsigned char v6[16];
	};
	char name[16];
};

struct prefix {
	unsigned int length;
	unsigned char address[4];
};

struct locked {
	struct bpf_spin_lock lock;
	int count;
};

#define MAP(map, kind, key_type, value_type, entries)  \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_##kind);     \
		__uint(max_entries, entries);          \
		__type(key, key_type);                 \
		__type(value, value_type);             \
	} map SEC(".maps")

#define SIZED(map, kind, key_bytes, value_bytes, entries) \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_##kind);        \
		__uint(max_entries, entries);             \
		__uint(key_size, key_bytes);              \
		__uint(value_size, value_bytes);          \
	} map SEC(".maps")

#define LOCAL(map, kind)                           \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__type(key, int);                  \
		__type(value, struct value);       \
	} map SEC(".maps")

MAP(hash, HASH, struct key, struct value, 8);
MAP(locked, ARRAY, int, struct locked, 2);
MAP(lru_hash, LRU_HASH, struct key, unsigned long long, 8);
MAP(array, ARRAY, unsigned int, struct value, 3);
MAP(percpu_hash, PERCPU_HASH, struct key, unsigned long long, 8);
MAP(percpu_array, PERCPU_ARRAY, unsigned int, struct value, 2);
MAP(lru_percpu_hash, LRU_PERCPU_HASH, unsigned int, unsigned long long, 8);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, unsigned int);
} lpm_trie SEC(".maps");

SIZED(sized_hash, HASH, 4, 12, 8);
SIZED(sized_array, ARRAY, 4, 12, 8);
SIZED(prog_array, PROG_ARRAY, 4, 4, 4);
SIZED(perf_event_array, PERF_EVENT_ARRAY, 4, 4, 0);
SIZED(stack_trace, STACK_TRACE, 4, 64, 4);
SIZED(cgroup_array, CGROUP_ARRAY, 4, 4, 4);
MAP(devmap, DEVMAP, unsigned int, unsigned int, 4);
MAP(devmap_hash, DEVMAP_HASH, unsigned int, struct bpf_devmap_val, 4);
MAP(cpumap, CPUMAP, unsigned int, unsigned int, 2);
MAP(xskmap, XSKMAP, unsigned int, unsigned int, 2);
MAP(sockmap, SOCKMAP, unsigned int, unsigned int, 2);
MAP(sockhash, SOCKHASH, struct key, unsigned long long, 2);
MAP(reuseport_sockarray, REUSEPORT_SOCKARRAY, unsigned int, unsigned long long, 2);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, struct value);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 4);
	__type(value, unsigned int);
} bloom_filter SEC(".maps");

LOCAL(sk_storage, SK_STORAGE);
LOCAL(task_storage, TASK_STORAGE);

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, unsigned long long);
} cgroup_storage SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, unsigned int);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, unsigned int);
	__array(values, struct inner);
} array_of_maps SEC(".maps") = { .values = { &inner } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, struct key);
	__array(values, struct inner);
} hash_of_maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} ringbuf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 65536);
} user_ringbuf SEC(".maps");
