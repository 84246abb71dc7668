/*
 * The feed of server.ts: puts trades of four symbols, at prices that wander, into
 * a ring in the memory that it is given the path of.
 *
 *     hostmem header types.ts#Trades -o trades.h
 *     cc -O2 -o feed feed.c
 *     ./feed <path> <trades, 0 for no end> <microseconds between them>
 */

#include "trades.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char symbols[][8] = {"ACME", "GLOBEX", "HOOLI", "INITECH"};
static double prices[] = {120, 48.5, 310, 7.25};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* At most half a per mille up or down. */
static double step(void)
{
	return 1 + (random() % 1001 - 500) / 1e6;
}

static int feed(struct Trades *ring, uint64_t count, useconds_t pause)
{
	struct Trades_producer producer;
	int error = Trades_producer_open(&producer, ring, false);

	for (uint64_t i = 0; !error && (count == 0 || i < count); i++) {
		Trades_element *trade = Trades_reserve(&producer);

		while (!trade && !(error = Trades_producer_wait(&producer)))
			trade = Trades_reserve(&producer);
		if (error)
			break; /* the server is gone */
		prices[i % 4] *= step();
		trade->time = now();
		memcpy(trade->symbol, symbols[i % 4], sizeof trade->symbol);
		trade->price = prices[i % 4];
		trade->size = i % 100 + 1;
		Trades_submit(&producer);
		if (pause > 0)
			usleep(pause);
	}
	if (!error)
		Trades_producer_close(&producer);
	return -error;
}

int main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	struct Trades *ring;

	if (fd < 0) {
		fprintf(stderr, "usage: %s <path> <trades> <microseconds>\n", argv[0]);
		return 2;
	}
	ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	return feed(ring, strtoull(argv[2], NULL, 10), atoi(argv[3]));
}
