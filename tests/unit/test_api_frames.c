#include "reason/api_frames.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *api_frames_suite(void);

enum { MAX_FRAMES = 40 };

static struct coreleaks_frame frames[MAX_FRAMES];
static struct coreleaks_stack stack;

static void setup(void)
{
	memset(frames, 0, sizeof(frames));
	stack = (struct coreleaks_stack){.frames = frames};
}

/* The caller of the frames so far. */
static void add(const char *module, const char *function)
{
	ck_assert_uint_lt(stack.num_frames, MAX_FRAMES);
	frames[stack.num_frames++] =
		(struct coreleaks_frame){.function = function, .module = module};
}

static struct api_frame find(bool static_glibc)
{
	return api_frame_find(&stack, NULL, static_glibc);
}

static struct api_frame find_one(const char *module, const char *function)
{
	setup();
	add(module, function);
	return find(false);
}

static void expect(struct api_frame frame, enum api api, bool glibc, const char *what)
{
	ck_assert_int_eq(frame.api, api);
	ck_assert_int_eq(frame.glibc, glibc);
	ck_assert_pstr_eq(frame.what, what);
}

static const struct {
	const char *name;
	enum api api;
} glibc_names[] = {
	{"pthread_mutex_lock", API_MUTEX},
	{"pthread_mutex_timedlock", API_MUTEX},
	{"pthread_mutex_clocklock", API_MUTEX},
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
	{"pthread_barrier_wait", API_BARRIER},
	{"pthread_once", API_ONCE},
	{"call_once", API_ONCE},
	{"pthread_join", API_JOIN},
	{"pthread_timedjoin_np", API_JOIN},
	{"pthread_clockjoin_np", API_JOIN},
	{"thrd_join", API_JOIN},
	{"flockfile", API_FILE_LOCK},
};

START_TEST(names_of_glibc)
{
	static const char *const forms[][2] = {
		{"", ""},	 {"__", ""},	       {"___", ""},	     {"__GI_", ""},
		{"__GI___", ""}, {"", "@@GLIBC_2.34"}, {"", "@GLIBC_2.2.5"}, {"", ".cold"},
	};
	for (size_t i = 0; i < sizeof(glibc_names) / sizeof(glibc_names[0]); i++) {
		for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
			char name[100];
			snprintf(name, sizeof(name), "%s%s%s", forms[k][0], glibc_names[i].name,
				 forms[k][1]);
			struct api_frame frame = find_one("libc.so.6", name);
			ck_assert_msg(frame.api == glibc_names[i].api && frame.glibc, "%s: %d %d",
				      name, frame.api, frame.glibc);
			ck_assert_ptr_null(frame.what);
		}
	}
}
END_TEST

