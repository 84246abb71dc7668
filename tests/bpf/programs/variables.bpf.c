// Variables of every kind that C has, and programs that use them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

char LICENSE[] SEC("license") = "GPL";

enum color { RED, GREEN, BLUE = 7 };
enum level { LOW = -2, HIGH = 3 };
enum wide { NONE = 0, ALL = 0xffffffffffffffffULL };

struct point {
	s64 x;
	s64 y;
};

struct flags {
	u32 a : 3;
	u32 b : 7;
	int c : 9;
	u64 d : 40;
};

struct packed {
	u8 a;
	u32 b;
	u64 c;
} __attribute__((packed));

struct nested {
	u32 id;
	union {
		u64 whole;
		struct {
			u32 low;
			u32 high;
		};
	};
	struct point points[2];
	char name[12];
};

struct list {
	u32 count;
	u16 items[];
};

// .bss
u64 hits;
u64 bytes;
u32 counts[4];
bool seen;
struct point last;
struct nested nested;
struct flags flags;
struct packed packed;
enum color color;
enum level level;
enum wide wide;
char text[16];
double ratio;
void *address;
u64 aligned_hits __attribute__((aligned(64)));
__int128 huge;

// .data
int step = 1;
s64 least = -0x7fffffffffffffffLL - 1;
struct list list = { 3, { 10, 20, 30, 0 } };
u8 matrix[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };

// A section of its own
u32 tuned SEC(".data.tuning") = 17;

// .rodata
const volatile u32 limit = 5;
const volatile bool verbose = false;
const volatile struct point origin = { 1, -1 };
const volatile char greeting[8] = "hello";

SEC("socket")
int count(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&hits, step);
	bytes += skb->len;
	counts[skb->len & 3]++;
	seen = true;
	last.x = hits;
	last.y = -(s64)hits;
	return limit;
}

SEC("socket")
int copy(struct __sk_buff *skb)
{
	nested.id = flags.a + flags.b + flags.c;
	nested.low = packed.b;
	nested.high = color;
	nested.points[1].x = level;
	nested.points[1].y = wide;
	nested.name[0] = text[0];
	aligned_hits = least + list.items[2] + matrix[1][2] + tuned;
	return 0;
}
