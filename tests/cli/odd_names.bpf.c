// Variables of all kinds, and names that TypeScript has for other things.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

enum mode { OFF, ON = 5, LAST = 0xffffffff };
enum signedness { BELOW = -1, ABOVE = 1 };
enum wide { HUGE = 0x8000000000000000ull };

// Names of JavaScript, of the layout language, and of the skeleton itself.
struct class { int function; };
struct Shape { int let; };
struct load { struct Shape shape; struct class array[3]; };
struct BpfObject { int __proto__; int constructor; };
struct HostLayout { int _; };
typedef struct { long long x, y; } point;

struct mixed {
	unsigned int low : 3;
	unsigned int : 5;
	int middle : 9;
	enum mode mode : 3;
	bool flag : 1;
	union {
		struct {
			unsigned char first : 4, second : 4;
			unsigned char third;
		};
		unsigned short both;
	};
	union {
		int single;
		unsigned char bytes[4];
	} named;
	struct mixed *next;
	void (*call)(int);
	char text[8];
	char matrix[2][3];
	point points[2][2];
} __attribute__((aligned(16)));

struct __attribute__((packed)) packed {
	char tag;
	unsigned long long value;
};

struct flexible {
	unsigned int count;
	unsigned short items[];
};

unsigned long long hits = 7;
struct mixed mixed = { .low = 5, .middle = -3, .mode = ON, .flag = true,
	.first = 1, .second = 2, .third = 3, .text = "text" };
struct packed packed = { .tag = 'x', .value = 1ull << 40 };
struct flexible flexible = { 3, { 1, 2, 3 } };
struct load load = { { 4 }, { { 1 }, { 2 }, { 3 } } };
struct BpfObject BpfObject = { 1, 2 };
struct HostLayout HostLayout = { 3 };
enum wide wide = HUGE;
enum signedness signedness = BELOW;
point points[2] = { { 1, 2 }, { 3, 4 } };
int numbers[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
char words[2][8] = { "one", "two" };
bool flags[3] = { true, false, true };
float half SEC(".data.floats") = 0.5f;
double quarter[2] SEC(".data.floats") = { 0.25, -0.25 };
void *nowhere;
struct { int a; struct { int b; }; } anonymous = { 1, { 2 } };

unsigned int delete = 1, await = 2, maps = 3, object = 4, rings = 5, options = 6;
int constructor = 7, __proto__ = 8;
int __attribute__((weak)) weak = 11;
static volatile int only = 12;
volatile int custom SEC(".data.custom") = 13;
int hidden __attribute__((visibility("hidden"))) = 14;

const volatile unsigned int limit = 3;
const volatile char greeting[16] = "hello";
const volatile enum mode mode = ON;
const volatile struct class class = { 4 };
const volatile bool careful SEC(".rodata.more") = true;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, struct class);
	__type(value, struct mixed);
} delete_map SEC(".maps");

SEC("socket")
int typeof_(struct __sk_buff *skb)
{
	static volatile int calls = 5;

	hits += skb->len + limit + careful + calls;
	only = hits;
	return only + mode + greeting[0] + class.function;
}

SEC("?xdp")
int unloaded(struct xdp_md *context)
{
	return XDP_PASS;
}
