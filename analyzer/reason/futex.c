#include "reason/futex.h"

#include <linux/futex.h>

/* Layouts of glibc 2.31 to 2.41, 64-bit (sysdeps/nptl/bits). */
enum {
	MUTEX_COUNT_OFF = 4,
	MUTEX_OWNER_OFF = 8,
	MUTEX_NUSERS_OFF = 12,
	MUTEX_KIND_OFF = 16,
	MUTEX_KIND_TYPE = 3, /* 0 normal, 1 recursive, 2 errorcheck, 3 adaptive */
	MUTEX_KIND_ROBUST = 16,
	MUTEX_KIND_PI = 32,
	MUTEX_KIND_SHARED = 128,
	MUTEX_KIND_MASK = 0x3ff,
	RWLOCK_WRPHASE_OFF = 8,
	RWLOCK_WRITERS_OFF = 12,
	RWLOCK_OWNER_OFF = 24,
	RWLOCK_SHARED_OFF = 28,
	RWLOCK_SIZE = 56,
	RWLOCK_READERS_WRPHASE = 1, /* bits of the first word (nptl/pthread_rwlock_common.c) */
	RWLOCK_READERS_WRLOCKED = 2,
	RWLOCK_READERS_RWAITING = 4,
	RWLOCK_READERS_SHIFT = 3,
	RUST_RWLOCK_NOTIFY_OFF = 4,	  /* Rust 1.62 to 1.95, sys/sync/rwlock/futex.rs */
	RUST_RWLOCK_MASK = (1 << 30) - 1, /* of its state: readers; all bits set: a writer */
	FILE_LOCK_OWNER_OFF = 8,
	MAX_TID = 4194304, /* Linux PID_MAX_LIMIT */
};

static bool read_u32(const struct futex_wait *futex, uint64_t addr, uint32_t *ret)
{
	return image_read(futex->image, addr, ret, sizeof(*ret)) == sizeof(*ret);
}

static void set_object(struct wait *wait, const char *reason, enum wait_object object,
		       uint64_t addr, bool certain)
{
	wait->reason = reason;
	wait->object = object;
	wait->addr = addr;
	wait->certain = certain;
}

static void set_holder(const struct futex_wait *futex, struct wait *wait, uint32_t tid)
{
	if (tid == 0 || tid > MAX_TID)
		return;
	wait->holder_tid = (int32_t)tid;
	wait->holder = nptl_find_tid(futex->nptl, (int32_t)tid);
}

/* Does the name on the stack leave it open that this is a wait in glibc's a or b? */
static bool api_allows(const struct futex_wait *futex, enum api a, enum api b)
{
	return futex->api.api == API_NONE || futex->api.api == a || futex->api.api == b;
}

static bool decode_join(const struct futex_wait *futex, struct wait *wait)
{
	if (!futex->nptl->present)
		return false;
	int32_t target = nptl_find(futex->nptl, futex->addr - futex->nptl->layout.tid_off);
	if (target < 0)
		return false;
	set_object(wait, "join", WAIT_THREAD, futex->addr - futex->nptl->layout.tid_off, true);
	wait->holder = target;
	wait->holder_tid = futex->nptl->threads.items[target].tid;
	return true;
}

/* The word of priority-inheriting and robust mutexes is the owner's id, with two flag bits. */
static bool decode_owner_word(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t kind = 0;
	bool pi = futex->op == FUTEX_LOCK_PI || futex->op == 13 /* FUTEX_LOCK_PI2, Linux 5.14 */;
	bool known = read_u32(futex, futex->addr + MUTEX_KIND_OFF, &kind);
	bool robust = !pi && (futex->op == FUTEX_WAIT || futex->op == FUTEX_WAIT_BITSET) &&
		      (futex->expected & FUTEX_WAITERS) != 0 && known &&
		      (kind & MUTEX_KIND_ROBUST) != 0 && (kind & ~(uint32_t)MUTEX_KIND_MASK) == 0 &&
		      api_allows(futex, API_MUTEX, API_CONDITION);
	if (!pi && !robust)
		return false;
	/* The kernel itself knows a PI futex's owner. Other libraries' locks may look robust. */
	set_object(wait, "mutex", WAIT_MUTEX, futex->addr, pi || futex->api.glibc);
	wait->mutex_kind = (kind & ~(uint32_t)MUTEX_KIND_MASK) == 0 ? kind : 0;
	if (pi)
		wait->mutex_kind |= MUTEX_KIND_PI;
	if (futex->word_known)
		set_holder(futex, wait, futex->word & FUTEX_TID_MASK);
	return true;
}

