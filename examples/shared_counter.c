/*
 * The other process of shared_counter.ts: maps a file, takes its turn, counts.
 *
 *     cc -O2 -o shared_counter shared_counter.c
 *     ./shared_counter <path> <times>
 */

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The same struct as in shared_counter.ts. */
struct counter {
	_Atomic uint32_t ready; /* how many processes have the memory */
	_Atomic uint64_t count; /* what all of them add to */
	uint64_t plain;         /* what only this one writes */
	char greeting[16];
};

_Static_assert(sizeof(struct counter) == 40, "as shared_counter.ts has it");

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s <path> <times>\n", argv[0]);
		return 2;
	}
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	struct counter *counter = mmap(NULL, sizeof *counter,
				       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counter == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	close(fd); /* the mapping stays */

	alarm(60); /* should the other never begin */
	strcpy(counter->greeting, "hello from C");
	atomic_fetch_add(&counter->ready, 1);
	while (atomic_load(&counter->ready) < 2)
		; /* until the other has begun */
	for (uint64_t left = strtoull(argv[2], NULL, 10); left > 0; left--) {
		atomic_fetch_add(&counter->count, 1);
		counter->plain++;
	}
	return 0;
}
