/**
 * The C of the newest value: `@` is its name. The bits of the state are those that
 * `latest/state.ts` tells of.
 */
export const LATEST = `
/* The buffers of a state: which one the reader has, the writer, and neither. */
static inline uint32_t @_front(uint32_t state)
{
	return state & 3;
}

static inline uint32_t @_middle(uint32_t state)
{
	return (state >> 2 & 3) ^ 1;
}

static inline uint32_t @_back(uint32_t state)
{
	return (state >> 4 & 3) ^ 2;
}

static inline uint32_t @_state(uint32_t front, uint32_t middle, uint32_t back)
{
	return front | (middle ^ 1) << 2 | (back ^ 2) << 4;
}

/* True if each buffer is in one hand. */
static inline bool @_is_state(uint32_t state)
{
	return (1u << @_front(state) | 1u << @_middle(state) |
	        1u << @_back(state)) == 7;
}

/* Set if the reader has not taken the newest, and if there is any. */
#define @_FRESH (1u << 6)
#define @_EVER (1u << 7)

/* Takes the writer's side: 0; -EBUSY; -EINVAL where it is of something else. */
static inline int @_writer_open(struct @ *latest, bool take_over)
{
	int error = hostmem_agree(&latest->format, @_FORMAT);

	if (!error)
		error = hostmem_take(&latest->writer, &latest->pidNamespace,
		                     take_over);
	if (!error)
		atomic_store(&latest->ended, 0);
	return error;
}

/*
 * The value to submit next, to be filled in place: it holds some earlier value.
 * NULL where somebody else wrote the state.
 */
static inline @_element *@_draft(struct @ *latest)
{
	uint32_t state = atomic_load(&latest->state);

	return @_is_state(state) ? &latest->slots[@_back(state)] : NULL;
}

/* Makes the draft the newest: 0, or -EBADMSG where somebody wrote the state. */
static inline int @_submit(struct @ *latest)
{
	uint32_t before = atomic_load(&latest->state), after;

	do {
		if (!@_is_state(before))
			return -EBADMSG;
		after = (before & ~255u) + 256;
		after |= @_EVER | @_FRESH | @_state(@_front(before),
		                                    @_back(before),
		                                    @_middle(before));
	} while (!atomic_compare_exchange_weak(&latest->state, &before, after));
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&latest->readerSleeps, memory_order_relaxed))
		return 0;
	atomic_store(&latest->readerSleeps, 0);
	hostmem_notify(&latest->state, INT32_MAX);
	return 0;
}

/* Gives the side back: the reader comes to an end. */
static inline void @_writer_close(struct @ *latest)
{
	hostmem_end(&latest->writer, &latest->ended, &latest->state);
}

/* Takes the reader's side, as the writer's is taken. */
static inline int @_reader_open(struct @ *latest, bool take_over)
{
	int error = hostmem_agree(&latest->format, @_FORMAT);

	return error ? error :
		hostmem_take(&latest->reader, &latest->pidNamespace, take_over);
}

/*
 * The newest, in place, until this is called again: NULL before anything was
 * submitted, or where somebody else wrote the state.
 */
static inline const @_element *@_read(struct @ *latest)
{
	uint32_t before = atomic_load(&latest->state), after;

	do {
		if (!@_is_state(before) || !(before & @_EVER))
			return NULL;
		if (!(before & @_FRESH))
			return &latest->slots[@_front(before)];
		after = (before & ~127u) | @_state(@_middle(before),
		                                   @_front(before),
		                                   @_back(before));
	} while (!atomic_compare_exchange_weak(&latest->state, &before, after));
	return &latest->slots[@_middle(before)];
}

/*
 * Waits until there is one that was not read: 0; -EPIPE where the writer has closed
 * its side; -EOWNERDEAD where it died; -EBADMSG where somebody wrote the state.
 */
static inline int @_reader_wait(struct @ *latest)
{
	uint32_t state, ended;

	for (;;) {
		ended = atomic_load(&latest->ended);
		state = atomic_load(&latest->state);
		if (!@_is_state(state))
			return -EBADMSG;
		if (state & @_FRESH)
			return 0;
		if (ended)
			return -EPIPE;
		atomic_store(&latest->readerSleeps, 1);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load(&latest->state) != state ||
		    atomic_load(&latest->ended))
			continue;
		if (hostmem_sleep(&latest->state, state) &&
		    hostmem_is_dead(&latest->writer, &latest->pidNamespace) &&
		    atomic_load(&latest->state) == state)
			return -EOWNERDEAD;
	}
}

/* Gives the side back. */
static inline void @_reader_close(struct @ *latest)
{
	hostmem_give_back(&latest->reader);
}
`;