static bool in_libc(const struct futex_wait *futex, uint64_t pc)
{
	const struct modules *modules = futex->image->modules;
	int32_t index = modules_find(modules, pc);
	if (index < 0)
		return false;
	const struct module *module = &modules->list.items[index];
	return module_is_libc(module->name) || (module->main_program && futex->static_glibc);
}

/* pthread_cond_wait registers a clean-up handler whose argument names condition and mutex
 * (nptl/pthread_cond_wait.c, struct _condvar_cleanup_buffer: wseq, cond, mutex). */
static bool decode_cleanup(const struct futex_wait *futex, struct wait *wait)
{
	uint64_t buffer[2], args[3];
	if (futex->thread == NULL || futex->thread->cleanup_addr == 0 ||
	    image_read(futex->image, futex->thread->cleanup_addr, buffer, sizeof(buffer)) !=
		    sizeof(buffer) ||
	    image_read(futex->image, buffer[1], args, sizeof(args)) != sizeof(args))
		return false;
	uint64_t into = futex->addr - args[1];
	/* A program's own clean-up handler may have an argument that looks alike. */
	if (!api_allows(futex, API_CONDITION, API_CONDITION) || into < 28 || into >= 48 ||
	    !in_libc(futex, buffer[0]))
		return false;
	set_object(wait, "condition", WAIT_CONDITION, args[1], true);
	wait->mutex_addr = args[2];
	return true;
}

static bool mutex_plausible(const struct futex_wait *futex, uint64_t addr, uint32_t *owner_ret,
			    uint32_t *kind_ret)
{
	uint32_t nusers;
	return read_u32(futex, addr + MUTEX_OWNER_OFF, owner_ret) &&
	       read_u32(futex, addr + MUTEX_NUSERS_OFF, &nusers) &&
	       read_u32(futex, addr + MUTEX_KIND_OFF, kind_ret) && *owner_ret <= MAX_TID &&
	       (*kind_ret & ~(uint32_t)MUTEX_KIND_MASK) == 0;
}

static void set_mutex(const struct futex_wait *futex, struct wait *wait, uint32_t owner,
		      uint32_t kind, bool certain)
{
	set_object(wait, "mutex", WAIT_MUTEX, futex->addr, certain);
	wait->mutex_kind = kind;
	set_holder(futex, wait, owner);
}

/* A mutex by the function's name, or by an owner that is alive: chance has no such number. */
static bool decode_mutex(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t owner, kind;
	/* A condition's waiter takes its mutex again before it returns. */
	bool named = futex->api.glibc &&
		     (futex->api.api == API_MUTEX || futex->api.api == API_CONDITION);
	if (!api_allows(futex, API_MUTEX, API_CONDITION) || futex->expected != 2 ||
	    (futex->word_known && futex->word > 2) ||
	    !mutex_plausible(futex, futex->addr, &owner, &kind))
		return false;
	if (!named && (owner == 0 || nptl_find_tid(futex->nptl, (int32_t)owner) < 0))
		return false;
	set_mutex(futex, wait, owner, kind, named);
	return true;
}

/* The last resort for a timed lock, whose functions have no public name: an owner that may be
 * gone, and at least one user. Never certain. */
static bool decode_mutex_shape(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t owner, kind, nusers;
	if (futex->api.api != API_NONE || futex->op != FUTEX_WAIT_BITSET || futex->expected != 2 ||
	    (futex->word_known && (futex->word == 0 || futex->word > 2)) ||
	    !mutex_plausible(futex, futex->addr, &owner, &kind) || owner == 0 ||
	    !read_u32(futex, futex->addr + MUTEX_NUSERS_OFF, &nusers) || nusers == 0 ||
	    nusers > MAX_TID)
		return false;
	set_mutex(futex, wait, owner, kind, false);
	return true;
}

