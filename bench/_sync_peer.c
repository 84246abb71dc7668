/* The ring of bench/sync_bench.ts in C: as a library, and as a program. */

#include "shared.h"
#include <sys/mman.h>

static struct Quotes_producer producers[4];
static struct Quotes_consumer consumers[4];

int peer_open_producer(struct Quotes *ring, int index)
{
	return Quotes_producer_open(&producers[index], ring, false);
}

int peer_open_consumer(struct Quotes *ring, int index)
{
	return Quotes_consumer_open(&consumers[index], ring, false);
}

static void fill(struct Quote *quote, uint32_t id)
{
	quote->id = id;
	quote->flags = 1;
	quote->price = id;
	for (int i = 0; i < 6; i++)
		quote->sizes[i] = i;
}

static double sum_of(const struct Quote *quote)
{
	return quote->id + quote->price + quote->sizes[5];
}

void peer_produce(int index, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fill(Quotes_reserve(&producers[index]), i);
	Quotes_submit(&producers[index]);
}

double peer_consume(int index, uint32_t count)
{
	double sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += sum_of(Quotes_next(&consumers[index]));
	Quotes_release(&consumers[index]);
	return sum;
}

static int produce(struct Quotes *ring, uint32_t count)
{
	struct Quotes_producer producer;
	struct Quote *quote;
	int error = Quotes_producer_open(&producer, ring, false);

	for (uint32_t i = 0; !error && i < count; i++) {
		while (!(quote = Quotes_reserve(&producer))) {
			Quotes_submit(&producer);
			error = Quotes_producer_wait(&producer);
			if (error)
				return -error;
		}
		fill(quote, i);
		if (i % 64 == 63)
			Quotes_submit(&producer);
	}
	Quotes_submit(&producer);
	Quotes_producer_close(&producer);
	return -error;
}

static int consume(struct Quotes *ring)
{
	struct Quotes_consumer consumer;
	const struct Quote *quote;
	double sum = 0;
	int error = Quotes_consumer_open(&consumer, ring, false);

	for (uint32_t i = 0; !error; i++) {
		while (!(quote = Quotes_next(&consumer))) {
			Quotes_release(&consumer);
			error = Quotes_consumer_wait(&consumer);
			if (error)
				break;
		}
		if (error)
			break;
		sum += sum_of(quote);
		if (i % 64 == 63)
			Quotes_release(&consumer);
	}
	printf("%.0f\n", sum);
	return error == -EPIPE ? 0 : -error;
}

int main(int argc, char **argv)
{
	struct Quotes *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
	                           MAP_SHARED, 0, 0);
	uint32_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	char text[64];

	if (ring == MAP_FAILED || argc < 2)
		return 100;
	switch (argv[1][0]) {
	case 'p': return produce(ring, count);
	case 'c': return consume(ring);
	/* What people use now: the same quotes through a pipe or a socket. */
	case 'w':
		for (uint32_t i = 0; i < count; i++) {
			struct Quote quotes[64];

			for (uint32_t j = 0; j < 64; j++)
				fill(&quotes[j], i++);
			i--;
			if (write(1, quotes, sizeof(quotes)) < 0)
				return 1;
		}
		return 0;
	default:
		snprintf(text, sizeof(text), "no %s\n", argv[1]);
		return write(2, text, strlen(text)) < 0 ? 102 : 101;
	}
}
