#include "group/runtimes.h"

#include <stddef.h>
#include <string.h>

static const struct runtime java = {"Java VM",
				    "jhsdb jstack --core CORE --exe JAVA shows the Java frames"};
static const struct runtime node = {"Node.js",
				    "llnode or a diagnostic report shows the JavaScript frames"};
static const struct runtime python = {
	"Python", "GDB's py-bt (python3-dbg) or pystack shows the Python frames"};
static const struct runtime go = {"Go runtime", "delve (dlv core EXE CORE) shows the goroutines"};
static const struct runtime jemalloc = {"jemalloc", NULL};

/* Beginnings of a module's or a function's name; NULL any. */
static const struct {
	const char *module, *function;
	const struct runtime *runtime;
} rows[] = {
	{"libjvm.so", NULL, &java},	     {"libnode.so", NULL, &node},
	{"node", "node::", &node},	     {"node", "v8::", &node},
	{"libpython", NULL, &python},	     {"python", "_PyEval_EvalFrame", &python},
	{"python", "Py_RunMain", &python},   {NULL, "runtime.futex", &go},
	{NULL, "runtime.mstart", &go},	     {NULL, "runtime.mcall", &go},
	{NULL, "runtime.epollwait", &go},    {NULL, "background_thread_entry", &jemalloc},
	{"libjemalloc.so", NULL, &jemalloc},
};

static bool begins_with(const char *text, const char *prefix)
{
	return prefix == NULL || (text != NULL && strncmp(text, prefix, strlen(prefix)) == 0);
}

const struct runtime *runtime_of_stack(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (begins_with(stack->frames[i].module, rows[k].module) &&
			    begins_with(stack->frames[i].function, rows[k].function))
				return rows[k].runtime;
	return NULL;
}
