/**
 * The C of shared structures: what all of them need, and the functions of each.
 * It keeps the order that `shared/order.ts` tells of, in the terms of C11.
 */

import type { StructureKind } from "../shared/structure.ts";
import { LATEST } from "./c_latest.ts";
import { BYTE_RING, SPSC_RING } from "./c_rings.ts";

/** The C that all structures need: futex(2), and who has a side. */
export const SUPPORT = `
#ifndef HOSTMEM_SYNC
#define HOSTMEM_SYNC

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Sleeps while a word has a value: 0, or -EAGAIN where it has another, -ETIMEDOUT,
 * -EINTR. The timeout is relative; NULL is for ever.
 */
static inline int hostmem_wait(_Atomic uint32_t *word, uint32_t value,
                               const struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT, value, timeout, NULL, 0) < 0 ?
		-errno : 0;
}

/* Wakes who sleeps for a word, in any process: how many. Store a value first. */
static inline int hostmem_notify(_Atomic uint32_t *word, int count)
{
	return syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

/* A thread: its number and when it began; 0, with the reason in errno. */
static inline uint64_t hostmem_thread(const char *path)
{
	char text[1024], *rest, state;
	unsigned long long start;
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	rest = strrchr(text, ')');
	errno = ESRCH;
	if (!rest || sscanf(rest + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
	                    " %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	                    &state, &start) != 2)
		return 0;
	if (state == 'Z' || state == 'X')
		return 0;
	return (uint64_t)start << 32 | (uint32_t)atoi(text);
}

/* This thread, which is read once: a child of fork() is another. */
static inline uint64_t hostmem_self(void)
{
	static _Thread_local uint64_t self;

	if (!self || (uint32_t)self != (uint32_t)syscall(SYS_gettid))
		self = hostmem_thread("/proc/thread-self/stat");
	return self;
}

/*
 * True if the thread that wrote the word of an owner lives, or may: /proc can hide
 * it from this user, and this process may have no descriptor left to read it by.
 */
static inline bool hostmem_alive(uint64_t owner)
{
	char path[64];
	uint64_t thread;
	uint32_t number = (uint32_t)owner;

	if (!number || number > 1 << 22)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/stat", number);
	thread = hostmem_thread(path);
	if (thread || errno == ESRCH)
		return thread == owner;
	return errno != ENOENT || !kill((pid_t)number, 0) || errno != ESRCH;
}

/* The number of a namespace in /proc; 0 where it is not to be known. */
static inline uint32_t hostmem_namespace_of(const char *path)
{
	char target[64] = "";
	const char *number;

	if (readlink(path, target, sizeof(target) - 1) < 0)
		return 0;
	number = strchr(target, '[');
	return number ? strtoul(number + 1, NULL, 10) : 0;
}

/*
 * The namespace of the numbers of threads; 0 where it is not to be known, UINT32_MAX
 * in a time namespace other than the machine's, which tells other times of threads.
 */
static inline uint32_t hostmem_namespace(void)
{
	uint32_t time = hostmem_namespace_of("/proc/self/ns/time");

	return time && time != 0xeffffffa ? UINT32_MAX :
		hostmem_namespace_of("/proc/self/ns/pid");
}

/* True if the owner of a side ended without giving it back. */
static inline bool hostmem_is_dead(_Atomic uint64_t *owner,
                                   _Atomic uint32_t *space)
{
	uint64_t other = atomic_load(owner);
	uint32_t found = atomic_load(space);

	return other && found != UINT32_MAX && found == hostmem_namespace() &&
		!hostmem_alive(other);
}

/*
 * Takes a side: 0; -EBUSY where its owner may live; where /proc cannot be read, the
 * reason, such as -ENOENT or -EMFILE.
 */
static inline int hostmem_take(_Atomic uint64_t *owner, _Atomic uint32_t *space,
                               bool take_over)
{
	uint64_t self = hostmem_self();
	uint32_t own, before = 0;
	uint64_t other;
	int tries = 0;

	if (!self)
		return -errno;
	own = hostmem_namespace();
	if (!atomic_compare_exchange_strong(space, &before, own) && before != own)
		atomic_store(space, UINT32_MAX);
	do {
		other = atomic_load(owner);
		if (other && !take_over && !hostmem_is_dead(owner, space))
			return -EBUSY;
		/* Others took it each time that it was free. */
		if (tries++ == 1000)
			return -EBUSY;
	} while (!atomic_compare_exchange_strong(owner, &other, self));
	return 0;
}

/* Gives a side back, unless another thread has taken it. */
static inline void hostmem_give_back(_Atomic uint64_t *owner)
{
	uint64_t self = hostmem_self();

	atomic_compare_exchange_strong(owner, &self, 0);
}

/*
 * Gives the side of a producer or a writer back, and says that it came to an end,
 * unless another thread has taken it and goes on.
 */
static inline void hostmem_end(_Atomic uint64_t *owner, _Atomic uint32_t *ended,
                               _Atomic uint32_t *index)
{
	uint64_t self = hostmem_self();

	if (!self || atomic_load(owner) != self)
		return;
	atomic_store(ended, 1);
	atomic_compare_exchange_strong(owner, &self, 0);
	hostmem_notify(index, INT32_MAX);
}

/* Writes down what a structure is of: 0, or -EINVAL where it is of another. */
static inline int hostmem_agree(_Atomic uint64_t *format, uint64_t own)
{
	uint64_t found = 0;

	return atomic_compare_exchange_strong(format, &found, own) || found == own ?
		0 : -EINVAL;
}

/* Publishes an index, and wakes who sleeps until it is another. */
static inline void hostmem_publish(_Atomic uint32_t *index, uint32_t value,
                                   _Atomic uint32_t *sleeps)
{
	atomic_store_explicit(index, value, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(sleeps, memory_order_relaxed))
		return;
	atomic_store(sleeps, 0);
	hostmem_notify(index, INT32_MAX);
}

/*
 * The bytes whose cache lines a producer takes at once, which the consumer's
 * processor has. A processor keeps only some fifty stores waiting, those of a few
 * messages: their lines alone would come at a time.
 */
#ifndef HOSTMEM_PIECE
#define HOSTMEM_PIECE 2048
#endif

/* Stores a byte of each line as it is. */
static inline void hostmem_take_lines(volatile uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += 64)
		bytes[at] = bytes[at];
}

/* The time to sleep between two checks that the other side lives. */
static const struct timespec hostmem_look = { 0, 250000000 };

/* Nanoseconds of a clock that goes on by itself. */
static inline uint64_t hostmem_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* True if the last sleep of this thread was long, as the next may be. */
static _Thread_local bool hostmem_slept_long;
static _Thread_local long hostmem_processors;

/*
 * Looks for 50 microseconds, as long as to be woken takes, whether a word has
 * another value than this.
 */
static inline bool hostmem_spin(_Atomic uint32_t *word, uint32_t value)
{
	uint64_t end;

	if (!hostmem_processors)
		hostmem_processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (hostmem_slept_long || hostmem_processors < 2)
		return false;
	end = hostmem_clock() + 50000;
	do {
		if (atomic_load(word) != value)
			return true;
	} while (hostmem_clock() < end);
	return false;
}

/*
 * Sleeps while a word has a value, and for no longer than hostmem_look: true if
 * nobody has woken it, so that the other side may have died. Signals may come more
 * often than that.
 */
static inline bool hostmem_sleep(_Atomic uint32_t *word, uint32_t value)
{
	uint64_t begin = hostmem_clock();
	int error = hostmem_wait(word, value, &hostmem_look);

	hostmem_slept_long = hostmem_clock() - begin > 1000000;
	return error == -ETIMEDOUT || error == -EINTR;
}

#endif
`;

