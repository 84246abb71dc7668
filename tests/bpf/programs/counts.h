// The numbers that programs of several objects count, and how they do it.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { FIRST, SECOND, LAST_COOKIE, LAST_VALUE, SEQUENCE, COUNTS = 16 };

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, COUNTS);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

static __always_inline __u64 *entry(__u32 index) {
  return bpf_map_lookup_elem(&counts, &index);
}

static __always_inline void add(__u32 index) {
  __u64 *count = entry(index);
  if (count) __sync_fetch_and_add(count, 1);
}

static __always_inline void put(__u32 index, __u64 value) {
  __u64 *count = entry(index);
  if (count) *count = value;
}
