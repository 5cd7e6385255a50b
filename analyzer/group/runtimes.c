#include "group/runtimes.h"

#include <stddef.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct runtime runtimes[] = {
	[RUNTIME_JAVA] = {"Java VM", "the Java VM",
			  "jhsdb jstack --core CORE --exe JAVA shows the Java frames"},
	[RUNTIME_NODE] = {"Node.js", "Node.js",
			  "llnode or a diagnostic report shows the JavaScript frames"},
	[RUNTIME_PYTHON] = {"Python", "Python",
			    "GDB's py-bt (python3-dbg) or pystack shows the Python frames"},
	[RUNTIME_GO] = {"Go runtime", "the Go runtime", NULL},
	[RUNTIME_V8] = {"V8", "V8", NULL},
	[RUNTIME_JEMALLOC] = {"jemalloc", "jemalloc", NULL},
	[RUNTIME_GLIB] = {"GLib", "GLib", NULL},
	[RUNTIME_LIBUV] = {"libuv", "libuv", NULL},
	[RUNTIME_OPENMP] = {"OpenMP", "OpenMP", NULL},
	[RUNTIME_TBB] = {"oneTBB", "oneTBB", NULL},
	[RUNTIME_MARIADB] = {"MariaDB thread pool", "MariaDB's pool", NULL},
	[RUNTIME_NGINX] = {"nginx thread pool", "nginx's pool", NULL},
	[RUNTIME_IO_URING] = {"io_uring", "the kernel's io_uring", NULL},
};

/* Beginnings of a module's or a function's name; NULL any. */
static const struct {
	const char *module, *function;
	enum runtime_id runtime;
} rows[] = {
	{"libjvm.so", NULL, RUNTIME_JAVA},
	{"libnode.so", NULL, RUNTIME_NODE},
	{"node", "node::", RUNTIME_NODE},
	{"node", "v8::", RUNTIME_NODE},
	{"libpython", NULL, RUNTIME_PYTHON},
	{"python", "_PyEval_EvalFrame", RUNTIME_PYTHON},
	{"python", "Py_RunMain", RUNTIME_PYTHON},
	{NULL, "runtime.futex", RUNTIME_GO},
	{NULL, "runtime.mstart", RUNTIME_GO},
	{NULL, "runtime.mcall", RUNTIME_GO},
	{NULL, "runtime.epollwait", RUNTIME_GO},
	{NULL, "background_thread_entry", RUNTIME_JEMALLOC},
	{"libjemalloc.so", NULL, RUNTIME_JEMALLOC},
};

const struct runtime *runtime_get(enum runtime_id id)
{
	return &runtimes[id];
}

const struct runtime *runtime_named(const char *name)
{
	for (size_t i = 0; i < NUM(runtimes); i++)
		if (strcmp(runtimes[i].name, name) == 0)
			return &runtimes[i];
	return NULL;
}

static bool begins_with(const char *text, const char *prefix)
{
	return prefix == NULL || (text != NULL && strncmp(text, prefix, strlen(prefix)) == 0);
}

const struct runtime *runtime_of_stack(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		for (size_t k = 0; k < NUM(rows); k++)
			if (begins_with(stack->frames[i].module, rows[k].module) &&
			    begins_with(stack->frames[i].function, rows[k].function))
				return &runtimes[rows[k].runtime];
	return NULL;
}