/* Names of glibc's inner functions, which debug information gives. */
START_TEST(inner_names_of_glibc)
{
	static const struct {
		const char *name;
		enum api api;
	} rows[] = {
		{"__new_sem_wait", API_SEMAPHORE},
		{"__new_sem_wait_slow", API_SEMAPHORE},
		{"__new_sem_wait_slow64", API_SEMAPHORE},
		{"__new_sem_wait_slow64.constprop.0", API_SEMAPHORE},
		{"__pthread_mutex_lock_full", API_MUTEX},
		{"__pthread_mutex_cond_lock", API_MUTEX},
		{"__pthread_once_slow", API_ONCE},
		{"__pthread_once_slow.isra.0", API_ONCE},
		{"__pthread_timedjoin_ex", API_JOIN},
		{"__pthread_clockjoin_ex", API_JOIN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct api_frame frame = find_one("libc.so.6", rows[i].name);
		ck_assert_msg(frame.api == rows[i].api && frame.glibc, "%s", rows[i].name);
	}
}
END_TEST

START_TEST(names_that_only_resemble)
{
	static const char *const names[] = {
		"pthread_mutex_unlock",
		"pthread_mutex_trylock",
		"pthread_mutex_locked",
		"pthread_mutex_loc",
		"my_pthread_mutex_lock",
		"pthread_cond_signal",
		"sem_post",
		"sem_wait_all",
		"Pthread_mutex_lock",
		"pthread_mutex_lock()",
		"queue::pthread_join",
		"funlockfile",
		"ftrylockfile",
		"pthread_barrier_wait_x",
		"",
		"_",
		"__GI_",
		"@",
		"GI_",
		"____",
		".constprop.0",
		"pthread_join_all",
		"std::mutex::lock",
		"std::atomic",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(find_one("libc.so.6", names[i]).api == API_NONE, "%s", names[i]);
}
END_TEST

/* The innermost frames have no name in a stripped libc. */
START_TEST(nameless_frames_are_passed)
{
	add("libc.so.6", NULL);
	add("libc.so.6", NULL);
	add("libc.so.6", "pthread_cond_wait");
	add("worker", "consume");
	expect(find(false), API_CONDITION, true, NULL);
	setup();
	expect(find(false), API_NONE, false, NULL);
	add(NULL, NULL);
	expect(find(false), API_NONE, false, NULL);
}
END_TEST

START_TEST(innermost_of_glibc_wins)
{
	add("libc.so.6", "__lll_lock_wait");
	add("libc.so.6", "pthread_mutex_lock");
	add("libc.so.6", "pthread_join"); /* nobody calls so, but a damaged stack may say it */
	add("worker", "sem_wait_for_job");
	expect(find(false), API_MUTEX, true, NULL);
}
END_TEST

START_TEST(older_libraries_of_glibc)
{
	static const char *const modules[] = {"libc.so.6", "libpthread.so.0", "libpthread-2.31.so",
					      "libc-2.31.so"};
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		expect(find_one(modules[i], "pthread_mutex_lock"), API_MUTEX, true, NULL);
}
END_TEST

/* A static program has glibc's functions itself; with a libc on the stack they are others. */
START_TEST(glibc_in_the_program_itself)
{
	add("worker", NULL);
	add("worker", "__pthread_mutex_lock");
	add("worker", "handle_request");
	expect(find(true), API_MUTEX, true, NULL);
	ck_assert(!find(false).glibc);
	setup();
	add("libc.so.6", "syscall");
	add("worker", "mtx_lock"); /* the program's own */
	add("worker", "handle_request");
	ck_assert(!find(true).glibc);
	ck_assert(!find(false).glibc);
}
END_TEST

START_TEST(other_libcs_are_not_glibc)
{
	static const char *const modules[] = {"ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1",
					      "libc++.so.1"};
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		ck_assert_msg(!find_one(modules[i], "pthread_mutex_lock").glibc, "%s", modules[i]);
	ck_assert(!find_one(NULL, "pthread_mutex_lock").glibc);
}
END_TEST

START_TEST(words_of_other_libraries)
{
	static const struct {
		const char *name;
		enum api api;
		const char *what;
	} rows[] = {
		{"std::__atomic_futex_unsigned_base::_M_futex_wait_until", API_FUTURE,
		 "std::future"},
		{"__cxa_guard_acquire", API_GUARD, "initialisation guard"},
		{"std::latch::wait", API_LATCH, "std::latch"},
		{"std::latch::arrive_and_wait", API_LATCH, "std::latch"},
		{"std::counting_semaphore<1l>::acquire", API_SEMAPHORE, "std::counting_semaphore"},
		{"std::barrier<std::__empty_completion>::wait", API_BARRIER, "std::barrier"},
		{"std::atomic<int>::wait", API_ATOMIC, "std::atomic"},
		{"std::__atomic_base<int>::wait", API_ATOMIC, "std::atomic"},
		{"std::atomic_flag::wait", API_ATOMIC, "std::atomic_flag"},
		{"std::sys::sync::mutex::futex::Mutex::lock_contended", API_MUTEX,
		 "std::sync::Mutex"},
		{"std::sys::sync::condvar::futex::Condvar::wait", API_CONDITION,
		 "std::sync::Condvar"},
		{"std::sys::sync::rwlock::futex::RwLock::read_contended", API_RWLOCK_READ,
		 "std::sync::RwLock"},
		{"std::sys::sync::rwlock::futex::RwLock::write_contended", API_RWLOCK_WRITE,
		 "std::sync::RwLock"},
		{"std::sys::sync::once::futex::Once::call", API_ONCE, "std::sync::Once"},
		{"std::thread::park", API_PARK, "thread::park"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup();
		add("libc.so.6", "syscall");
		add("worker", rows[i].name);
		add("worker", "main");
		struct api_frame frame = find(false);
		ck_assert_msg(frame.api == rows[i].api && !frame.glibc, "%s: %d", rows[i].name,
			      frame.api);
		ck_assert_pstr_eq(frame.what, rows[i].what);
		/* The whole name counts, from its beginning. */
		char inner[100] = "app::";
		strcat(inner, rows[i].name);
		ck_assert_msg(find_one("worker", inner).api == API_NONE, "%s", inner);
	}
}
END_TEST

/* A lock of glibc stays one, whatever wraps it. */
START_TEST(wrapped_glibc_stays_glibc)
{
	add("libc.so.6", "pthread_cond_wait");
	add("libstdc++.so.6", "std::condition_variable::wait");
	add("worker", "std::barrier<std::__empty_completion>::wait");
	add("worker", "main");
	expect(find(false), API_CONDITION, true, NULL);
}
END_TEST

/* A barrier made of an atomic; but not what the program does further out. */
START_TEST(outermost_type_says_it_best)
{
	add("libc.so.6", "syscall");
	add("worker", "std::__atomic_base<int>::wait");
	add("worker", "std::barrier<std::__empty_completion>::wait");
	add("worker", "handle_request");
	add("worker", "std::latch::wait");
	expect(find(false), API_BARRIER, false, "std::barrier");
}
END_TEST

START_TEST(far_frames_say_nothing)
{
	for (int i = 0; i < 20; i++)
		add("worker", "recurse");
	add("libc.so.6", "pthread_mutex_lock");
	expect(find(false), API_NONE, false, NULL);
}
END_TEST

/* The registers are the handler's: what it interrupted is no part of its wait. */
START_TEST(interrupted_frames_say_nothing)
{
	add("libc.so.6", "syscall");
	add("worker", "on_signal");
	add("libc.so.6", NULL);
	frames[2].signal = true;
	add("libc.so.6", "pthread_mutex_lock");
	add("worker", "main");
	expect(find(false), API_NONE, false, NULL);
	setup();
	add("libc.so.6", "sem_wait");
	add("worker", "on_signal");
	add("libc.so.6", NULL);
	frames[2].signal = true;
	add("libc.so.6", "pthread_mutex_lock");
	expect(find(false), API_SEMAPHORE, true, NULL);
}
END_TEST

/* What the stack's own code called tells of frames without a name, and of nothing else. */
START_TEST(called_function_names_nameless_frames)
{
	add("libc.so.6", NULL);
	add("libc.so.6", NULL);
	add("worker", "handle_request");
	expect(api_frame_find(&stack, "pthread_mutex_timedlock", false), API_MUTEX, true, NULL);
	expect(api_frame_find(&stack, "pthread_mutex_unlock", false), API_NONE, false, NULL);
	expect(api_frame_find(&stack, "", false), API_NONE, false, NULL);
	frames[1].function = "sem_wait";
	expect(api_frame_find(&stack, "pthread_mutex_lock", false), API_SEMAPHORE, true, NULL);
	frames[1].function = NULL;
	frames[2].function = "std::latch::wait";
	expect(api_frame_find(&stack, "pthread_mutex_lock", false), API_LATCH, false, "std::latch");
}
END_TEST

Suite *api_frames_suite(void)
{
	Suite *suite = suite_create("api_frames");
	TCase *tests = tcase_create("api_frames");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, names_of_glibc);
	tcase_add_test(tests, inner_names_of_glibc);
	tcase_add_test(tests, names_that_only_resemble);
	tcase_add_test(tests, nameless_frames_are_passed);
	tcase_add_test(tests, innermost_of_glibc_wins);
	tcase_add_test(tests, older_libraries_of_glibc);
	tcase_add_test(tests, glibc_in_the_program_itself);
	tcase_add_test(tests, other_libcs_are_not_glibc);
	tcase_add_test(tests, words_of_other_libraries);
	tcase_add_test(tests, wrapped_glibc_stays_glibc);
	tcase_add_test(tests, outermost_type_says_it_best);
	tcase_add_test(tests, called_function_names_nameless_frames);
	tcase_add_test(tests, far_frames_say_nothing);
	tcase_add_test(tests, interrupted_frames_say_nothing);
	suite_add_tcase(suite, tests);
	return suite;
}