/* Chance does not make all of these agree. Of recursive and error-checking ones EDEADLK is
 * returned, or fails an assertion: they park only when their owner has ended
 * (nptl/pthread_mutex_lock.c). */
static bool is_held_pi_mutex(const struct futex_wait *futex, uint64_t addr, uint32_t *owner_ret,
			     uint32_t *kind_ret)
{
	uint32_t lock, nusers, type;
	if (addr % 8 != 0 || !read_u32(futex, addr, &lock) ||
	    !read_u32(futex, addr + MUTEX_NUSERS_OFF, &nusers) ||
	    !mutex_plausible(futex, addr, owner_ret, kind_ret))
		return false;
	type = *kind_ret & MUTEX_KIND_TYPE;
	return (*kind_ret & MUTEX_KIND_PI) != 0 &&
	       (type == 0 || type == MUTEX_KIND_TYPE ||
		nptl_find_tid(futex->nptl, (int32_t)*owner_ret) < 0) &&
	       *owner_ret != 0 && (lock & FUTEX_TID_MASK) == *owner_ret && nusers > 0;
}

/* After EDEADLK or ESRCH from the kernel, glibc's pthread_mutex_lock of a PI mutex waits for ever
 * on a word of its own stack (nptl/pthread_mutex_lock.c). The mutex is then the one PI mutex that
 * a register, or a word of the library's own frames, points to: at it, or at its kind. */
static bool decode_pi_parking(const struct futex_wait *futex, struct wait *wait)
{
	enum { MAX_WORDS = 64 };
	static const uint8_t saved[] = {REGISTER_RBX, REGISTER_RBP, 12, 13, 14, 15};
	uint64_t sp = futex->task->sp;
	uint64_t words[MAX_WORDS + sizeof(saved)], found = 0;
	uint32_t found_owner = 0, found_kind = 0, owner, kind;
	if (futex->api.api != API_MUTEX || !futex->api.glibc || futex->expected != 0 ||
	    futex->addr < sp - 128 || futex->addr - (sp - 128) > 4096)
		return false;
	/* Never the word itself, whatever else is found. */
	set_object(wait, "mutex", WAIT_NO_OBJECT, 0, false);
	size_t size = futex->inner_size < MAX_WORDS * 8 ? (size_t)futex->inner_size : MAX_WORDS * 8;
	size_t num = image_read(futex->image, sp, words, size & ~(size_t)7) / 8;
	for (size_t i = 0; i < sizeof(saved); i++)
		words[num++] = futex->task->registers->values[saved[i]];
	for (size_t i = 0; i < 2 * num; i++) {
		uint64_t addr = words[i / 2] - (i % 2 == 0 ? 0 : MUTEX_KIND_OFF);
		if (addr == found || !is_held_pi_mutex(futex, addr, &owner, &kind))
			continue;
		if (found != 0)
			return true;
		found = addr;
		found_owner = owner;
		found_kind = kind;
	}
	if (found == 0)
		return true;
	set_object(wait, "mutex", WAIT_MUTEX, found, true);
	wait->mutex_kind = found_kind;
	wait->refused = true;
	set_holder(futex, wait, found_owner);
	return true;
}

/* In a write phase readers are counted that still wait. A thread that reads twice counts twice. */
static struct rwlock_counts rwlock_counts(uint32_t readers)
{
	bool write_phase = (readers & RWLOCK_READERS_WRPHASE) != 0;
	return (struct rwlock_counts){
		.known = true,
		.write_locked = write_phase && (readers & RWLOCK_READERS_WRLOCKED) != 0,
		.num_readers = write_phase ? 0 : readers >> RWLOCK_READERS_SHIFT,
	};
}

/* Behind a writer that goes first, readers sleep on the first word itself: read-locked, a writer
 * and readers waiting (state #4a in nptl/pthread_rwlock_common.c). */
