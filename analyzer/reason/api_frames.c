#include "reason/api_frames.h"

#include <string.h>

enum { MAX_FRAMES_DEEP = 16 };

/* glibc's names without leading underscores and "GI_" (its internal aliases). */
static const struct {
	const char *name;
	enum api api;
} glibc_rows[] = {
	{"pthread_mutex_lock", API_MUTEX},
	{"pthread_mutex_timedlock", API_MUTEX},
	{"pthread_mutex_clocklock", API_MUTEX},
	{"pthread_mutex_lock_full", API_MUTEX},
	{"pthread_mutex_cond_lock", API_MUTEX},
	{"mtx_lock", API_MUTEX},
	{"mtx_timedlock", API_MUTEX},
	{"pthread_cond_wait", API_CONDITION},
	{"pthread_cond_timedwait", API_CONDITION},
	{"pthread_cond_clockwait", API_CONDITION},
	{"cnd_wait", API_CONDITION},
	{"cnd_timedwait", API_CONDITION},
	{"pthread_rwlock_rdlock", API_RWLOCK_READ},
	{"pthread_rwlock_timedrdlock", API_RWLOCK_READ},
	{"pthread_rwlock_clockrdlock", API_RWLOCK_READ},
	{"pthread_rwlock_wrlock", API_RWLOCK_WRITE},
	{"pthread_rwlock_timedwrlock", API_RWLOCK_WRITE},
	{"pthread_rwlock_clockwrlock", API_RWLOCK_WRITE},
	{"sem_wait", API_SEMAPHORE},
	{"sem_timedwait", API_SEMAPHORE},
	{"sem_clockwait", API_SEMAPHORE},
	{"new_sem_wait", API_SEMAPHORE},
	{"new_sem_wait_slow", API_SEMAPHORE},
	{"new_sem_wait_slow64", API_SEMAPHORE},
	{"pthread_barrier_wait", API_BARRIER},
	{"pthread_once", API_ONCE},
	{"pthread_once_slow", API_ONCE},
	{"call_once", API_ONCE},
	{"pthread_join", API_JOIN},
	{"pthread_timedjoin_np", API_JOIN},
	{"pthread_clockjoin_np", API_JOIN},
	{"pthread_timedjoin_ex", API_JOIN},
	{"pthread_clockjoin_ex", API_JOIN},
	{"thrd_join", API_JOIN},
	{"flockfile", API_FILE_LOCK},
};

/* Beginnings (of a whole demangled name), for libraries above or beside glibc. */
static const struct {
	const char *prefix;
	enum api api;
	const char *what;
} other_rows[] = {
	{"std::__atomic_futex_unsigned_base::_M_futex_wait", API_FUTURE, "std::future"},
	{"__cxa_guard_acquire", API_GUARD, "initialisation guard"},
	{"std::latch::wait", API_LATCH, "std::latch"},
	{"std::latch::arrive_and_wait", API_LATCH, "std::latch"},
	{"std::counting_semaphore<", API_SEMAPHORE, "std::counting_semaphore"},
	{"std::__atomic_semaphore::", API_SEMAPHORE, "std::counting_semaphore"},
	{"std::barrier<", API_BARRIER, "std::barrier"},
	{"std::__tree_barrier<", API_BARRIER, "std::barrier"},
	{"std::__atomic_wait_address", API_ATOMIC, "std::atomic"},
	{"std::atomic_flag::wait", API_ATOMIC, "std::atomic_flag"},
	{"std::atomic<", API_ATOMIC, "std::atomic"},
	{"std::__atomic_base<", API_ATOMIC, "std::atomic"},
	{"std::sys::sync::mutex::futex::Mutex::lock", API_MUTEX, "std::sync::Mutex"},
	{"std::sys::sync::condvar::futex::Condvar::wait", API_CONDITION, "std::sync::Condvar"},
	{"std::sys::sync::rwlock::futex::RwLock::read", API_RWLOCK_READ, "std::sync::RwLock"},
	{"std::sys::sync::rwlock::futex::RwLock::write", API_RWLOCK_WRITE, "std::sync::RwLock"},
	{"std::sys::sync::once::futex::Once::", API_ONCE, "std::sync::Once"},
	{"std::sys::sync::thread_parking::futex::Parker::park", API_PARK, "thread::park"},
	{"std::thread::park", API_PARK, "thread::park"},
	{"std::sync::mpmc::", API_PARK, "std::sync::mpsc channel"},
};

static const char *glibc_stem(const char *name)
{
	while (name[0] == '_')
		name++;
	if (strncmp(name, "GI_", 3) == 0)
		name += 3;
	while (name[0] == '_')
		name++;
	return name;
}

static bool is_glibc(const char *module)
{
	return module != NULL &&
	       (strncmp(module, "libc.so", 7) == 0 || strncmp(module, "libpthread", 10) == 0 ||
		strncmp(module, "libc-2.", 7) == 0);
}

static enum api glibc_api(const char *function)
{
	const char *stem = glibc_stem(function);
	/* Behind "@" a version, behind "." what the compiler calls a clone. */
	size_t length = strcspn(stem, "@.");
	for (size_t i = 0; i < sizeof(glibc_rows) / sizeof(glibc_rows[0]); i++)
		if (strlen(glibc_rows[i].name) == length &&
		    memcmp(glibc_rows[i].name, stem, length) == 0)
			return glibc_rows[i].api;
	return API_NONE;
}

static struct api_frame other_api(const char *function)
{
	for (size_t i = 0; i < sizeof(other_rows) / sizeof(other_rows[0]); i++)
		if (strncmp(function, other_rows[i].prefix, strlen(other_rows[i].prefix)) == 0)
			return (struct api_frame){.api = other_rows[i].api,
						  .what = other_rows[i].what};
	return (struct api_frame){0};
}

/* A static program carries glibc itself: then there is no libc of its own among the frames. */
static bool is_static(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (is_glibc(stack->frames[i].module))
			return false;
	return true;
}

struct api_frame api_frame_find(const struct coreleaks_stack *stack, bool static_glibc)
{
	struct api_frame best = {0};
	static_glibc = static_glibc && is_static(stack);
	for (uint32_t i = 0; i < stack->num_frames && i < MAX_FRAMES_DEEP; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		/* What lies beyond was interrupted; the registers are the signal handler's. */
		if (frame->signal)
			break;
		if (frame->function == NULL)
			continue;
		enum api api = API_NONE;
		if (is_glibc(frame->module) || static_glibc)
			api = glibc_api(frame->function);
		if (api != API_NONE && best.api == API_NONE)
			best = (struct api_frame){.api = api, .glibc = true};
		if (is_glibc(frame->module))
			continue;
		/* The outer library's word is the better one: a barrier made of a condition, say.
		 */
		struct api_frame other = other_api(frame->function);
		if (other.api != API_NONE) {
			other.glibc = best.glibc;
			return other;
		}
		if (best.api != API_NONE && api == API_NONE)
			return best;
	}
	return best;
}
