/*
 * Adds up all entries of a hash by libbpf's bpf_map_lookup_batch, and by
 * bpf_map_get_next_key and bpf_map_lookup_elem. Keys have 4 bytes; values begin
 * with 8 that are added.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* As many bytes at once as the TypeScript asks for. */
#define CHUNK (1 << 20)

int64_t sum_batches(int fd, uint32_t value_size)
{
	uint32_t capacity = CHUNK / (4 + value_size), cursor, count;
	uint32_t *keys = malloc((size_t)capacity * 4);
	char *values = malloc((size_t)capacity * value_size);
	uint64_t sum = 0, value;
	uint32_t *from = NULL;
	int error;

	do {
		count = capacity;
		error = bpf_map_lookup_batch(fd, from, &cursor, keys, values, &count,
					     NULL);
		if (error && error != -ENOENT) {
			sum = -1;
			break;
		}
		for (uint32_t i = 0; i < count; i++) {
			memcpy(&value, values + (size_t)i * value_size, 8);
			sum += keys[i] + value;
		}
		from = &cursor;
	} while (!error);
	free(keys);
	free(values);
	return sum;
}

int64_t sum_singles(int fd, uint32_t value_size)
{
	char *value = malloc(value_size);
	uint64_t sum = 0, count;
	uint32_t key, *before = NULL;

	while (bpf_map_get_next_key(fd, before, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, value) == 0) {
			memcpy(&count, value, 8);
			sum += key + count;
		}
		before = &key;
	}
	free(value);
	return sum;
}