static bool decode_rwlock_queue(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t bits = futex->expected & ((1u << RWLOCK_READERS_SHIFT) - 1);
	if (futex->api.api != API_RWLOCK_READ || !futex->api.glibc || futex->addr % 8 != 0 ||
	    bits != (RWLOCK_READERS_WRLOCKED | RWLOCK_READERS_RWAITING) || futex->expected == bits)
		return false;
	uint32_t shared;
	set_object(wait, "rwlock-read", WAIT_RWLOCK, futex->addr,
		   read_u32(futex, futex->addr + RWLOCK_SHARED_OFF, &shared) && shared <= 1);
	if (wait->certain && shared != 0)
		wait->mutex_kind = MUTEX_KIND_SHARED;
	if (futex->word_known)
		wait->rwlock = rwlock_counts(futex->word);
	return true;
}

/* The lock is 8-aligned, so the word's own address tells which of its two words it is; both carry
 * the bit 2 while somebody sleeps on them (nptl/pthread_rwlock_common.c). */
static bool decode_rwlock(const struct futex_wait *futex, struct wait *wait)
{
	unsigned char lock[RWLOCK_SIZE];
	uint32_t readers, owner, shared, pad, flags;
	bool named = (futex->api.api == API_RWLOCK_READ || futex->api.api == API_RWLOCK_WRITE) &&
		     futex->api.glibc;
	bool writers_word = futex->addr % 8 == 4;
	uint64_t addr = futex->addr - (writers_word ? RWLOCK_WRITERS_OFF : RWLOCK_WRPHASE_OFF);
	if (!api_allows(futex, API_RWLOCK_READ, API_RWLOCK_WRITE) ||
	    futex->op != FUTEX_WAIT_BITSET || (futex->expected & ~1u) != 2 ||
	    futex->addr % 4 != 0 ||
	    image_read(futex->image, addr, lock, sizeof(lock)) != sizeof(lock))
		return false;
	memcpy(&readers, lock, 4);
	memcpy(&owner, lock + RWLOCK_OWNER_OFF, 4);
	memcpy(&shared, lock + RWLOCK_SHARED_OFF, 4);
	memcpy(&pad, lock + 40, 4);
	memcpy(&flags, lock + 48, 4);
	bool owner_fits = owner == 0 || (named && owner <= MAX_TID) ||
			  nptl_find_tid(futex->nptl, (int32_t)owner) >= 0;
	if (shared > 1 || pad != 0 || flags > 2 || !owner_fits)
		return false;
	/* By its value the word tells readers (3) from a writer (2) that waits for them to leave.
	 */
	bool write =
		named ? futex->api.api == API_RWLOCK_WRITE : writers_word || futex->expected == 2;
	set_object(wait, write ? "rwlock-write" : "rwlock-read", WAIT_RWLOCK, addr, named);
	set_holder(futex, wait, owner);
	if (shared != 0)
		wait->mutex_kind = MUTEX_KIND_SHARED;
	if (named)
		wait->rwlock = rwlock_counts(readers);
	return true;
}

static bool decode_semaphore(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t num_waiters, private_flag;
	bool named = futex->api.api == API_SEMAPHORE && futex->api.glibc;
	if (!api_allows(futex, API_SEMAPHORE, API_SEMAPHORE) || futex->expected != 0 ||
	    !read_u32(futex, futex->addr + 4, &num_waiters) ||
	    !read_u32(futex, futex->addr + 8, &private_flag) || num_waiters == 0 ||
	    num_waiters > MAX_TID || (private_flag != 0 && private_flag != 128) ||
	    (!named && futex->op != FUTEX_WAIT_BITSET))
		return false;
	set_object(wait, "semaphore", WAIT_SEMAPHORE, futex->addr, named);
	return true;
}

static bool decode_barrier(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t in, current, count;
	uint64_t addr = futex->addr - 4;
	bool named = futex->api.api == API_BARRIER && futex->api.glibc;
	if (!named || !read_u32(futex, addr, &in) || !read_u32(futex, addr + 4, &current) ||
	    !read_u32(futex, addr + 8, &count) || count == 0 || in < current)
		return false;
	set_object(wait, "barrier", WAIT_BARRIER, addr, true);
	return true;
}

