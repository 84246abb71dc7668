/**
 * The C of rings. `@` is a ring's name, and `@_GRAIN` what its indices are
 * multiples of. A side reads what the other wrote once, and compares it with what
 * can be before it is used.
 */

/** The C of the producers of all rings. */
const PRODUCER = `
/* The producer of @: one thread, in one process. */
struct @_producer {
	struct @ *ring;
	uint32_t next; /* the index of the next to reserve */
	uint32_t sent; /* the index of the first that is not submitted */
	uint32_t seen; /* the consumer's index, when it was last looked at */
	uint32_t lines; /* the index up to which cache lines were taken */
};

/*
 * Takes the producer's side: 0; -EBUSY; -EINVAL where it is of something else;
 * -EBADMSG where its index is none.
 */
static inline int @_producer_open(struct @_producer *producer, struct @ *ring,
                                  bool take_over)
{
	int error = hostmem_agree(&ring->format, @_FORMAT);

	if (!error)
		error = hostmem_take(&ring->producer, &ring->pidNamespace, take_over);
	if (error)
		return error;
	producer->ring = ring;
	producer->next = producer->sent = atomic_load(&ring->head);
	producer->lines = producer->next;
	producer->seen = atomic_load(&ring->tail);
	if (producer->next & (@_GRAIN - 1)) {
		hostmem_give_back(&ring->producer);
		return -EBADMSG;
	}
	atomic_store(&ring->ended, 0);
	return 0;
}

/* Takes cache lines of what is free, unless those up to an index were taken. */
static inline void @_take_lines(struct @_producer *producer, void *contents,
                                uint32_t up_to)
{
	uint32_t from = producer->lines, first = from & (@_CAPACITY - 1);
	uint32_t count = producer->seen + @_CAPACITY - from;
	const size_t size = sizeof(@_element);

	if ((int32_t)(from - up_to) >= 0)
		return;
	if (count > @_CAPACITY - first)
		count = @_CAPACITY - first;
	if (count > HOSTMEM_PIECE / size)
		count = (uint32_t)(HOSTMEM_PIECE / size);
	if (size * 2 <= HOSTMEM_PIECE)
		hostmem_take_lines((uint8_t *)contents + first * size, count * size);
	from += count;
	producer->lines = (int32_t)(from - up_to) >= 0 ? from : up_to;
}

/* Gives all that is reserved to the consumer. */
static inline void @_submit(struct @_producer *producer)
{
	struct @ *ring = producer->ring;

	producer->sent = producer->next;
	hostmem_publish(&ring->head, producer->next, &ring->consumerSleeps);
}

/* Gives up what is reserved and not submitted. */
static inline void @_discard(struct @_producer *producer)
{
	producer->next = producer->sent;
}

/* Waits until there is as much room; what is reserved must be submitted. */
static inline int @_wait_for_room(struct @_producer *producer, uint32_t size)
{
	struct @ *ring = producer->ring;
	uint32_t tail, used;

	for (;;) {
		tail = atomic_load(&ring->tail);
		used = producer->next - tail;
		if (used > @_CAPACITY || used & (@_GRAIN - 1))
			return -EBADMSG;
		if (@_CAPACITY - used >= size)
			return 0;
		if (tail == producer->sent && used)
			return -EDEADLK;
		if (hostmem_spin(&ring->tail, tail))
			continue;
		atomic_store(&ring->producerSleeps, 1);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load(&ring->tail) != tail)
			continue;
		if (hostmem_sleep(&ring->tail, tail) &&
		    hostmem_is_dead(&ring->consumer, &ring->pidNamespace) &&
		    atomic_load(&ring->tail) == tail)
			return -EOWNERDEAD;
	}
}

/* Gives the side back: the consumer comes to an end. */
static inline void @_producer_close(struct @_producer *producer)
{
	struct @ *ring = producer->ring;

	hostmem_end(&ring->producer, &ring->ended, &ring->head);
}
`;

/** The C of the consumers of all rings. */
const CONSUMER = `
/* The consumer of @: one thread, in one process. */
struct @_consumer {
	struct @ *ring;
	uint32_t next; /* the index of the next to look at */
	uint32_t seen; /* the producer's index, when it was last looked at */
};

/* Takes the consumer's side, as the producer's is taken. */
static inline int @_consumer_open(struct @_consumer *consumer, struct @ *ring,
                                  bool take_over)
{
	int error = hostmem_agree(&ring->format, @_FORMAT);

	if (!error)
		error = hostmem_take(&ring->consumer, &ring->pidNamespace, take_over);
	if (error)
		return error;
	consumer->ring = ring;
	consumer->next = consumer->seen = atomic_load(&ring->tail);
	if (consumer->next & (@_GRAIN - 1)) {
		hostmem_give_back(&ring->consumer);
		return -EBADMSG;
	}
	return 0;
}

/* Gives all that was looked at back to the producer. */
static inline void @_release(struct @_consumer *consumer)
{
	struct @ *ring = consumer->ring;

	hostmem_publish(&ring->tail, consumer->next, &ring->producerSleeps);
}

/* Gives the side back, for the next to go on. */
static inline void @_consumer_close(struct @_consumer *consumer)
{
	hostmem_give_back(&consumer->ring->consumer);
}
`;

