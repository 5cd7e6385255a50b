#include "base/error.h"
#include "report/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_PREFIX = 3, MAX_CANDIDATES = 5 };

static struct coreleaks_error *one_not_found(const char *name, const char *why)
{
	return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, NULL, "'%s': %s", name, why);
}

/* Decimal digits only. */
static bool one_number(const char *text, int64_t *ret)
{
	char *end;
	errno = 0;
	if (*text == '\0' || strspn(text, "0123456789") != strlen(text))
		return false;
	*ret = strtoll(text, &end, 10);
	return errno == 0;
}

static struct coreleaks_error *one_find_task(const struct report_view *view, const char *name,
					     enum coreleaks_kind kind, struct one *ret)
{
	bool is_thread = kind == CORELEAKS_KIND_THREAD;
	struct one one = {0};
	int64_t id;
	if (!one_number(strchr(name, ':') + 1, &id))
		return one_not_found(name, is_thread
						   ? "a thread's id is a number, as in thread:4712"
						   : "a goroutine's id is a number, as in "
						     "goroutine:42");
	for (uint32_t i = view->num_tasks; i-- > 0;) {
		if (view_alike(view, i)->kind != kind || view_task(view, i)->id != id)
			continue;
		one.task = i;
		one.num_same_id++;
	}
	if (one.num_same_id == 0)
		return one_not_found(name, is_thread ? "the core has no thread of this id"
						     : "the core has no goroutine of this id");
	*ret = one;
	return NULL;
}

/* A channel that goroutines wait for in selects alone. */
static void one_find_case(const struct report_view *view, uint64_t addr, struct one *one)
{
	for (uint32_t i = 0; i < view->num_tasks && !one->is_object; i++) {
		const struct coreleaks_wait *wait = view_wait(view, i);
		for (uint32_t k = 0; k < wait->num_cases; k++) {
			const struct coreleaks_go_object *channel = wait->cases[k].channel;
			if (channel == NULL || channel->addr != addr)
				continue;
			one->task = i;
			one->is_object = true;
			one->go = channel;
		}
	}
}

/* The kind that its library vouches for comes first. */
static struct coreleaks_error *one_find_object(const struct report_view *view, const char *name,
					       struct one *ret)
{
	struct one one = {0};
	char *end;
	errno = 0;
	uint64_t addr = strtoull(name + 2, &end, 16);
	if (name[2] == '\0' || strspn(name + 2, "0123456789abcdefABCDEF") != strlen(name + 2) ||
	    errno != 0)
		return one_not_found(name, "an object's address is a hex number, as in 0x55d0c0de");
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, i);
		if (wait->object == NULL || wait->addr != addr)
			continue;
		const struct coreleaks_wait *first = view_wait(view, one.task);
		if (!one.is_object || (wait->certain && !first->certain))
			one.task = i;
		one.is_object = true;
	}
	one.go = one.is_object ? view_wait(view, one.task)->go : NULL;
	if (!one.is_object)
		one_find_case(view, addr, &one);
	if (!one.is_object)
		return one_not_found(name, view->num_goroutines > 0
						   ? "no thread and no goroutine waits for an "
						     "object at this address"
						   : "no thread waits for an object at this "
						     "address");
	if (one.go != NULL) {
		*ret = one;
		return NULL;
	}
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, i);
		one.num_other_kinds += wait->object != NULL && wait->addr == addr &&
				       strcmp(wait->object, view_wait(view, one.task)->object) != 0;
	}
	*ret = one;
	return NULL;
}

static struct one one_group(const struct report_view *view, uint32_t index)
{
	return (struct one){
		.group = view->groups[index],
		.rank = view->groups[index]->hidden_by == NULL ? index + 1 : 0,
	};
}

/* The groups whose id begins with prefix, with or without the letter before its dash. */
static bool one_matches(const struct coreleaks_group *group, const char *prefix)
{
	const char *dash = strchr(group->id, '-');
	size_t size = strlen(prefix);
	if (dash != NULL && strncmp(dash + 1, prefix, size) == 0 && size >= LEAST_PREFIX)
		return true;
	return dash != NULL && size >= (size_t)(dash + 1 - group->id) + LEAST_PREFIX &&
	       strncmp(group->id, prefix, size) == 0;
}

static struct coreleaks_error *one_find_prefix(const struct report_view *view, struct arena *arena,
					       const char *name, struct one *ret)
{
	uint32_t num_found = 0, found = 0;
	struct text candidates;
	text_init(&candidates, arena);
	for (uint32_t i = 0; i < view->num_groups; i++) {
		if (strcmp(view->groups[i]->id, name) == 0) {
			*ret = one_group(view, i);
			return NULL;
		}
		if (!one_matches(view->groups[i], name))
			continue;
		if (num_found++ == 0)
			found = i;
		if (num_found <= MAX_CANDIDATES) {
			text_add(&candidates, num_found > 1 ? ", " : "");
			text_add(&candidates, view->groups[i]->id);
		}
	}
	if (num_found == 1) {
		*ret = one_group(view, found);
		return NULL;
	}
	if (num_found > MAX_CANDIDATES)
		text_addf(&candidates, " and %" PRIu32 " more", num_found - MAX_CANDIDATES);
	if (num_found > 0)
		return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, NULL,
				 "'%s' is the beginning of %" PRIu32 " groups: %s", name, num_found,
				 candidates.bytes);
	return one_not_found(name,
			     "no group has this id; give a group's id or three or more characters "
			     "of it, its rank in the report (1, #1), thread:ID, goroutine:ID, an "
			     "object's address (0x55d0c0de), or tree");
}

struct coreleaks_error *one_find(const struct report_view *view, struct arena *arena,
				 const char *name, struct one *ret)
{
	bool has_mark = name[0] == '#';
	int64_t rank;
	if (strncmp(name, "thread:", 7) == 0)
		return one_find_task(view, name, CORELEAKS_KIND_THREAD, ret);
	if (strncmp(name, "goroutine:", 10) == 0)
		return one_find_task(view, name, CORELEAKS_KIND_GOROUTINE, ret);
	if (strcmp(name, "tree") == 0) {
		*ret = (struct one){.is_tree = true};
		return NULL;
	}
	if (strncmp(name, "0x", 2) == 0)
		return one_find_object(view, name, ret);
	if (one_number(name + has_mark, &rank)) {
		if (rank >= 1 && rank <= view->num_shown_groups) {
			*ret = one_group(view, (uint32_t)rank - 1);
			return NULL;
		}
		/* Three and more digits may be an id's too. */
		if (has_mark || strlen(name) < LEAST_PREFIX)
			return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, NULL,
					 "'%s': there are %" PRIu32 " groups", name,
					 view->num_shown_groups);
	}
	return one_find_prefix(view, arena, name, ret);
}
