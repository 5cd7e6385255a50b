#include "coreleaks.h"

const char *coreleaks_kind_name(enum coreleaks_kind kind)
{
	return kind == CORELEAKS_KIND_GOROUTINE ? "goroutine" : "thread";
}

const char *coreleaks_state_name(enum coreleaks_state state)
{
	static const char *const names[] = {"running", "runnable", "syscall", "waiting", "exited"};
	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *coreleaks_trust_name(enum coreleaks_trust trust)
{
	static const char *const names[] = {"context", "cfi", "pclntab", "frame-pointer", "scan"};
	return (unsigned)trust < sizeof(names) / sizeof(names[0]) ? names[trust] : "unknown";
}

const char *coreleaks_stack_end_name(enum coreleaks_stack_end end)
{
	static const char *const names[] = {"complete", "limit", "broken", "unreadable"};
	return (unsigned)end < sizeof(names) / sizeof(names[0]) ? names[end] : "unknown";
}

const char *coreleaks_verdict_name(enum coreleaks_verdict verdict)
{
	static const char *const names[] = {"proved", "likely", "suspect", "unknown", "benign"};
	return (unsigned)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}
