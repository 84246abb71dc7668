// Twenty objects in one source: -DSHAPE=1 to 20 says which.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

#define MAP(map, kind, key_type, value_type)   \
	struct {                               \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, 4);        \
		__type(key, key_type);         \
		__type(value, value_type);     \
	} map SEC(".maps")

#if SHAPE == 1 // The ends of every integer.
signed char i8_min = -128, i8_max = 127;
unsigned char u8_max = 255;
short i16_min = -32768;
unsigned short u16_max = 65535;
int i32_min = -2147483647 - 1;
unsigned int u32_max = 4294967295u;
long long i64_min = -9223372036854775807ll - 1;
unsigned long long u64_max = 18446744073709551615ull;
long as_long = -1;
unsigned long as_unsigned_long = 1ul << 63;
char as_char = 'c';
__be32 in_network_order = 0x7f00007f; // bpftool shows it in the order of the host

#elif SHAPE == 2 // Enumerations of every size and sign.
enum below { FAR_BELOW = -2147483647 - 1, BELOW = -1, NULL_ = 0 } below = FAR_BELOW;
enum above { ABOVE = 0xffffffffu } above = ABOVE;
enum wide { WIDE = 1ull << 40, WIDEST = 0xffffffffffffffffull } wide = WIDEST;
enum wide_below { WIDE_BELOW = -(1ll << 40) } wide_below = WIDE_BELOW;
enum __attribute__((packed)) tiny { TINY = 3 } tiny = TINY;
enum { ANONYMOUS = 7 } anonymous = ANONYMOUS;
enum sparse { FIRST = 1, SECOND = 1000, ALIAS = 1000 } sparse[3] = { FIRST, ALIAS, 5 };
bool truths[4] = { true, false, true, true };

#elif SHAPE == 3 // Bit-fields, across units and of all types.
enum kind { PLAIN, FANCY };
struct fields {
	unsigned int a : 1, b : 31;
	int c : 7, : 0, d : 5;
	unsigned long long e : 40, f : 24;
	bool g : 1, h : 1;
	enum kind kind : 2;
	unsigned char i : 3, j : 5;
	short k : 9;
} fields = { 1, 0x7fffffff, -64, 15, 0xffffffffffull, 0xabcdef, true, false, FANCY, 5, 17, -200 };
struct __attribute__((packed)) tight { unsigned int a : 3, b : 10; unsigned short c : 11; }
	tight = { 5, 1000, 2000 };

#elif SHAPE == 4 // Unions, in each other and without names.
union whole { unsigned long long all; unsigned int half[2]; unsigned char bytes[8]; };
struct tagged {
	int tag;
	union { union whole whole; struct { short low, high; }; unsigned char raw[16]; };
	union { int one; } named;
};
union whole alone = { 0x0102030405060708ull };
struct tagged tagged = { 1, { .whole = { 7 } }, { 9 } };
struct tagged several[2] = { { 2, { .low = 3, .high = 4 } }, { 5 } };

#elif SHAPE == 5 // Arrays of arrays, of structs, and of nothing.
struct cell { short x; unsigned char y; };
int cube[2][3][4] = { { { 1, 2 }, { 3 } }, { { 4 } } };
struct cell grid[2][2] = { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } };
unsigned long long counters[7] = { 1, 2, 3, 4, 5, 6, 1ull << 60 };
char lines[3][5] = { "one", "two", "three" };
struct { int count; struct cell cells[2]; char end[]; } open = { 2, { { 1, 1 } } };

#elif SHAPE == 6 // Static variables that share names.
static volatile int shared = 1;
static int once(void) { static volatile int calls = 2; return ++calls; }
static int twice(void) { static volatile int calls = 3; return ++calls; }
int global = 4;
#define BODY shared + once() + twice() + global

#elif SHAPE == 7 // Weak, hidden, and aligned.
int __attribute__((weak)) weak = 1;
const volatile int __attribute__((weak)) weak_constant = 2;
int hidden __attribute__((visibility("hidden"))) = 3;
int far __attribute__((aligned(64))) = 4;
extern int unknown_symbol __attribute__((weak)) __ksym;
#define BODY weak + weak_constant + (&unknown_symbol != 0)

#elif SHAPE == 8 // Sections of one's own.
int in_a SEC(".data.a") = 1;
int in_a_b SEC(".data.a.b") = 2;
int in_bss SEC(".bss.more");
const volatile int in_rodata SEC(".rodata.1") = 3;
const volatile char text_in_rodata[8] SEC(".rodata.text") = "constant";
int in_data = 5;
#define BODY in_a + in_rodata + text_in_rodata[0]

#elif SHAPE == 9 // Maps with keys and values of all shapes.
struct flow { __be32 from, to; unsigned char protocol : 4, version : 4; char pad[3]; };
union value { unsigned long long number; char text[8]; };
enum state { CLOSED, OPEN };
MAP(flows, HASH, struct flow, union value);
MAP(states, HASH, enum state, bool);
MAP(texts, HASH, char[16], char[4]);
MAP(arrays, ARRAY, int, int[3]);
MAP(nested, ARRAY, unsigned int, struct { struct flow flow; enum state state; });
MAP(pairs, HASH, long long, struct { int a; int b; });

