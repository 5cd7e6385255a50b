#include "report/rules.h"

#include <stddef.h>
#include <string.h>

static const struct rule_words rows[] = {
	{"deadlock-cycle", "Tasks wait for each other in a circle",
	 "Each of them holds what the next one waits for, so none can go on. Take the locks in one "
	 "order everywhere.",
	 true},
	{"self-deadlock", "A task waits for a lock that it holds itself",
	 "Look for a function that takes the lock and is called with the lock held.", true},
	{"abandoned-lock", "A lock whose owner no longer exists",
	 "The thread that took it has ended without giving it back: an early return, a cancelled "
	 "or a killed thread, or a fork while another thread held it.",
	 true},
	{"stuck-behind", "Tasks wait, directly or not, for one that can never go on",
	 "Look at the task at the root first: the others go on when it does.", true},
	{"unreachable-wait", "Tasks wait for what nobody can reach any more",
	 "No task that may still run, and no global variable, leads to the object: the other end "
	 "was dropped. Close the channel or signal before dropping it, or wait with a limit.",
	 true},
	{"nil-channel", "A goroutine waits on a nil channel",
	 "Sending to or receiving from a nil channel blocks for ever.", true},
	{"select-no-cases", "A goroutine is in a select without cases",
	 "It blocks for ever, by definition.", true},
	{"runtime-marked", "Go's own leak profile has found these goroutines leaked",
	 "The garbage collector found that nothing can wake them.", true},
	{"unjoined-thread", "Threads that have finished and were never joined",
	 "Their stacks stay mapped until somebody joins them. Join them, or create them detached.",
	 true},
	{"runaway-duplicates", "Very many tasks share one stack",
	 "Tasks are created faster than they end, or do not end. Look at who creates them. "
	 "--threshold sets how many are many.",
	 true},
	{"long-wait", "Many goroutines have waited for a long time",
	 "They wait where a running program moves on. --max-age sets how long is long.", true},
	{"population", "The process has very many tasks", "--max-total sets how many are too many.",
	 true},
	{"growth", "A group grew in every interval between dumps", "Look at who creates its tasks.",
	 false},
	{"new-group", "A group that earlier dumps do not have", "Look at what changed in between.",
	 false},
	{"over-baseline", "A group is larger than its baseline allows",
	 "Raise its line in the baseline if it is meant to be so.", false},
	{"busy", "Many tasks run, or want to, in one stack",
	 "They compete for the processor: a busy loop, or more work than processors.", true},
};

enum { NUM_ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct rule_words *rules_row(uint32_t index)
{
	return index < NUM_ROWS ? &rows[index] : NULL;
}

uint32_t rules_find(const char *name)
{
	for (uint32_t i = 0; i < NUM_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}