static bool decode_file_lock(const struct futex_wait *futex, struct wait *wait)
{
	uint64_t owner_addr;
	if (futex->api.api != API_FILE_LOCK || futex->expected != 2)
		return false;
	set_object(wait, "mutex", WAIT_MUTEX, futex->addr, true);
	wait->what = "FILE lock (flockfile)";
	if (!image_read_u64(futex->image, futex->addr + FILE_LOCK_OWNER_OFF, &owner_addr))
		return true;
	wait->holder = nptl_find(futex->nptl, owner_addr);
	if (wait->holder >= 0)
		wait->holder_tid = futex->nptl->threads.items[wait->holder].tid;
	return true;
}

/* Readers sleep on the lock's first word, writers on the one behind it. */
static void decode_rust_rwlock(const struct futex_wait *futex, struct wait *wait)
{
	uint32_t state, locks;
	if (futex->api.api == API_RWLOCK_WRITE)
		wait->addr -= RUST_RWLOCK_NOTIFY_OFF;
	if (!read_u32(futex, wait->addr, &state))
		return;
	locks = state & RUST_RWLOCK_MASK;
	wait->rwlock = (struct rwlock_counts){
		.known = true,
		.write_locked = locks == RUST_RWLOCK_MASK,
		.num_readers = locks == RUST_RWLOCK_MASK ? 0 : locks,
	};
}

/* What the name of the waiting function says where no layout is known. */
static void decode_by_name(const struct futex_wait *futex, struct wait *wait)
{
	static const struct {
		enum api api;
		const char *reason;
		enum wait_object object;
		bool certain; /* the futex word lies in the object itself */
	} rows[] = {
		{API_MUTEX, "mutex", WAIT_MUTEX, true},
		{API_CONDITION, "condition", WAIT_CONDITION, true},
		{API_RWLOCK_READ, "rwlock-read", WAIT_RWLOCK, true},
		{API_RWLOCK_WRITE, "rwlock-write", WAIT_RWLOCK, true},
		{API_SEMAPHORE, "semaphore", WAIT_SEMAPHORE, true},
		{API_BARRIER, "barrier", WAIT_BARRIER, false},
		{API_LATCH, "barrier", WAIT_BARRIER, true},
		{API_ONCE, "once", WAIT_ONCE, true},
		{API_GUARD, "once", WAIT_ONCE, true},
		{API_ATOMIC, "atomic", WAIT_FUTEX, false},
		{API_FUTURE, "atomic", WAIT_FUTEX, true},
		{API_PARK, "park", WAIT_FUTEX, true},
		{API_JOIN, "join", WAIT_FUTEX, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].api != futex->api.api)
			continue;
		/* A glibc object that did not have its layout is not known for sure. */
		set_object(wait, rows[i].reason, rows[i].object, futex->addr,
			   rows[i].certain && (!futex->api.glibc || futex->api.api == API_ONCE));
		wait->what = futex->api.what;
		if (wait->object == WAIT_RWLOCK && futex->api.what != NULL &&
		    strcmp(futex->api.what, "std::sync::RwLock") == 0)
			decode_rust_rwlock(futex, wait);
		return;
	}
	set_object(wait, "futex", WAIT_FUTEX, futex->addr, false);
}

void futex_decode(const struct futex_wait *futex, struct wait *ret)
{
	/* Definite ones first, the vaguest shapes last. */
	static bool (*const rows[])(const struct futex_wait *futex, struct wait *wait) = {
		decode_join,	    decode_cleanup,   decode_owner_word,   decode_file_lock,
		decode_pi_parking,  decode_mutex,     decode_rwlock_queue, decode_rwlock,
		decode_mutex_shape, decode_semaphore, decode_barrier,
	};
	bool other_library = futex->api.api != API_NONE && !futex->api.glibc;
	ret->futex_addr = futex->addr;
	ret->word_known = futex->word_known;
	ret->in_flight = futex->word_known && futex->word != futex->expected;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !other_library; i++) {
		if (!rows[i](futex, ret))
			continue;
		if (ret->what == NULL)
			ret->what = futex->api.what;
		/* The kernel, not user space, decides whether a PI mutex's word is up to date. */
		if (futex->op == FUTEX_LOCK_PI || futex->op == 13)
			ret->in_flight = false;
		return;
	}
	decode_by_name(futex, ret);
}