#elif SHAPE == 10 // Maps of maps.
struct held { int a; };
struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, struct held);
} first SEC(".maps"), second SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, unsigned long long);
	__array(values, struct inner);
} by_number SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, int);
	__array(values, struct inner);
} by_index SEC(".maps") = { .values = { [0] = &first, [2] = &second } };

#elif SHAPE == 11 // Values for each CPU.
struct odd { unsigned char bytes[3]; };
MAP(per_cpu, PERCPU_ARRAY, int, struct odd);
MAP(per_cpu_hash, PERCPU_HASH, char[3], unsigned long long);
MAP(per_cpu_lru, LRU_PERCPU_HASH, int, struct { bool on; });

#elif SHAPE == 12 // Maps without keys, and rings.
#define KEYLESS(map, kind, value_type)         \
	struct {                               \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, 4096);     \
		__type(value, value_type);     \
	} map SEC(".maps")
struct item { long long at; char name[8]; };
KEYLESS(waiting, QUEUE, struct item);
KEYLESS(undone, STACK, int);
KEYLESS(seen, BLOOM_FILTER, unsigned int);
KEYLESS(events, RINGBUF, struct item);
KEYLESS(commands, USER_RINGBUF, struct item);

#elif SHAPE == 13 // Names of the skeleton and of what it imports.
struct load { int rings; };
struct rings { int load; };
struct Shape { int Shape; };
struct LoadOptions { int a; };
struct U32 { int u32; };
struct Uint8Array { int a; };
enum struct_ { union_ };
struct load load = { 1 };
struct rings rings = { 2 };
struct Shape Shape = { 3 };
struct LoadOptions LoadOptions = { 4 };
struct U32 U32 = { 5 };
struct Uint8Array Uint8Array = { 6 };
enum struct_ struct_ = union_;
int u32 = 7, struct_type = 8, array = 9, import = 10, await = 11, arguments = 12, eval = 13, undefined = 14, NaN = 15, globalThis = 16;

#elif SHAPE == 14 // One name for a struct, a type, an enumeration and a variable.
struct same { int a; };
typedef struct { int b; } same;
typedef same another;
typedef another array_of[2];
struct same same_struct = { 1 };
same same_type = { 2 };
another same_again = { 3 };
array_of same_array = { { 4 }, { 5 } };
const volatile struct same same_constant = { 6 };
static int scoped(void) { struct same { char c, d; }; static volatile struct same inner = { 7, 8 }; return inner.c; }
#define BODY scoped() + same_constant.a

#elif SHAPE == 15 // Pointers, to what is known and what is not.
struct absent;
struct link { struct link *next, **all; struct absent *absent; void *any; const char *text; };
struct calls { int (*one)(int); void (*none)(void); int (*several[2])(struct link *, ...); };
struct link chain = { 0 };
struct calls calls = { 0 };
int *nowhere = 0;

#elif SHAPE == 16 // Deep in each other.
struct deep {
	struct { struct { union { struct { struct { int bottom; } e; }; long long other; } d; } c[2]; } b;
	struct { int x; union { int y; struct { short z, w; }; }; } parts[2];
};
struct deep deep = { { { { { { { 1 } } } } } }, { { 2, { 3 } }, { 4, { .z = 5, .w = 6 } } } };

#elif SHAPE == 17 // Packed and aligned.
struct __attribute__((packed)) packed { char a; int b; long long c; short d[3]; };
struct __attribute__((packed, aligned(4))) both { char a; int b; };
struct __attribute__((aligned(32))) wide { char a; struct packed packed; };
struct { char a; int b __attribute__((aligned(16))); struct both both; } mixed = { 1, 2, { 3, 4 } };
struct packed packed = { 1, 2, 3, { 4, 5, 6 } };
struct wide wides[2] = { { 1 }, { 2, { 3 } } };

#elif SHAPE == 18 // Text that is none, and long zeros.
char latin[4] = { 'a', (char)0xe9, 0, 'b' };
char full[4] = { 'f', 'u', 'l', 'l' };
unsigned char raw[4] = { 0xff, 0, 0xfe, 1 };
signed char numbers[3] = { -1, 0, 1 };
char zeros[60000];
char last = 'z';

#elif SHAPE == 19 // Many programs.
#define MANY(n) SEC("?socket") int many_##n(struct __sk_buff *skb) { return n; }
MANY(1) MANY(2) MANY(3) MANY(4) MANY(5) MANY(6) MANY(7) MANY(8) MANY(9) MANY(10)
SEC("socket") int class(struct __sk_buff *skb) { return 11; }
SEC("xdp") int delete(struct xdp_md *context) { return XDP_PASS; }

#elif SHAPE == 20 // Nothing that runs.
#define NO_PROGRAM
int alone = 1;
const volatile int constant = 2;
MAP(map, ARRAY, int, int);
#endif

#ifndef BODY
#define BODY 0
#endif

#ifndef NO_PROGRAM
SEC("socket")
int run(struct __sk_buff *skb)
{
	return BODY;
}
#endif
