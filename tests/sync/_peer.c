/* The other side of what tests/sync/c_test.ts does: standard input is the memory. */

#include "shared.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

struct Shared {
	struct Messages messages;
	struct Sample sample;
	struct Lines lines;
	struct Frames frames;
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
			if (error) {
				Messages_producer_close(&producer);
				return -error;
			}
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
			if (error) {
				Messages_consumer_close(&consumer);
				printf("%u\n", i);
				return error == -EPIPE ? 0 : -error;
			}
		}
		if (!is_whole(message, consumer.next - 1)) {
			fprintf(stderr, "%u: torn or lost\n", consumer.next - 1);
			return 1;
		}
		if (i % 16 == 15)
			Messages_release(&consumer);
	}
}

static uint32_t line_length(uint32_t number)
{
	return 4 + number * 7919ull % 500;
}

static int is_whole_line(const void *line, uint32_t length, uint32_t number)
{
	const uint8_t *bytes = line;

	if (length != line_length(number) || memcmp(line, &number, 4))
		return 0;
	for (uint32_t i = 4; i < length; i++)
		if (bytes[i] != (uint8_t)(number + i))
			return 0;
	return 1;
}

static void fill_line(uint8_t *line, uint32_t number)
{
	memcpy(line, &number, 4);
	for (uint32_t i = 4; i < line_length(number); i++)
		line[i] = number + i;
}

/* Puts a line into the ring, in one of two ways: whether there is room for it. */
static bool put_line(struct Lines_producer *producer, uint32_t number)
{
	uint32_t length = line_length(number);
	uint8_t copy[504], *line;

	if (number % 5 == 4) {
		fill_line(copy, number);
		return Lines_write(producer, copy, length) == 0;
	}
	/* It takes more room than it turns out to need. */
	line = Lines_reserve(producer, length + number % 3 * 8);
	if (!line)
		return false;
	fill_line(line, number);
	Lines_shorten(producer, line, length);
	return true;
}

/* Tells the number that comes next, also where the consumer died. */
static int produce_lines(uint32_t count, uint32_t number)
{
	struct Lines_producer producer;
	int error = Lines_producer_open(&producer, &shared->lines, false);

	if (error)
		return -error;
	for (uint32_t i = 0; !error && (count == 0 || i < count); i++) {
		while (!error && !put_line(&producer, number)) {
			Lines_submit(&producer);
			error = Lines_producer_wait(&producer,
			                            line_length(number) + 16);
		}
		number += !error;
		if (i % 7 == 6)
			Lines_submit(&producer);
	}
	if (!error) {
		Lines_submit(&producer);
		Lines_reserve(&producer, 100);
		Lines_discard(&producer);
	}
	Lines_producer_close(&producer);
	printf("%u\n", number);
	return -error;
}

/* Any number is right for the first where `number` is UINT32_MAX. */
static int consume_lines(uint32_t number)
{
	struct Lines_consumer consumer;
	const void *line;
	uint32_t length;
	int error = Lines_consumer_open(&consumer, &shared->lines, false);

	if (error)
		return -error;
	for (uint32_t i = 0; !error; number++, i++) {
		while (!error && !(line = Lines_next(&consumer, &length))) {
			Lines_release(&consumer);
			error = Lines_consumer_wait(&consumer);
		}
		if (error)
			break;
		if (number == UINT32_MAX)
			memcpy(&number, line, 4);
		if (!is_whole_line(line, length, number)) {
			fprintf(stderr, "%u: torn or lost\n", number);
			return 1;
		}
		if (i % 7 == 6)
			Lines_release(&consumer);
	}
	Lines_consumer_close(&consumer);
	printf("%u\n", number);
	return error == -EPIPE ? 0 : -error;
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

static int try_read(void)
{
	struct Message message;

	printf("%d\n", Sample_try_read(&shared->sample, &message));
	return 0;
}

static int write_frames(uint64_t count)
{
	int error = Frames_writer_open(&shared->frames, false);

	for (uint64_t i = 1; !error && i <= count; i++) {
		fill(Frames_draft(&shared->frames), i);
		error = Frames_submit(&shared->frames);
	}
	if (!error)
		Frames_writer_close(&shared->frames);
	return -error;
}

/* Tells the number of the last. */
static int read_frames(void)
{
	uint64_t last = 0;
	int error = Frames_reader_open(&shared->frames, false);

	while (!error && !(error = Frames_reader_wait(&shared->frames))) {
		const struct Message *frame = Frames_read(&shared->frames);

		if (!frame || frame->number <= last ||
		    !is_whole(frame, frame->number)) {
			fprintf(stderr, "%lu: torn or old\n", last);
			return 1;
		}
		last = frame->number;
	}
	Frames_reader_close(&shared->frames);
	printf("%lu\n", last);
	return error == -EPIPE ? 0 : -error;
}

/* Takes all sides that write, and closes them once the seqlock's was taken over. */
static int keep(void)
{
	static const struct timespec pause = { 0, 1000000 };
	struct Messages_producer messages;
	struct Lines_producer lines;
	uint64_t self;
	int error = Messages_producer_open(&messages, &shared->messages, false);

	if (!error)
		error = Lines_producer_open(&lines, &shared->lines, false);
	if (!error)
		error = Frames_writer_open(&shared->frames, false);
	if (!error)
		error = Sample_writer_open(&shared->sample, false);
	if (error)
		return -error;
	self = atomic_load(&shared->messages.producer);
	/* For a minute at the most: nobody waits for it once the test has failed. */
	for (int i = 0; atomic_load(&shared->sample.writer) == self; i++) {
		if (i == 60000)
			return 102;
		nanosleep(&pause, NULL);
	}
	Messages_producer_close(&messages);
	Lines_producer_close(&lines);
	Frames_writer_close(&shared->frames);
	Sample_writer_close(&shared->sample);
	return 0;
}

/* Waits for room while all of it is reserved: what the waits return, negated. */
static int reserve_all(void)
{
	struct Messages_producer messages;
	struct Lines_producer lines;
	int error = Messages_producer_open(&messages, &shared->messages, false);

	if (!error)
		error = Lines_producer_open(&lines, &shared->lines, false);
	if (error)
		return -error;
	while (Messages_reserve(&messages))
		;
	while (Lines_reserve(&lines, 1000))
		;
	printf("%d %d\n", -Messages_producer_wait(&messages),
	       -Lines_producer_wait(&lines, 1000));
	return 0;
}

static void ignore_tick(int number)
{
	(void)number;
}

/* Has a signal come every 20 milliseconds. */
static void tick(void)
{
	struct sigaction action = { .sa_handler = ignore_tick };
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t from = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
	              0, 0);
	if (shared == MAP_FAILED || argc < 2)
		return 100;
	if (getenv("TICKS"))
		tick();
	switch (argv[1][0]) {
	case 'p': return produce(count);
	case 'c': return consume();
	case 'l': return produce_lines(count, from);
	case 'm': return consume_lines(count);
	case 'f': return write_frames(count);
	case 'g': return read_frames();
	case 'w': return write_all(count);
	case 'r': return read_all(count);
	case 't': return try_read();
	case 'k': return keep();
	case 'a': return reserve_all();
	default: return 101;
	}
}
