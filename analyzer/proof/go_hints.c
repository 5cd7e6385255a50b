#include "proof/go_hints.h"

#include <string.h>

struct hint_row {
	const char *reason;   /* in the runtime's words, or how they begin */
	const char *function; /* that must stand on the stack; NULL any */
	const char *text;
};

/* The first that fits. A range loop and `v, ok := <-c` call chanrecv2, a plain receive chanrecv1
 * (cmd/compile/internal/walk, 1.19 to 1.27). */
static const struct hint_row rows[] = {
	{"chan receive (nil chan)", NULL,
	 "a nil channel never delivers: make it first; Done() of context.Background() and "
	 "context.TODO() is nil, that of context.WithCancel is not"},
	{"chan send (nil chan)", NULL, "a nil channel never takes anything: make it first"},
	{"chan receive", "runtime.chanrecv2",
	 "a range over a channel ends when it is closed: let the producer close it (defer "
	 "close(c))"},
	{"chan receive", NULL,
	 "close the channel when nothing more comes, or receive in a select with ctx.Done()"},
	{"chan send", NULL,
	 "give the channel room for everyone who sends (make(chan T, n)), or send in a select with "
	 "ctx.Done()"},
	{"select (no cases)", NULL, "select {} never ends"},
	{"select", NULL,
	 "add a case that ends it: ctx.Done() of a context that is cancelled "
	 "(defer cancel()), or a time limit"},
	{"sync.Cond.Wait", NULL,
	 "call Signal or Broadcast on every way that makes the condition true"},
	{"s", "sync.(*WaitGroup).Wait",
	 "each Add needs its Done on every way out: defer wg.Done() first in the goroutine"},
	{"s", "sync.(*Once).doSlow", "let the function of Once.Do end, without waiting for itself"},
	{"s", "sync.(*RWMutex).RLock",
	 "unlock on every way out: defer mu.Unlock() after mu.Lock()"},
	{"s", "sync.(*RWMutex).Lock",
	 "unlock on every way out: defer mu.RUnlock() after mu.RLock(), defer mu.Unlock() after "
	 "mu.Lock()"},
	{"s", "sync.(*Mutex).Lock", "unlock on every way out: defer mu.Unlock() after mu.Lock()"},
	{"s", "internal/sync.(*Mutex).lockSlow",
	 "unlock on every way out: defer mu.Unlock() after mu.Lock()"},
};

static int stands_on(const struct coreleaks_stack *stack, const char *function)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (stack->frames[i].function != NULL &&
		    strcmp(stack->frames[i].function, function) == 0)
			return 1;
	return 0;
}

const char *go_hints_for(const char *reason, const struct coreleaks_stack *stack)
{
	for (size_t i = 0; reason != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hint_row *row = &rows[i];
		if (strncmp(reason, row->reason, strlen(row->reason)) == 0 &&
		    (row->function == NULL || stands_on(stack, row->function)))
			return row->text;
	}
	return NULL;
}
