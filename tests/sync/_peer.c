/* The other side of what tests/sync/c_test.ts does: standard input is the memory. */

#include "shared.h"
#include <sys/mman.h>

struct Shared {
	struct Messages messages;
	struct Sample sample;
};

static struct Shared *shared;

/* Fills a message so that no part of another goes unnoticed. */
static void fill(struct Message *message, uint64_t number)
{
	message->number = number;
	for (int i = 0; i < 7; i++)
		message->words[i] = number * (2 * i + 3);
}

static int is_whole(const struct Message *message, uint64_t number)
{
	if (message->number != number)
		return 0;
	for (int i = 0; i < 7; i++)
		if (message->words[i] != number * (2 * i + 3))
			return 0;
	return 1;
}

/* Messages are numbered by the index of their slot: so the next one goes on. */
static int produce(uint32_t count)
{
	struct Messages_producer producer;
	struct Message *message;
	int error = Messages_producer_open(&producer, &shared->messages, false);

	if (error)
		return -error;
	for (uint32_t i = 0; count == 0 || i < count; i++) {
		while (!(message = Messages_reserve(&producer))) {
			Messages_submit(&producer);
			error = Messages_producer_wait(&producer);
			if (error)
				return -error;
		}
		fill(message, producer.next - 1);
		if (i % 16 == 15)
			Messages_submit(&producer);
	}
	Messages_submit(&producer);
	Messages_producer_close(&producer);
	return 0;
}

static int consume(void)
{
	struct Messages_consumer consumer;
	const struct Message *message;
	int error = Messages_consumer_open(&consumer, &shared->messages, false);

	if (error)
		return -error;
	for (uint32_t i = 0;; i++) {
		while (!(message = Messages_next(&consumer))) {
			Messages_release(&consumer);
			error = Messages_consumer_wait(&consumer);
			if (error == -EPIPE) {
				Messages_consumer_close(&consumer);
				printf("%u\n", i);
				return 0;
			}
			if (error)
				return -error;
		}
		if (!is_whole(message, consumer.next - 1)) {
			fprintf(stderr, "%u: torn or lost\n", consumer.next - 1);
			return 1;
		}
		if (i % 16 == 15)
			Messages_release(&consumer);
	}
}

static int write_all(uint64_t count)
{
	struct Message message;
	int error = Sample_writer_open(&shared->sample, false);

	if (error)
		return -error;
	for (uint64_t i = 1; count == 0 || i <= count; i++) {
		fill(&message, i);
		Sample_write(&shared->sample, &message);
	}
	Sample_writer_close(&shared->sample);
	return 0;
}

static int read_all(uint64_t count)
{
	struct Message message;
	uint64_t versions = 0, last = 0;

	/* However the writer is scheduled: until it has written meanwhile. */
	for (uint64_t i = 0; i < count || versions < 100; i++) {
		int error = Sample_read(&shared->sample, &message);

		if (error)
			return -error;
		if (!is_whole(&message, message.number)) {
			fprintf(stderr, "%lu: mixed\n", message.number);
			return 1;
		}
		versions += message.number != last;
		last = message.number;
	}
	printf("%lu\n", versions);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
	              0, 0);
	if (shared == MAP_FAILED || argc < 2)
		return 100;
	switch (argv[1][0]) {
	case 'p': return produce(count);
	case 'c': return consume();
	case 'w': return write_all(count);
	case 'r': return read_all(count);
	default: return 101;
	}
}
