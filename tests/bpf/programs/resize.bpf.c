// Sections that end with an array, and one that does not.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef unsigned int u32;
typedef unsigned long long u64;

char LICENSE[] SEC("license") = "GPL";

struct slot {
	u32 count;
	u32 last;
};

const volatile u32 length = 4;

u64 before SEC(".data.slots") = 7;
struct slot slots[4] SEC(".data.slots") = { { 1, 2 }, { 3, 4 } };

struct slot lonely SEC(".data.lonely") = { 1, 2 };

static volatile u64 rounds;
char text[16];

// Counts in every element that the length tells of.
SEC("socket")
int count(void *context)
{
	rounds++;
	text[0] = 'x';
	lonely.count++;
	for (u32 i = 0; i < length && i < 1000; i++) {
		u32 at = i;
		// The compiler knows of four elements only.
		asm volatile("" : "+r"(at));
		struct slot *slot = (void *)slots + at * sizeof(struct slot);
		slot->count++;
		slot->last = i;
	}
	return 0;
}
