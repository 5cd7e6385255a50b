#include "group/user_frame.h"

#include <string.h>

/* Beginnings of file names; a digit or punctuation may follow, as in libc-2.31.so. */
static const char *const runtime_modules[] = {
	"libc.so",     "libc-2", "libpthread.so", "libpthread-2", "libstdc++.so", "libgcc_s",
	"ld-linux",    "ld-2",	 "ld-musl",	  "libc.musl",	  "libc++.so",	  "libc++abi",
	"linux-vdso.", "[vdso]", "linux-gate.",	  "librt.so",	  "librt-2",
};

/* Beginnings of function names, for static programs and what is compiled into the program. */
static const char *const runtime_functions[] = {
	"std::",
	"__gnu_cxx::",
	"__gthread_",
	"__cxa_",
	"_Unwind_",
	"core::ops::function::",
	"<alloc::boxed::Box<",
	"<std::sys::",
	"__pthread_",
	"pthread_",
	"__GI_",
	"___",
	"__futex_",
	"__lll_",
	"__libc_",
	"__new_sem_",
	"__restore_rt",
	"__rust_begin_short_backtrace",
	"runtime.",
	"internal/runtime/",
	"runtime/internal/",
	"internal/poll.",
	"sync.",
	"internal/sync.",
};

/* Whole function names. */
static const char *const runtime_function_names[] = {
	"_start",     "start_thread",	   "clone",
	"clone3",     "__clone",	   "__clone3",
	"futex_wait", "futex_wake",	   "sem_wait",
	"sem_post",   "epoll_wait",	   "__poll",
	"__select",   "__nanosleep",	   "lll_lock",
	"__recv",     "__accept",	   "__read",
	"__write",    "__connect",	   "__waitpid",
	"rust_panic", "__clock_nanosleep", "futex_abstimed_wait_cancelable64",
};

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool begins_with_one(const char *name, const char *const *rows, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		if (strncmp(name, rows[i], strlen(rows[i])) == 0)
			return true;
	}
	return false;
}

bool user_frame_is_in_runtime_module(const struct coreleaks_frame *frame)
{
	return !frame->signal && frame->module != NULL &&
	       begins_with_one(frame->module, runtime_modules, NUM(runtime_modules));
}

bool user_frame_is_runtime(const struct coreleaks_frame *frame)
{
	if (frame->signal)
		return false;
	if (user_frame_is_in_runtime_module(frame))
		return true;
	if (frame->function == NULL)
		return false;
	if (begins_with_one(frame->function, runtime_functions, NUM(runtime_functions)))
		return true;
	for (size_t i = 0; i < NUM(runtime_function_names); i++) {
		if (strcmp(frame->function, runtime_function_names[i]) == 0)
			return true;
	}
	return false;
}

const struct coreleaks_frame *user_frame_first(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (!frame->signal && !user_frame_is_runtime(frame) &&
		    (frame->function != NULL || frame->module != NULL))
			return frame;
	}
	return NULL;
}

const char *user_frame_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}