/** The C of a consumer's wait, to stand behind `@_check`. */
const CONSUMER_WAIT = `
/*
 * Waits until there is something: 0; -EPIPE where the producer has closed its
 * side; -EOWNERDEAD where it died; -EBADMSG where it wrote what cannot be.
 */
static inline int @_consumer_wait(struct @_consumer *consumer)
{
	struct @ *ring = consumer->ring;
	uint32_t head, ended;

	for (;;) {
		ended = atomic_load(&ring->ended);
		head = atomic_load(&ring->head);
		if (head != consumer->next)
			return @_check(consumer, head);
		if (ended)
			return -EPIPE;
		if (hostmem_spin(&ring->head, head))
			continue;
		atomic_store(&ring->consumerSleeps, 1);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load(&ring->head) != head || atomic_load(&ring->ended))
			continue;
		if (hostmem_sleep(&ring->head, head) &&
		    hostmem_is_dead(&ring->producer, &ring->pidNamespace) &&
		    atomic_load(&ring->head) == head)
			return -EOWNERDEAD;
	}
}
`;

const SLOTS = `
/* Reserves the next slot: NULL where the ring is full. */
static inline @_element *@_reserve(struct @_producer *producer)
{
	struct @ *ring = producer->ring;

	if (producer->next - producer->seen >= @_CAPACITY) {
		producer->seen = atomic_load_explicit(&ring->tail,
		                                      memory_order_acquire);
		if (producer->next - producer->seen >= @_CAPACITY)
			return NULL;
	}
	@_take_lines(producer, ring->slots, producer->next + 1);
	return &ring->slots[producer->next++ & (@_CAPACITY - 1)];
}

/*
 * Waits until there is room: 0; -EDEADLK where the ring is full of what is reserved
 * and not submitted; -EOWNERDEAD where the consumer died; -EBADMSG
 * where it wrote what cannot be.
 */
static inline int @_producer_wait(struct @_producer *producer)
{
	return @_wait_for_room(producer, 1);
}

/* The next element, in place: NULL where there is none. */
static inline const @_element *@_next(struct @_consumer *consumer)
{
	struct @ *ring = consumer->ring;

	if (consumer->next == consumer->seen) {
		consumer->seen = atomic_load_explicit(&ring->head,
		                                      memory_order_acquire);
		if (consumer->seen - consumer->next > @_CAPACITY)
			consumer->seen = consumer->next;
		if (consumer->next == consumer->seen)
			return NULL;
	}
	return &ring->slots[consumer->next++ & (@_CAPACITY - 1)];
}

/* Checks that the producer's index can be: 0 or -EBADMSG. */
static inline int @_check(struct @_consumer *consumer, uint32_t head)
{
	return head - consumer->next > @_CAPACITY ? -EBADMSG : 0;
}
`;