/** The functions of a seqlock: `@` is its name. */
const SEQLOCK = `
/* Takes the writer's side: 0; -EBUSY; -EINVAL where it is of something else. */
static inline int @_writer_open(struct @ *lock, bool take_over)
{
	int error = hostmem_agree(&lock->format, @_FORMAT);

	return error ? error :
		hostmem_take(&lock->writer, &lock->pidNamespace, take_over);
}

/* Stores the value. */
static inline void @_write(struct @ *lock, const @_element *value)
{
	uint32_t odd = atomic_load(&lock->sequence) | 1;

	atomic_store_explicit(&lock->sequence, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(&lock->value, value, sizeof(*value));
	atomic_store_explicit(&lock->sequence, odd + 1, memory_order_release);
}

/* Gives the side back. */
static inline void @_writer_close(struct @ *lock)
{
	hostmem_give_back(&lock->writer);
}

/*
 * Copies the value, all of one moment: 0; -EAGAIN if the writer was storing at
 * every try; -EOWNERDEAD if it ended in the middle of a store. What was copied is of
 * no moment then.
 */
static inline int @_try_read(struct @ *lock, @_element *value)
{
	uint32_t before = 0;
	int tries;

	for (tries = 0; tries < 1024; tries++) {
		before = atomic_load_explicit(&lock->sequence, memory_order_acquire);
		if (before & 1)
			continue;
		memcpy(value, &lock->value, sizeof(*value));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&lock->sequence, memory_order_relaxed) == before)
			return 0;
	}
	if (!(before & 1))
		return -EAGAIN;
	/* The next writer may have closed before it wrote. */
	if (atomic_load(&lock->writer) &&
	    !hostmem_is_dead(&lock->writer, &lock->pidNamespace))
		return -EAGAIN;
	return atomic_load(&lock->sequence) == before ? -EOWNERDEAD : -EAGAIN;
}

/* The same, and waits for a writer that was stopped in its store: 0 or -EOWNERDEAD. */
static inline int @_read(struct @ *lock, @_element *value)
{
	static const struct timespec pause = { 0, 1000000 };
	int error;

	while ((error = @_try_read(lock, value)) == -EAGAIN) {
		uint32_t sequence = atomic_load(&lock->sequence);

		if (sequence & 1)
			hostmem_wait(&lock->sequence, sequence, &pause);
	}
	return error;
}
`;

const FUNCTIONS = {
  SpscRing: SPSC_RING,
  ByteRing: BYTE_RING,
  Seqlock: SEQLOCK,
  Latest: LATEST,
} as const;

/** The functions of a structure in C. */
export function functionsOf(
  kind: StructureKind,
  name: string,
): string {
  return FUNCTIONS[kind].replaceAll("@", name).trim();
}
