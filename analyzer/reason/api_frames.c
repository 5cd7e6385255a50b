#include "reason/api_frames.h"

#include "core/modules.h"

#include <string.h>

enum { MAX_FRAMES_DEEP = 16 };

/* glibc's plain names. */
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
	{"pthread_rwlock_rdlock_full", API_RWLOCK_READ},
	{"pthread_rwlock_wrlock_full", API_RWLOCK_WRITE},
	{"pthread_rwlock_wrlock", API_RWLOCK_WRITE},
	{"pthread_rwlock_timedwrlock", API_RWLOCK_WRITE},
	{"pthread_rwlock_clockwrlock", API_RWLOCK_WRITE},
	{"sem_wait", API_SEMAPHORE},
	{"sem_timedwait", API_SEMAPHORE},
	{"sem_clockwait", API_SEMAPHORE},
	{"new_sem_wait", API_SEMAPHORE},
	{"new_sem_wait_slow", API_SEMAPHORE},
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

/* Types of libraries above or beside glibc: how a demangled name begins (Rust's may have an angle
 * bracket in front), and what follows somewhere. */
static const struct {
	const char *type;
	const char *method; /* NULL any */
	enum api api;
	const char *what;
} other_rows[] = {
	{"std::__atomic_futex_unsigned_base::", NULL, API_FUTURE, "std::future"},
	{"__cxa_guard_acquire", NULL, API_GUARD, "initialisation guard"},
	{"std::latch::", NULL, API_LATCH, "std::latch"},
	{"std::counting_semaphore<", NULL, API_SEMAPHORE, "std::counting_semaphore"},
	{"std::__atomic_semaphore::", NULL, API_SEMAPHORE, "std::counting_semaphore"},
	{"std::barrier<", NULL, API_BARRIER, "std::barrier"},
	{"std::__tree_barrier<", NULL, API_BARRIER, "std::barrier"},
	{"std::__atomic_wait_address", NULL, API_ATOMIC, "std::atomic"},
	{"std::__atomic_base<", "wait", API_ATOMIC, "std::atomic"},
	{"std::atomic<", "wait", API_ATOMIC, "std::atomic"},
	{"std::atomic_flag::", "wait", API_ATOMIC, "std::atomic_flag"},
	{"std::sys::sync::mutex::futex::Mutex", NULL, API_MUTEX, "std::sync::Mutex"},
	{"std::sys::sync::condvar::futex::Condvar", NULL, API_CONDITION, "std::sync::Condvar"},
	{"std::sys::sync::rwlock::futex::RwLock", "read", API_RWLOCK_READ, "std::sync::RwLock"},
	{"std::sys::sync::rwlock::futex::RwLock", "write", API_RWLOCK_WRITE, "std::sync::RwLock"},
	{"std::sys::sync::once::futex::Once", NULL, API_ONCE, "std::sync::Once"},
	{"std::sys::sync::thread_parking::futex::Parker", NULL, API_PARK, "thread::park"},
	{"std::thread::park", NULL, API_PARK, "thread::park"},
	{"std::sync::mpmc::", NULL, API_PARK, "std::sync::mpsc channel"},
	{"std::sync::barrier::Barrier", NULL, API_BARRIER, "std::sync::Barrier"},
};

struct glibc_name glibc_name_of(const char *function)
{
	struct glibc_name name;
	while (function[0] == '_')
		function++;
	if (strncmp(function, "GI_", 3) == 0)
		function += 3;
	while (function[0] == '_')
		function++;
	name.text = function;
	/* Behind "@" a version, behind "." what the compiler calls a clone. */
	name.length = strcspn(function, "@.");
	if (name.length > 2 && memcmp(function + name.length - 2, "64", 2) == 0)
		name.length -= 2;
	return name;
}

bool glibc_name_is(struct glibc_name name, const char *wanted)
{
	return strlen(wanted) == name.length && memcmp(wanted, name.text, name.length) == 0;
}