const MESSAGES = `
/* The longest message, in bytes. */
#define @_LONGEST (@_CAPACITY / 2 - 8)
/* In place of a length: the rest of the ring, up to its end, is no message. */
#define @_REST UINT32_MAX

/* The number of bytes from an index to the end of the ring. */
static inline uint32_t @_rest(uint32_t index)
{
	return @_CAPACITY - (index & (@_CAPACITY - 1));
}

/* The length in the header of a record. */
static inline _Atomic uint32_t *@_length(struct @ *ring, uint32_t index)
{
	return (_Atomic uint32_t *)&ring->bytes[index & (@_CAPACITY - 1)];
}

/* The size of a message's record, in bytes. */
static inline uint32_t @_record(uint32_t length)
{
	return (length + 15) & -8u;
}

/* The size of one that is put at an index, with the gap before it. */
static inline uint32_t @_record_at(uint32_t index, uint32_t length)
{
	uint32_t size = @_record(length), rest = @_rest(index);

	return size <= rest ? size : rest + size;
}

/* True if there is room for as much, by what was seen of the consumer. */
static inline bool @_fits(const struct @_producer *producer, uint32_t size)
{
	uint32_t used = producer->next - producer->seen;

	return used <= @_CAPACITY && @_CAPACITY - used >= size;
}

/*
 * Reserves a message of up to @_LONGEST bytes, to be filled in place: NULL where
 * there is no room for it, or it is longer.
 */
static inline void *@_reserve(struct @_producer *producer, uint32_t length)
{
	struct @ *ring = producer->ring;
	uint32_t index = producer->next, size;

	if (length > @_LONGEST)
		return NULL;
	size = @_record_at(index, length);
	if (!@_fits(producer, size)) {
		producer->seen = atomic_load_explicit(&ring->tail,
		                                      memory_order_acquire);
		if (!@_fits(producer, size))
			return NULL;
	}
	@_take_lines(producer, ring->bytes, index + size);
	producer->next = index + size;
	if (size > @_record(length)) {
		atomic_store_explicit(@_length(ring, index), @_REST,
		                      memory_order_relaxed);
		index += @_rest(index);
	}
	atomic_store_explicit(@_length(ring, index), length,
	                      memory_order_relaxed);
	return &ring->bytes[(index & (@_CAPACITY - 1)) + 8];
}

/* Makes the message that was reserved last shorter. */
static inline void @_shorten(struct @_producer *producer, void *message,
                             uint32_t length)
{
	_Atomic uint32_t *header = (_Atomic uint32_t *)((uint8_t *)message - 8);
	uint32_t before = atomic_load_explicit(header, memory_order_relaxed);

	producer->next -= @_record(before) - @_record(length);
	atomic_store_explicit(header, length, memory_order_relaxed);
}

/* Copies a message and submits it: 0, or -EAGAIN where there is no room for it. */
static inline int @_write(struct @_producer *producer, const void *message,
                          uint32_t length)
{
	void *bytes = @_reserve(producer, length);

	if (!bytes)
		return length > @_LONGEST ? -EMSGSIZE : -EAGAIN;
	memcpy(bytes, message, length);
	@_submit(producer);
	return 0;
}

/*
 * Waits until there is room for a message: 0; -EMSGSIZE where there never will be;
 * -EDEADLK where the ring is full of what is reserved and not submitted;
 * -EOWNERDEAD where the consumer died; -EBADMSG where it wrote what cannot be.
 */
static inline int @_producer_wait(struct @_producer *producer, uint32_t length)
{
	return length > @_LONGEST ? -EMSGSIZE :
		@_wait_for_room(producer, @_record_at(producer->next, length));
}

/* True if there can be a record of that length at an index. */
static inline bool @_is_record(uint32_t index, uint32_t length,
                               uint32_t available)
{
	uint32_t rest = @_rest(index);

	if (available > @_CAPACITY || available & (@_GRAIN - 1))
		return false;
	if (length == @_REST)
		return rest <= available && rest < @_CAPACITY;
	return length <= @_LONGEST && @_record(length) <= available &&
		@_record(length) <= rest;
}

/*
 * The next message, in place, and its length: NULL where there is none, or the
 * producer wrote what cannot be, which @_consumer_wait tells.
 */
static inline const void *@_next(struct @_consumer *consumer, uint32_t *length)
{
	struct @ *ring = consumer->ring;
	uint32_t index, found;

	for (;;) {
		index = consumer->next;
		if (index == consumer->seen) {
			consumer->seen = atomic_load_explicit(
				&ring->head, memory_order_acquire);
			if (index == consumer->seen)
				return NULL;
		}
		found = atomic_load_explicit(@_length(ring, index),
		                             memory_order_relaxed);
		if (!@_is_record(index, found, consumer->seen - index)) {
			consumer->seen = index;
			return NULL;
		}
		if (found != @_REST)
			break;
		consumer->next = index + @_rest(index);
	}
	consumer->next = index + @_record(found);
	*length = found;
	return &ring->bytes[(index & (@_CAPACITY - 1)) + 8];
}

/* Checks that the next record can be: 0 or -EBADMSG. */
static inline int @_check(struct @_consumer *consumer, uint32_t head)
{
	uint32_t index = consumer->next;
	uint32_t found = atomic_load_explicit(@_length(consumer->ring, index),
	                                      memory_order_relaxed);

	return @_is_record(index, found, head - index) ? 0 : -EBADMSG;
}
`;

/** The functions of a ring of elements. */
export const SPSC_RING: string = PRODUCER + CONSUMER + SLOTS + CONSUMER_WAIT;

/** The functions of a ring of messages. */
export const BYTE_RING: string = PRODUCER + CONSUMER + MESSAGES + CONSUMER_WAIT;
