/* The other side of bench/sync*_bench.ts in C: as a library, and as a program. */

#include "shared.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

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

static int produce_lines(struct Lines *ring, uint32_t count)
{
	struct Lines_producer producer;
	struct Quote *line;
	int error = Lines_producer_open(&producer, ring, false);

	if (error)
		return -error;
	for (uint32_t i = 0; i < count; i++) {
		while (!(line = Lines_reserve(&producer, sizeof(*line)))) {
			Lines_submit(&producer);
			error = Lines_producer_wait(&producer, sizeof(*line));
			if (error)
				return -error;
		}
		fill(line, i);
		if (i % 64 == 63)
			Lines_submit(&producer);
	}
	Lines_submit(&producer);
	Lines_producer_close(&producer);
	return 0;
}

static int consume_lines(struct Lines *ring)
{
	struct Lines_consumer consumer;
	const void *line;
	uint32_t length;
	double sum = 0;
	int error = Lines_consumer_open(&consumer, ring, false);

	if (error)
		return -error;
	for (uint32_t i = 0;; i++) {
		while (!(line = Lines_next(&consumer, &length))) {
			Lines_release(&consumer);
			error = Lines_consumer_wait(&consumer);
			if (error) {
				printf("%.0f\n", sum);
				return error == -EPIPE ? 0 : -error;
			}
		}
		sum += sum_of(line);
		if (i % 64 == 63)
			Lines_release(&consumer);
	}
}

/* Waits for the next quote, asleep or not: NULL at the end. */
static const struct Quote *receive(struct Quotes_consumer *consumer, bool polls)
{
	const struct Quote *quote;

	while (!(quote = Quotes_next(consumer)))
		if (polls ? atomic_load(&consumer->ring->ended) :
		            Quotes_consumer_wait(consumer) != 0)
			return NULL;
	return quote;
}

static void send_quote(struct Quotes_producer *producer, uint32_t id)
{
	fill(Quotes_reserve(producer), id);
	Quotes_submit(producer);
}

/* Sends back what comes. */
static int echo(struct Quotes *rings, bool polls)
{
	struct Quotes_consumer consumer;
	struct Quotes_producer producer;
	const struct Quote *quote;

	if (Quotes_producer_open(&producer, &rings[1], false) ||
	    Quotes_consumer_open(&consumer, &rings[0], false))
		return 1;
	while ((quote = receive(&consumer, polls))) {
		send_quote(&producer, quote->id);
		Quotes_release(&consumer);
	}
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* Writes how many nanoseconds each round trip took. */
static int round_trips(struct Quotes *rings, uint32_t count, bool polls)
{
	struct Quotes_consumer consumer;
	struct Quotes_producer producer;
	double *times = calloc(count, sizeof(*times));

	if (!times || Quotes_producer_open(&producer, &rings[0], false) ||
	    Quotes_consumer_open(&consumer, &rings[1], false))
		return 1;
	for (uint32_t i = 0; i < count; i++) {
		double since = now();
		const struct Quote *quote;

		send_quote(&producer, i);
		quote = receive(&consumer, polls);
		if (!quote || quote->id != i)
			return 1;
		Quotes_release(&consumer);
		times[i] = now() - since;
	}
	Quotes_producer_close(&producer);
	return fwrite(times, sizeof(*times), count, stdout) != count;
}

/* What people use now: the same quotes through a pipe or a socket. */
static int write_quotes(int fd, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += 64) {
		struct Quote quotes[64];

		for (uint32_t j = 0; j < 64; j++)
			fill(&quotes[j], i + j);
		if (write(fd, quotes, sizeof(quotes)) < 0)
			return 1;
	}
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : fd;
}

static int echo_socket(int fd)
{
	char message[64];
	ssize_t size;

	while ((size = read(fd, message, sizeof(message))) > 0)
		if (write(fd, message, size) != size)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	void *memory = mmap(NULL, 2 * sizeof(struct Quotes) > sizeof(struct Lines) ?
	                    2 * sizeof(struct Quotes) : sizeof(struct Lines),
	                    PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0);
	uint32_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	const char *how = argc > 3 ? argv[3] : "";

	if (memory == MAP_FAILED || argc < 2)
		return 100;
	switch (argv[1][0]) {
	case 'p': return produce(memory, count);
	case 'c': return consume(memory);
	case 'l': return produce_lines(memory, count);
	case 'm': return consume_lines(memory);
	case 'e': return echo(memory, how[0] == 'p');
	case 'r': return round_trips(memory, count, how[0] == 'p');
	case 'w': return write_quotes(1, count);
	case 's': return write_quotes(connect_to(how), count);
	case 'u': return echo_socket(connect_to(how));
	default: return 101;
	}
}