static bool is_glibc(const char *module)
{
	return module != NULL && module_is_libc(module);
}

static enum api glibc_api(const char *function)
{
	struct glibc_name name = glibc_name_of(function);
	for (size_t i = 0; i < sizeof(glibc_rows) / sizeof(glibc_rows[0]); i++)
		if (glibc_name_is(name, glibc_rows[i].name))
			return glibc_rows[i].api;
	return API_NONE;
}

/* Where everything else was inlined, the condition that an atomic wait is for still stands among
 * its template arguments: __atomic_wait_address<int, std::latch::wait() const::{lambda()#1}>. */
static struct api_frame api_of_argument(const char *function, struct api_frame atomic)
{
	const char *arguments = strchr(function, '<');
	for (size_t i = 0; arguments != NULL && i < sizeof(other_rows) / sizeof(other_rows[0]);
	     i++) {
		enum api api = other_rows[i].api;
		if ((api == API_LATCH || api == API_SEMAPHORE || api == API_BARRIER) &&
		    strstr(arguments, other_rows[i].type) != NULL)
			return (struct api_frame){.api = api, .what = other_rows[i].what};
	}
	return atomic;
}

static struct api_frame other_api(const char *function)
{
	function += function[0] == '<';
	for (size_t i = 0; i < sizeof(other_rows) / sizeof(other_rows[0]); i++) {
		size_t size = strlen(other_rows[i].type);
		if (strncmp(function, other_rows[i].type, size) == 0 &&
		    (other_rows[i].method == NULL ||
		     strstr(function + size, other_rows[i].method) != NULL)) {
			struct api_frame found = {.api = other_rows[i].api,
						  .what = other_rows[i].what};
			return found.api == API_ATOMIC ? api_of_argument(function, found) : found;
		}
	}
	return (struct api_frame){0};
}

/* A frame between the wait and the type that the program used: the language's own library. */
static bool is_language_frame(const char *function)
{
	function += function[0] == '<';
	return strncmp(function, "std::", 5) == 0 || strncmp(function, "core::", 6) == 0 ||
	       strncmp(function, "__gnu_cxx::", 11) == 0 || strncmp(function, "__cxa_", 6) == 0 ||
	       strncmp(function, "__gthread_", 10) == 0;
}

/* A static program carries glibc itself: then there is no libc of its own among the frames. */
static bool is_static(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (is_glibc(stack->frames[i].module))
			return false;
	return true;
}

static struct api_frame search_frames(const struct coreleaks_stack *stack, bool static_glibc)
{
	struct api_frame found = {0};
	static_glibc = static_glibc && is_static(stack);
	for (uint32_t i = 0; i < stack->num_frames && i < MAX_FRAMES_DEEP; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		bool glibc = is_glibc(frame->module);
		/* What lies beyond was interrupted; the registers are the signal handler's. */
		if (frame->signal)
			break;
		if (frame->function == NULL)
			continue;
		enum api api = API_NONE;
		if (glibc || static_glibc)
			api = glibc_api(frame->function);
		if (api != API_NONE && found.api == API_NONE)
			found = (struct api_frame){.api = api, .glibc = true};
		if (glibc || api != API_NONE)
			continue;
		/* The outermost type says best what is waited for: a barrier made of an atomic. A
		 * lock of glibc stays one, whatever wraps it. */
		struct api_frame other = other_api(frame->function);
		if (other.api != API_NONE && !found.glibc)
			found = other;
		else if (other.api == API_NONE && found.api != API_NONE &&
			 !is_language_frame(frame->function))
			break;
	}
	return found;
}

struct api_frame api_frame_find(const struct coreleaks_stack *stack, const char *callee,
				bool static_glibc)
{
	struct api_frame found = search_frames(stack, static_glibc);
	if (found.api != API_NONE || callee == NULL)
		return found;
	found.api = glibc_api(callee);
	found.glibc = found.api != API_NONE;
	return found;
}
