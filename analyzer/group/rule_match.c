#include "group/rules.h"

#include "group/filter.h"
#include "group/runtimes.h"
#include "group/user_frame.h"

#include <fnmatch.h>
#include <string.h>

/* What a task parks in whatever it waits for: a rule that names one of these hides every leak. As
 * seen in public option lists of goleak, and glibc's. */
static const char *const parking[] = {
	"runtime.gopark",
	"runtime.goparkunlock",
	"runtime.chanrecv",
	"runtime.chanrecv1",
	"runtime.chansend",
	"runtime.chansend1",
	"runtime.selectgo",
	"runtime.block",
	"runtime.goexit",
	"runtime.semacquire1",
	"time.Sleep",
	"sync.runtime_Semacquire",
	"sync.runtime_SemacquireMutex",
	"sync.runtime_SemacquireWaitGroup",
	"sync.(*Mutex).Lock",
	"sync.(*WaitGroup).Wait",
	"internal/poll.runtime_pollWait",
	"testing.(*T).Run",
	"futex_wait",
	"__futex_abstimed_wait_common",
	"__lll_lock_wait",
	"pthread_cond_wait",
	"pthread_mutex_lock",
	"start_thread",
	"clone3",
};

/* Go's linker writes the dots behind the last slash of an import path as %2e. */
static char next_char(const char **at)
{
	if ((*at)[0] == '%' && (*at)[1] == '2' && ((*at)[2] == 'e' || (*at)[2] == 'E')) {
		*at += 3;
		return '.';
	}
	char c = **at;
	if (c != '\0')
		++*at;
	return c;
}

static bool one_name_fits(const struct rule *rule, const char *name)
{
	const char *pattern = rule->pattern;
	for (;;) {
		char want = next_char(&pattern);
		if (want == '\0' && rule->is_prefix)
			return true;
		if (next_char(&name) != want)
			return false;
		if (want == '\0')
			return true;
	}
}

/* glibc's own names for its functions count as theirs: ___pthread_cond_wait, __GI___nanosleep. */
static bool name_fits(const struct rule *rule, const char *name)
{
	if (name == NULL)
		return false;
	if (one_name_fits(rule, name))
		return true;
	if (name[0] != '_' || name[1] != '_')
		return false;
	name += strncmp(name, "__GI_", 5) == 0 ? 5 : 0;
	return one_name_fits(rule, name + strspn(name, "_"));
}

static bool names_parking(const struct rule *rule)
{
	if (rule->what != RULE_TOP && rule->what != RULE_IN)
		return false;
	for (size_t i = 0; i < sizeof(parking) / sizeof(parking[0]); i++)
		if (name_fits(rule, parking[i]))
			return true;
	return false;
}

static bool state_fits(const struct rule *rule, const struct group *group)
{
	size_t size = rule->state != NULL ? strlen(rule->state) : 0;
	return size == 0 || strncmp(coreleaks_state_name(group->state), rule->state, size) == 0 ||
	       (group->reason != NULL && strncmp(group->reason, rule->state, size) == 0);
}

/* The frames from the innermost to the first of the program's own: what goleak calls the top is
 * one of them. */
static bool top_fits(const struct rule *rule, const struct coreleaks_stack *stack)
{
	const struct coreleaks_frame *user = user_frame_first(stack);
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		if (name_fits(rule, stack->frames[i].function))
			return true;
		if (&stack->frames[i] == user)
			return false;
	}
	return false;
}

static bool frame_fits(const struct rule *rule, const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (rule->what == RULE_IN ? name_fits(rule, frame->function)
					  : frame->module != NULL &&
						    fnmatch(rule->pattern, frame->module, 0) == 0)
			return true;
	}
	return false;
}

static bool rule_fits(const struct rule *rule, struct filter_texts *texts,
		      const struct group *group, const struct coreleaks_stack *stack)
{
	if (!state_fits(rule, group))
		return false;
	switch (rule->what) {
	case RULE_TOP:
		return top_fits(rule, stack);
	case RULE_IN:
	case RULE_MODULE:
		return frame_fits(rule, stack);
	case RULE_CREATED_BY:
		return group->creation != NULL && group->creation->frame != NULL &&
		       name_fits(rule, group->creation->frame->function);
	case RULE_ANY:
		return filter_texts_any(texts, stack, rule->texts);
	case RULE_ALLOW:
		return strcmp(rule->pattern, group->signature) == 0 ||
		       strcmp(rule->pattern, group->loose_signature) == 0;
	}
	return false;
}

static struct coreleaks_error *match_texts(struct rules *rules, struct filter_texts *texts,
					   struct arena *arena, const struct groups *groups,
					   const struct groups_input *input)
{
	bool built = false;
	for (uint32_t i = 0; i < rules->list.num; i++) {
		struct rule *rule = &rules->list.items[i];
		if (rule->what != RULE_ANY)
			continue;
		if (!built)
			filter_texts_build(texts, arena, groups, input);
		built = true;
		bool *matches;
		struct coreleaks_error *error =
			filter_texts_match(texts, arena, rule->info.text, rule->pattern, &matches);
		if (error != NULL)
			return error;
		rule->texts = matches;
	}
	return NULL;
}

/* A thread that the Go runtime keeps for itself, or that a goroutine in a system call runs on: that
 * goroutine has the same frames, and is there too. */
static bool is_thread_of_go(const struct group *group)
{
	return group->kind == CORELEAKS_KIND_THREAD && group->system != NULL &&
	       strcmp(group->system, runtime_get(RUNTIME_GO)->name) == 0;
}

static void count_matches(struct rule *rule, const bool *fits, const struct groups *groups,
			  const struct groups_input *input)
{
	uint64_t num_against_max = 0;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		if (!fits[i])
			continue;
		rule->info.num_groups++;
		rule->info.num_tasks += group_count(group);
		num_against_max += is_thread_of_go(group) ? 0 : group_count(group);
	}
	rule->info.over = num_against_max > rule_limit(rule, input->options);
	rule->info.broad = !rule->info.allows && !rule->info.expired &&
			   rule->info.num_tasks > input->num_tasks / 2;
	rule->info.names_parking = names_parking(rule);
}

struct coreleaks_error *rules_match(struct rules *rules, struct rule_match **ret,
				    struct arena *arena, const struct groups *groups,
				    const struct groups_input *input)
{
	struct filter_texts texts;
	uint32_t num = groups->list.num;
	struct rule_match *result = arena_alloc_array(arena, (size_t)num + 1, sizeof(*result));
	bool *fits = arena_alloc_array(arena, (size_t)num + 1, sizeof(*fits));
	struct coreleaks_error *error = match_texts(rules, &texts, arena, groups, input);
	if (error != NULL)
		return error;
	for (uint32_t i = 0; i < num; i++)
		result[i] = (struct rule_match){RULE_NONE, RULE_NONE};
	for (uint32_t k = 0; k < rules->list.num; k++) {
		struct rule *rule = &rules->list.items[k];
		for (uint32_t i = 0; i < num; i++)
			fits[i] = rule_fits(rule, &texts, &groups->list.items[i],
					    groups_stack(input, groups->list.items[i].stack_id));
		count_matches(rule, fits, groups, input);
		if (rule->info.expired || rule->info.over)
			continue;
		for (uint32_t i = 0; i < num; i++) {
			int32_t *taker = rule->info.allows ? &result[i].allow : &result[i].ignore;
			if (fits[i] && *taker == RULE_NONE)
				*taker = (int32_t)k;
		}
	}
	*ret = result;
	return NULL;
}
