#include "proof/reach_findings.h"

#include "proof/reach_premises.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 4 }; /* tasks whose sleep is told one by one */

static int object_compare(const void *a, const void *b, void *data)
{
	struct wait *const *items = data;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	uint64_t x = items[i]->addr, y = items[k]->addr;
	return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

/* What was looked for, and cannot be told. */
static void add_gaps(struct gaps *gaps, const struct native_reach *reach)
{
	if (reach->forbidden != NULL)
		gaps_add(gaps, "nothing-proved", false,
			 "whether anything can still wake threads is not judged: %s",
			 reach->forbidden);
	else if (reach->num_elsewhere > 0)
		gaps_add(gaps, "heap-unknown", false,
			 "%u %s for what lies in memory that is not glibc's heap (for example at "
			 "0x%" PRIx64 "): nothing is proved about %s",
			 reach->num_elsewhere,
			 reach->num_elsewhere == 1 ? "thread waits" : "threads wait",
			 reach->elsewhere_addr, reach->num_elsewhere == 1 ? "it" : "them");
}

void reach_findings_roots(struct wait_graph *graph, struct arena *arena, struct gaps *gaps,
			  struct native_reach *reach, const struct native_reach_input *input)
{
	struct wait *const *waits = input->waits->by_task;
	uint32_t num = input->memory.tasks->list.num, num_found = 0;
	add_gaps(gaps, reach);
	if (!reach->ran)
		return;
	const struct reach_premises_input premises = {
		.powers = input->powers,
		.modules = input->memory.modules,
		.notes = input->memory.notes,
		.tasks = input->memory.tasks,
		.undumped = reach->memory.undumped.low < reach->memory.undumped.high,
		.advised = reach->memory.advised.low < reach->memory.advised.high,
	};
	uint32_t *found = arena_alloc_array(arena, num, sizeof(*found));
	for (uint32_t i = 0; i < num; i++)
		if (reach->unreachable[i])
			found[num_found++] = i;
	bool any_lost = false;
	for (uint32_t i = 0; i < input->memory.nptl->threads.num; i++)
		any_lost |= reach->lost[i];
	/* It takes a look at all code of the program. */
	if (num_found > 0 || any_lost)
		reach->caveats = reach_premises_caveats(&premises);
	if (num_found > 1)
		qsort_r(found, num_found, sizeof(*found), object_compare, (void *)(uintptr_t)waits);
	for (uint32_t i = 0, end; i < num_found; i = end) {
		struct wait_root root = {.kind = WAIT_ROOT_UNREACHABLE,
					 .tasks = found + i,
					 .caveats = reach->caveats};
		for (end = i; end < num_found && waits[found[end]]->addr == waits[found[i]]->addr;
		     end++) {
			root.num_tasks++;
			if (reach->before[found[end]])
				root.caveats |= WAIT_CAVEAT_BEFORE;
			if (reach->signalled[found[end]])
				root.caveats |= WAIT_CAVEAT_SIGNALLED;
		}
		wait_graph_add_root(graph, arena, &root);
	}
}

static void add(struct evidence_list *list, struct arena *arena, const char *what, uint64_t addr)
{
	*array_add(arena, list) = (struct coreleaks_evidence){what, addr};
}

/* Where the object lies. */
static void add_place(struct evidence_list *list, struct arena *arena,
		      const struct lock_findings_input *input, uint32_t task, const char *object)
{
	const struct native_memory *memory = &input->reach->memory;
	uint64_t addr = input->waits->by_task[task]->futex_addr;
	const struct native_area *area = native_memory_find(memory, addr);
	if (input->reach->places[task] == NATIVE_CHUNK) {
		struct heap_chunk chunk = heap_chunk_at(area->heap, addr);
		struct range payload = heap_chunk_payload(area->heap, chunk);
		add(list, arena,
		    arena_format(arena,
				 "%s lies in a chunk of %" PRIu64
				 " bytes of glibc's heap, in use, and no live word leads into it",
				 object, payload.high - payload.low),
		    payload.low);
		return;
	}
	int32_t of = memory->blocks.items[area->index].task;
	add(list, arena,
	    arena_format(arena,
			 "%s lies on the stack of thread %" PRId64
			 ", and no live word leads into its frames",
			 object, groups_task_id(input->groups, of)),
	    addr);
}

/* What no memory of the process can tell. */
static void add_premises(struct evidence_list *list, struct arena *arena, const struct wait *wait)
{
	add(list, arena,
	    "premise: no pointer to it is kept in another form (compressed, shifted, as an offset, "
	    "in a file, in another process)",
	    0);
	if (wait->object != WAIT_MUTEX && wait->object != WAIT_RWLOCK)
		add(list, arena, "premise: no signal that is still to come ends the wait", 0);
}

void reach_findings_evidence(struct evidence_list *list, struct arena *arena,
			     const struct lock_findings_input *input, const struct wait_root *root,
			     const char *object)
{
	const struct native_reach *reach = input->reach;
	const struct wait *wait = input->waits->by_task[root->tasks[0]];
	for (uint32_t i = 0; i < root->num_tasks && i < MAX_LISTED; i++)
		add(list, arena,
		    arena_format(arena,
				 "thread %" PRId64
				 " waits for %s without a time limit, and the word it sleeps on "
				 "has not changed since",
				 groups_task_id(input->groups, root->tasks[i]), object),
		    input->waits->by_task[root->tasks[i]]->futex_addr);
	if (root->num_tasks > MAX_LISTED)
		add(list, arena,
		    arena_format(arena, "and so do %u more", root->num_tasks - MAX_LISTED), 0);
	add_place(list, arena, input, root->tasks[0], object);
	add(list, arena,
	    arena_format(arena,
			 "no live thread or global can reach it: searched were all globals and "
			 "unknown memory, the registers and stacks of %u live threads, and all "
			 "that they lead to, %" PRIu64 " KiB",
			 reach->num_live_threads, reach->mark.scanned_size / 1024),
	    0);
	add_premises(list, arena, wait);
}

/* ---- Finished threads ---------------------------------------------------------------------- */

static bool is_lost(const struct native_reach *reach, const struct nptl *nptl, uint64_t pthread)
{
	int32_t index = nptl_find(nptl, pthread);
	return reach->ran && index >= 0 && reach->lost[index];
}

/* By these somebody may still get its pthread_t. It waits for nothing that could end itself, but
 * who is stuck may know it: then all that weakens their proof weakens its. */
static uint32_t lost_caveats(const struct native_reach *reach)
{
	const uint32_t of_pointers = WAIT_CAVEAT_UNREAD | WAIT_CAVEAT_KERNEL | WAIT_CAVEAT_PIPES |
				     WAIT_CAVEAT_SYSCALLS | WAIT_CAVEAT_UNDUMPED |
				     WAIT_CAVEAT_SHARERS | WAIT_CAVEAT_HALVES;
	uint32_t caveats = reach->num_stuck > 0 ? reach->caveats : reach->caveats & of_pointers;
	caveats |= reach->lost_before ? WAIT_CAVEAT_BEFORE : 0;
	caveats |= reach->lost_signalled ? WAIT_CAVEAT_SIGNALLED : 0;
	return (uint32_t)caveats;
}

static enum coreleaks_verdict lost_certainty(const struct native_reach *reach)
{
	return lost_caveats(reach) != 0 ? CORELEAKS_VERDICT_LIKELY : CORELEAKS_VERDICT_PROVED;
}

/* The members that are lost, or those that are not. */
static struct group finished_part(const struct group *whole, struct arena *arena,
				  const struct native_reach *reach, const struct nptl *nptl,
				  const struct stack_memory *memory, bool lost)
{
	struct group part = *whole;
	uint64_t *pthreads = arena_alloc_array(arena, whole->num_pthreads, sizeof(*pthreads));
	part.pthreads = pthreads;
	part.num_pthreads = 0;
	part.stack_reserved_size = part.stack_resident_size = 0;
	for (uint32_t i = 0; i < whole->num_pthreads; i++) {
		int32_t index = nptl_find(nptl, whole->pthreads[i]);
		if (is_lost(reach, nptl, whole->pthreads[i]) != lost)
			continue;
		pthreads[part.num_pthreads++] = whole->pthreads[i];
		if (index < 0)
			continue;
		part.stack_reserved_size =
			size_sum(part.stack_reserved_size, memory[index].reserved_size);
		part.stack_resident_size =
			size_sum(part.stack_resident_size, memory[index].resident_size);
	}
	part.split =
		coreleaks_verdict_name(lost ? lost_certainty(reach) : CORELEAKS_VERDICT_SUSPECT);
	return part;
}

void reach_findings_split(struct groups *groups, struct arena *arena,
			  const struct native_reach *reach, const struct nptl *nptl,
			  const struct stack_memory *memory)
{
	uint32_t num = groups->list.num;
	for (uint32_t i = 0; i < num; i++) {
		const struct group whole = groups->list.items[i];
		uint32_t num_lost = 0;
		for (uint32_t k = 0; k < whole.num_pthreads; k++)
			num_lost += is_lost(reach, nptl, whole.pthreads[k]);
		if (num_lost == 0 || num_lost == whole.num_pthreads)
			continue;
		groups->list.items[i] = finished_part(&whole, arena, reach, nptl, memory, true);
		*array_add(arena, &groups->list) =
			finished_part(&whole, arena, reach, nptl, memory, false);
	}
}

void reach_findings_unjoined(struct findings *findings, struct arena *arena,
			     const struct native_reach *reach, const struct nptl *nptl)
{
	uint32_t caveats = lost_caveats(reach);
	for (uint32_t i = 0; i < findings->list.num; i++) {
		struct coreleaks_finding *finding = &findings->list.items[i];
		struct evidence_list evidence = {0};
		const char **words = arena_alloc_array(arena, 32, sizeof(*words));
		if (strcmp(finding->rule, "unjoined-thread") != 0 ||
		    !is_lost(reach, nptl, finding->pthreads[0]))
			continue;
		finding->certainty = lost_certainty(reach);
		for (uint32_t k = 0; k < finding->num_evidence; k++)
			*array_add(arena, &evidence) = finding->evidence[k];
		add(&evidence, arena,
		    "no live thread or global has its pthread_t any more: nobody can join it", 0);
		if (reach->num_stuck > 0)
			add(&evidence, arena,
			    arena_format(arena,
					 "premise: threads that are stuck stay so: one of these "
					 "(%" PRIu32 ") may have it",
					 reach->num_stuck),
			    0);
		finding->evidence = evidence.items;
		finding->num_evidence = evidence.num;
		for (uint32_t bit = 1; bit <= caveats && bit != 0; bit <<= 1)
			if ((caveats & bit) != 0)
				words[finding->num_caveats++] =
					wait_caveats_words((enum wait_caveat)bit);
		finding->caveats = words;
		for (uint32_t k = 0; k < finding->num_groups; k++)
			findings->verdict_by_group[finding->groups[k]] = finding->certainty;
	}
}
