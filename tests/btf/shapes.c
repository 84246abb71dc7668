/*
 * Structs of every awkward shape. Compiled by clang for BPF, whose BTF is read;
 * and by the host's compiler with -DHOST, as a program that prints where each
 * member lies: a line of its size and of the bytes with
 * all of its bits set.
 */
#include <stdbool.h>

enum color { RED, GREEN = 7, LAST = 0x7fffffff };
enum sign { MINUS = -5, PLUS = 5 };
enum tiny { ONE = 1 } __attribute__((packed));
struct node;
typedef int (*callback)(const char *name, struct node *node);
typedef struct { int counter; } atomic_int_t;

struct scalars {
	char c; signed char sc; unsigned char uc; short s; unsigned short us;
	int i; unsigned u; long l; unsigned long ul; long long ll; bool b;
	float f; double d; enum color color; enum sign sign; enum tiny tiny;
};
struct node { struct node *next, **prev; void *any; callback call; int key; };
struct __attribute__((packed)) packed { char a; int b; short c; long d; char e; };
struct holds_packed { char x; struct packed in; int y; };
struct __attribute__((packed, aligned(4))) packed4 { char a; int b; short c; };
struct aligned { char a; int b __attribute__((aligned(16))); char c; } __attribute__((aligned(32)));
struct holds_aligned { char x; struct aligned in[2]; char y; };
struct bits {
	unsigned a : 3, b : 7; int c : 5; unsigned : 0; unsigned d : 31, e : 2;
	unsigned long f : 40, g : 30; unsigned char h : 4, i : 4; bool j : 1;
	enum color k : 31; short m : 9;
};
struct __attribute__((packed)) packed_bits {
	unsigned char x; unsigned a : 13; int b : 27; unsigned long c : 50; bool d : 1;
};
struct mixed_bits { char x; unsigned a : 5; short y; unsigned b : 20; char z; };
union number { int i; float f; unsigned char bytes[8]; struct { short lo, hi; } half; };
struct anonymous {
	int first;
	union { int whole; struct { short low; union { char left; char right; }; }; };
	struct { int x; struct { int deep; } inner; } named;
	union number number;
};
struct arrays {
	char name[16]; char lines[3][4]; int grid[2][3]; struct node *nodes[4];
	callback calls[2]; enum color colors[3]; union number numbers[2]; char none[0]; long after;
};
struct flexible { int count; short tail[]; };
struct zero { int count; struct {} nothing; struct flexible *more; long tail[0]; };
struct typedefs { atomic_int_t refs; const volatile int cv; atomic_int_t list[3]; };
struct wide { char x; long long y; char z; } ;

#define ALL \
	X(scalars, c) X(scalars, sc) X(scalars, uc) X(scalars, s) X(scalars, us) \
	X(scalars, i) X(scalars, u) X(scalars, l) X(scalars, ul) X(scalars, ll) \
	X(scalars, b) X(scalars, f) X(scalars, d) X(scalars, color) \
	X(scalars, sign) X(scalars, tiny) \
	X(node, next) X(node, prev) X(node, any) X(node, call) X(node, key) \
	X(packed, a) X(packed, b) X(packed, c) X(packed, d) X(packed, e) \
	X(holds_packed, x) X(holds_packed, in) X(holds_packed, in.d) X(holds_packed, y) \
	X(packed4, b) X(packed4, c) \
	X(aligned, a) X(aligned, b) X(aligned, c) \
	X(holds_aligned, in) X(holds_aligned, y) \
	B(bits, a) B(bits, b) B(bits, c) B(bits, d) B(bits, e) B(bits, f) \
	B(bits, g) B(bits, h) B(bits, i) B(bits, j) B(bits, k) B(bits, m) \
	X(packed_bits, x) B(packed_bits, a) B(packed_bits, b) B(packed_bits, c) \
	B(packed_bits, d) \
	X(mixed_bits, x) B(mixed_bits, a) X(mixed_bits, y) B(mixed_bits, b) X(mixed_bits, z) \
	X(anonymous, first) X(anonymous, whole) X(anonymous, low) X(anonymous, left) \
	X(anonymous, right) X(anonymous, named) X(anonymous, named.inner.deep) \
	X(anonymous, number) X(anonymous, number.half.hi) X(anonymous, number.bytes) \
	X(arrays, name) X(arrays, lines) X(arrays, grid) X(arrays, nodes) \
	X(arrays, calls) X(arrays, colors) X(arrays, numbers) X(arrays, after) \
	X(flexible, count) X(zero, count) X(zero, more) \
	X(typedefs, refs) X(typedefs, refs.counter) X(typedefs, cv) X(typedefs, list) \
	X(wide, x) X(wide, y) X(wide, z)

#ifdef HOST
#include <stdio.h>
#include <string.h>

static void print(const char *type, const char *path, const void *p, size_t size)
{
	printf("%s %s %zu ", type, path, size);
	for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)p)[i]);
	printf("\n");
}
#define X(T, PATH) { struct T s; memset(&s, 0, sizeof s); \
	memset((void *)&s.PATH, 255, sizeof s.PATH); print(#T, #PATH, &s, sizeof s); }
#define B(T, PATH) { struct T s; memset(&s, 0, sizeof s); \
	s.PATH = -1; print(#T, #PATH, &s, sizeof s); }
int main(void) { ALL return 0; }
#else
/* One of each, so that the compiler describes them. */
struct scalars v1; struct node v2; struct packed v3; struct holds_packed v4;
struct packed4 v5; struct aligned v6; struct holds_aligned v7; struct bits v8;
struct packed_bits v9; struct mixed_bits v10; struct anonymous v11;
struct arrays v12; struct flexible v13; struct zero v14; struct typedefs v15;
struct wide v16;
__int128 v17;
static volatile int hidden = 5;
int visible = 6;
int reader(void) { return hidden + visible; }
#endif
