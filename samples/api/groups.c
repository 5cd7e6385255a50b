/* groups.c - uses libcoreleaks: groups the waiting threads of a core by the function of the
 * program that they are in, whatever library they wait in below it.
 *
 *	cc groups.c $(pkg-config --cflags --libs coreleaks) -o groups
 *	./groups CORE [SECONDS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coreleaks.h"

/* The innermost frame that lies in the program itself, not in a shared library. */
static const struct coreleaks_frame *own_frame(const struct coreleaks_analysis *analysis,
					       const struct coreleaks_task *task)
{
	const struct coreleaks_stack *stack = coreleaks_stack(analysis, task->stack_id);
	const char *program = coreleaks_core_info(analysis)->executable;

	for (uint32_t i = 0; program && i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (frame->module_path && strcmp(frame->module_path, program) == 0)
			return frame;
	}
	return NULL;
}

/* Leaves out every thread that was running when the core was written. */
static bool is_waiting(void *data, const struct coreleaks_analysis *analysis, uint32_t index)
{
	(void)data;
	return coreleaks_task(analysis, index)->state != CORELEAKS_STATE_RUNNING;
}

static const char *own_function(void *data, const struct coreleaks_analysis *analysis,
				uint32_t index)
{
	const struct coreleaks_frame *frame = own_frame(analysis, coreleaks_task(analysis, index));

	(void)data;
	return frame && frame->function ? frame->function : "(elsewhere)";
}

/* Counts its calls; a program with a "Cancel" button would return false here once it is pressed. */
static bool show_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
	uint32_t *num_calls = data;

	(void)phase;
	(void)done;
	(void)total;
	*num_calls += 1;
	return true;
}

static int fail(struct coreleaks_error *error)
{
	fprintf(stderr, "groups: %s\n", error->message);
	coreleaks_error_free(error);
	return EXIT_FAILURE;
}

static void print_groups(const struct coreleaks_analysis *analysis)
{
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++) {
		const struct coreleaks_group *group = coreleaks_group(analysis, i);
		if (group->hidden_by)
			continue;
		printf("%" PRIu32 " threads in %s, %s:", group->num_tasks, group->key,
		       group->reason ? group->reason : coreleaks_state_name(group->state));
		for (uint32_t j = 0; j < group->num_tasks; j++)
			printf(" %" PRId64, coreleaks_task(analysis, group->tasks[j])->id);
		printf("\n");
	}
	printf("%" PRIu32 " threads left out\n", coreleaks_num_deselected(analysis));
	for (uint32_t i = 0; i < coreleaks_num_findings(analysis); i++)
		printf("finding: %s\n", coreleaks_finding(analysis, i)->title);
	for (uint32_t i = 0; i < coreleaks_num_gaps(analysis); i++)
		printf("could not read: %s\n", coreleaks_gap(analysis, i)->detail);
}

int main(int argc, char **argv)
{
	struct coreleaks_options options;
	struct coreleaks_analysis *analysis;
	struct coreleaks_error *error;
	uint32_t num_calls = 0;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: groups CORE [SECONDS]\n");
		return EXIT_FAILURE;
	}
	coreleaks_options_init(&options);
	options.group_by = CORELEAKS_GROUP_BY_KEY;
	options.group_key = own_function;
	options.select_task = is_waiting;
	options.progress = show_progress;
	options.progress_data = &num_calls;
	if (argc == 3)
		options.timeout_ns = strtoull(argv[2], NULL, 10) * UINT64_C(1000000000);

	error = coreleaks_open(argv[1], &options, &analysis);
	if (error)
		return fail(error);
	error = coreleaks_run(analysis);
	if (error) {
		coreleaks_close(analysis);
		return fail(error);
	}
	print_groups(analysis);
	if (num_calls == 0)
		fprintf(stderr, "groups: no progress was reported\n");
	coreleaks_close(analysis);
	return EXIT_SUCCESS;
}
