#include "coreleaks.h"
#include "fake_code.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

Suite *analysis_suite(void);

enum { NUM_THREADS = 700 };

static struct fake_core core;
static const char *core_path;
static struct coreleaks_options options;
static struct coreleaks_analysis *analysis;

/* 700 threads: every seventh in frameless <- start, asleep in a futex; the others in leaf <- start,
 * running. */
static void make_core(struct fake_core *made, int num)
{
	static uint64_t words[FAKE_STACK_WORDS];
	Elf64_auxv_t auxv[] = {{AT_ENTRY, {fake_code("start")}}};
	memset(words, 0, sizeof(words));
	words[105] = fake_code("start_ret");
	words[200] = fake_code("start_ret");
	fake_core_init(made);
	for (int32_t i = 0; i < num; i++) {
		struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
		regs.rip = fake_code(i % 7 == 0 ? "frameless_at" : "leaf_at");
		regs.rsp = FAKE_STACK + (i % 7 == 0 ? 100 * 8 : 200 * 8);
		if (i % 7 == 0) {
			regs.orig_rax = SYS_futex;
			regs.rax = (uint64_t)-512;
		}
		fake_thread(made, 5000 - i, SIGABRT, &regs);
		if (i == 0) {
			fake_prpsinfo(made, 4999, "worker");
			fake_siginfo(made, SIGABRT);
			fake_auxv(made, auxv, 1);
		}
	}
	fake_code_map(made);
	fake_segment(made, FAKE_STACK, words, sizeof(words), sizeof(words), PF_R | PF_W);
}

static void setup(void)
{
	make_core(&core, NUM_THREADS);
	core_path = fake_path(&core);
	coreleaks_options_init(&options);
	analysis = NULL;
}

static void teardown(void)
{
	coreleaks_close(analysis);
	fake_core_deinit(&core);
}

static void expect_fine(struct coreleaks_error *error)
{
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
}

static void expect_error(struct coreleaks_error *error, enum coreleaks_error_code code)
{
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(error->code == code, "code %d: %s", error->code, error->message);
	ck_assert_uint_gt(strlen(error->message), 5);
	ck_assert_ptr_null(strchr(error->message, '\n'));
	coreleaks_error_free(error);
}

static void open_and_run(void)
{
	expect_fine(coreleaks_open(core_path, &options, &analysis));
	ck_assert_ptr_nonnull(analysis);
	expect_fine(coreleaks_run(analysis));
}

static const struct coreleaks_gap *find_gap(const char *kind)
{
	for (uint32_t i = 0; i < coreleaks_num_gaps(analysis); i++)
		if (strcmp(coreleaks_gap(analysis, i)->kind, kind) == 0)
			return coreleaks_gap(analysis, i);
	return NULL;
}

static uint32_t num_in_groups(void)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++)
		num += coreleaks_group(analysis, i)->num_tasks;
	return num;
}

/* ---- Options ---- */

START_TEST(defaults)
{
	struct coreleaks_options got;
	memset(&got, 0xff, sizeof(got));
	coreleaks_options_init(&got);
	ck_assert_uint_eq(got.size, sizeof(got));
	ck_assert_ptr_null(got.executable);
	ck_assert_ptr_null(got.sysroot);
	ck_assert_uint_eq(got.max_frames, 512);
	ck_assert_uint_eq(got.max_memory, 0);
	ck_assert_uint_eq(got.max_core_size, (uint64_t)1 << 40);
	ck_assert_uint_eq(got.timeout_ns, 0);
	ck_assert_int_eq(got.group_by, CORELEAKS_GROUP_BY_LINE);
	ck_assert_uint_eq(got.threshold, 100);
	ck_assert_uint_eq(got.max_total, 10000);
	ck_assert_uint_eq(got.min_count, 1);
	ck_assert_int_eq(got.kind, -1);
	ck_assert_int_eq(got.state, -1);
	ck_assert_int_eq(got.verdict, -1);
	ck_assert_ptr_null(got.focus);
	ck_assert(got.progress == NULL && got.select_task == NULL && got.group_key == NULL);
}
END_TEST

START_TEST(options_that_make_no_sense)
{
	options.size = 0;
	expect_error(coreleaks_open(core_path, &options, &analysis), CORELEAKS_ERROR_USAGE);
	options.size = sizeof(options) + 1000;
	expect_error(coreleaks_open(core_path, &options, &analysis), CORELEAKS_ERROR_USAGE);
	coreleaks_options_init(&options);
	options.max_frames = 0;
	expect_error(coreleaks_open(core_path, &options, &analysis), CORELEAKS_ERROR_USAGE);
	coreleaks_options_init(&options);
	options.group_by = CORELEAKS_GROUP_BY_LABEL;
	expect_error(coreleaks_open(core_path, &options, &analysis), CORELEAKS_ERROR_USAGE);
	ck_assert_ptr_null(analysis);
}
END_TEST

START_TEST(options_may_be_null)
{
	expect_fine(coreleaks_open(core_path, NULL, &analysis));
	expect_fine(coreleaks_run(analysis));
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), NUM_THREADS);
}
END_TEST

/* A program built against an older header: what it does not know keeps its default. */
START_TEST(shorter_options)
{
	memset((char *)&options + offsetof(struct coreleaks_options, min_count), 0xff,
	       sizeof(options) - offsetof(struct coreleaks_options, min_count));
	options.size = offsetof(struct coreleaks_options, min_count);
	open_and_run();
	ck_assert_uint_eq(num_in_groups(), NUM_THREADS);
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++)
		ck_assert_ptr_null(coreleaks_group(analysis, i)->hidden_by);
}
END_TEST

START_TEST(strings_are_copied)
{
	char path[64], focus[] = "frameless", ignore[] = "nothing_at_all";
	snprintf(path, sizeof(path), "%s", core_path);
	options.focus = focus;
	options.ignore = ignore;
	expect_fine(coreleaks_open(path, &options, &analysis));
	memset(path, 'x', sizeof(path) - 1);
	memset(focus, 'x', sizeof(focus) - 1);
	memset(ignore, '.', sizeof(ignore) - 1);
	memset(&options, 0xff, sizeof(options));
	expect_fine(coreleaks_run(analysis));
	ck_assert_str_eq(coreleaks_core_info(analysis)->path, core_path);
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++) {
		const struct coreleaks_group *group = coreleaks_group(analysis, i);
		ck_assert_int_eq(group->hidden_by == NULL, group->num_tasks == NUM_THREADS / 7);
	}
	coreleaks_options_init(&options);
}
END_TEST

START_TEST(bad_regular_expression)
{
	options.focus = "(";
	struct coreleaks_error *error = coreleaks_open(core_path, &options, &analysis);
	if (error == NULL)
		error = coreleaks_run(analysis);
	expect_error(error, CORELEAKS_ERROR_USAGE);
}
END_TEST

/* ---- Results ---- */

START_TEST(files_that_are_no_cores)
{
	expect_error(coreleaks_open("/no/such/core", &options, &analysis), CORELEAKS_ERROR_OPEN);
	expect_error(coreleaks_open("/tmp", &options, &analysis), CORELEAKS_ERROR_NOT_A_CORE);
	expect_error(coreleaks_open("/bin/true", &options, &analysis), CORELEAKS_ERROR_NOT_A_CORE);
	expect_error(coreleaks_open("/etc/passwd", &options, &analysis),
		     CORELEAKS_ERROR_NOT_A_CORE);
	ck_assert_ptr_null(analysis);
	coreleaks_close(NULL);
}
END_TEST

START_TEST(what_the_core_says)
{
	open_and_run();
	const struct coreleaks_core *info = coreleaks_core_info(analysis);
	ck_assert_str_eq(info->path, core_path);
	ck_assert_uint_eq(info->size, core.file.size);
	ck_assert_str_eq(info->machine, "x86_64");
	ck_assert_int_eq(info->pid, 4999);
	ck_assert_str_eq(info->command, "worker");
	ck_assert_int_eq(info->signal, SIGABRT);
	ck_assert_str_eq(info->dumper, "kernel");
	ck_assert_str_eq(info->executable, fake_code_file());
	ck_assert_str_eq(info->executable_file, fake_code_file());
	ck_assert(info->executable_verified);
	ck_assert_uint_eq(strlen(info->executable_build_id), 40);
	ck_assert(info->complete);
	ck_assert_uint_eq(coreleaks_num_gaps(analysis), 0);
	ck_assert_uint_eq(coreleaks_num_modules(analysis), 1);
	ck_assert_uint_eq(coreleaks_module(analysis, 0)->low, FAKE_CODE_BASE);
}
END_TEST

START_TEST(tasks_stacks_and_groups)
{
	open_and_run();
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), NUM_THREADS);
	ck_assert_uint_eq(coreleaks_num_stacks(analysis), 2);
	ck_assert_uint_eq(coreleaks_num_groups(analysis), 2);
	const struct coreleaks_task *task = coreleaks_task(analysis, 0);
	ck_assert_int_eq(task->id, 5000);
	ck_assert_int_eq(task->signal, SIGABRT);
	ck_assert_int_eq(task->state, CORELEAKS_STATE_WAITING);
	ck_assert_int_eq(task->syscall_nr, SYS_futex);
	ck_assert_str_eq(task->reason, "futex");
	ck_assert_uint_eq(task->pc, fake_code("frameless_at"));
	ck_assert_uint_eq(task->sp, FAKE_STACK + 800);
	task = coreleaks_task(analysis, 1);
	ck_assert_int_eq(task->signal, 0);
	ck_assert_int_eq(task->state, CORELEAKS_STATE_RUNNING);
	ck_assert_int_eq(task->syscall_nr, -1);
	ck_assert_str_eq(task->reason, "running");
	for (uint32_t i = 0; i < 2; i++) {
		const struct coreleaks_group *group = coreleaks_group(analysis, i);
		bool waiting = group->state == CORELEAKS_STATE_WAITING;
		ck_assert_uint_eq(group->num_tasks,
				  waiting ? NUM_THREADS / 7 : NUM_THREADS - NUM_THREADS / 7);
		const struct coreleaks_stack *stack = coreleaks_stack(analysis, group->stack_id);
		ck_assert_str_eq(stack->frames[0].function, waiting ? "frameless" : "leaf");
		ck_assert_str_eq(stack->frames[1].function, "start");
		ck_assert_int_eq(strncmp(group->signature, "t-", 2), 0);
		ck_assert_uint_eq(strlen(group->signature), 14);
		/* Members by ascending id: the core has them in descending order. */
		for (uint32_t k = 1; k < group->num_tasks; k++)
			ck_assert_int_lt(coreleaks_task(analysis, group->tasks[k - 1])->id,
					 coreleaks_task(analysis, group->tasks[k])->id);
	}
}
END_TEST

START_TEST(indexes_out_of_range)
{
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			expect_fine(coreleaks_open(core_path, &options, &analysis));
		else
			expect_fine(coreleaks_run(analysis));
		ck_assert_ptr_nonnull(coreleaks_core_info(analysis));
		ck_assert_ptr_null(coreleaks_task(analysis, coreleaks_num_tasks(analysis)));
		ck_assert_ptr_null(coreleaks_task_alike(analysis, coreleaks_num_tasks(analysis)));
		ck_assert_ptr_null(coreleaks_stack(analysis, coreleaks_num_stacks(analysis)));
		ck_assert_ptr_null(coreleaks_group(analysis, coreleaks_num_groups(analysis)));
		ck_assert_ptr_null(coreleaks_finding(analysis, coreleaks_num_findings(analysis)));
		ck_assert_ptr_null(coreleaks_gap(analysis, coreleaks_num_gaps(analysis)));
		ck_assert_ptr_null(coreleaks_module(analysis, coreleaks_num_modules(analysis)));
		ck_assert_ptr_null(coreleaks_task(analysis, UINT32_MAX));
		ck_assert_ptr_null(coreleaks_group(analysis, UINT32_MAX));
	}
}
END_TEST

START_TEST(run_is_for_once)
{
	open_and_run();
	uint32_t num = coreleaks_num_groups(analysis);
	expect_error(coreleaks_run(analysis), CORELEAKS_ERROR_USAGE);
	ck_assert_uint_eq(coreleaks_num_groups(analysis), num);
}
END_TEST

START_TEST(no_threads_at_all)
{
	struct fake_core bare;
	fake_core_init(&bare);
	core_path = fake_path(&bare);
	open_and_run();
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), 0);
	ck_assert_uint_eq(coreleaks_num_groups(analysis), 0);
	ck_assert_uint_gt(coreleaks_num_gaps(analysis), 0);
	ck_assert(!coreleaks_core_info(analysis)->complete);
	expect_error(coreleaks_run(analysis), CORELEAKS_ERROR_USAGE);
	fake_core_deinit(&bare);
}
END_TEST

/* ---- Callbacks ---- */

static bool select_even(void *data, const struct coreleaks_analysis *a, uint32_t task)
{
	++*(uint32_t *)data;
	ck_assert_ptr_nonnull(coreleaks_task(a, task));
	ck_assert_uint_gt(coreleaks_stack(a, coreleaks_task(a, task)->stack_id)->num_frames, 0);
	return coreleaks_task(a, task)->id % 2 == 0;
}

START_TEST(select_task)
{
	uint32_t calls = 0;
	options.select_task = select_even;
	options.select_task_data = &calls;
	open_and_run();
	ck_assert_uint_eq(calls, NUM_THREADS);
	ck_assert_uint_eq(coreleaks_num_deselected(analysis), NUM_THREADS / 2);
	ck_assert_uint_eq(num_in_groups(), NUM_THREADS / 2);
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), NUM_THREADS);
}
END_TEST

static const char *key_of(void *data, const struct coreleaks_analysis *a, uint32_t task)
{
	char *buffer = data;
	int64_t id = coreleaks_task(a, task)->id;
	if (id % 3 == 0)
		return NULL;
	/* The same memory each time: it must be copied. */
	snprintf(buffer, 16, "key%lld", (long long)(id % 3));
	return buffer;
}

START_TEST(group_key)
{
	char buffer[16];
	options.group_by = CORELEAKS_GROUP_BY_KEY;
	options.group_key = key_of;
	options.group_key_data = buffer;
	open_and_run();
	uint32_t by_key[3] = {0};
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++) {
		const struct coreleaks_group *group = coreleaks_group(analysis, i);
		ck_assert_ptr_nonnull(group->key);
		int which = strcmp(group->key, "key1") == 0   ? 1
			    : strcmp(group->key, "key2") == 0 ? 2
							      : 0;
		ck_assert(which != 0 || strcmp(group->key, "") == 0);
		by_key[which] += group->num_tasks;
		for (uint32_t k = 0; k < group->num_tasks; k++)
			ck_assert_int_eq(coreleaks_task(analysis, group->tasks[k])->id % 3, which);
	}
	ck_assert_uint_eq(by_key[0] + by_key[1] + by_key[2], NUM_THREADS);
	ck_assert_uint_ge(by_key[0], 233);
	ck_assert_uint_ge(by_key[1], 233);
}
END_TEST

struct progress_log {
	uint32_t calls, refuse_at;
	bool unwinding;
	uint64_t last_done;
};

static bool follow(void *data, const char *phase, uint64_t done, uint64_t total)
{
	struct progress_log *log = data;
	ck_assert_ptr_nonnull(phase);
	ck_assert(total == 0 || done <= total);
	if (strcmp(phase, "unwinding") == 0)
		log->unwinding = true;
	return ++log->calls != log->refuse_at;
}

START_TEST(progress_is_told)
{
	struct progress_log log = {0};
	options.progress = follow;
	options.progress_data = &log;
	open_and_run();
	ck_assert_uint_ge(log.calls, 2);
	ck_assert(log.unwinding);
}
END_TEST

/* Wherever it is cancelled: all tasks are there, nothing is called complete, and nobody asks again.
 */
START_TEST(cancelled)
{
	struct progress_log log = {.refuse_at = (uint32_t)_i};
	options.progress = follow;
	options.progress_data = &log;
	struct coreleaks_error *error = coreleaks_open(core_path, &options, &analysis);
	if (error != NULL) {
		expect_error(error, CORELEAKS_ERROR_CANCELLED);
		return;
	}
	expect_fine(coreleaks_run(analysis));
	if (log.calls < log.refuse_at)
		return;
	ck_assert_uint_eq(log.calls, log.refuse_at);
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), NUM_THREADS);
	ck_assert_uint_eq(num_in_groups(), NUM_THREADS);
	ck_assert(!coreleaks_core_info(analysis)->complete);
	const struct coreleaks_gap *gap = find_gap("stopped");
	ck_assert_ptr_nonnull(gap);
	ck_assert(gap->incomplete);
}
END_TEST

START_TEST(timed_out)
{
	options.timeout_ns = 1;
	struct coreleaks_error *error = coreleaks_open(core_path, &options, &analysis);
	if (error != NULL) {
		expect_error(error, CORELEAKS_ERROR_CANCELLED);
		return;
	}
	expect_fine(coreleaks_run(analysis));
	ck_assert_ptr_nonnull(find_gap("stopped"));
	ck_assert(!coreleaks_core_info(analysis)->complete);
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), NUM_THREADS);
}
END_TEST

static int num_open_files(void)
{
	int num = 0;
	for (int fd = 0; fd < 256; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	return num;
}

/* Whatever the limit, it is an error or a whole answer, and no file stays open. */
static void try_memory_limits(const char *path, uint64_t step, uint64_t end)
{
	int before = num_open_files();
	bool failed = false, worked = false;
	for (uint64_t limit = 1; limit < end; limit += step) {
		options.max_memory = limit;
		struct coreleaks_error *error = coreleaks_open(path, &options, &analysis);
		if (error == NULL)
			error = coreleaks_run(analysis);
		failed = failed || error != NULL;
		worked = worked || error == NULL;
		if (error != NULL)
			expect_error(error, CORELEAKS_ERROR_MEMORY);
		coreleaks_close(analysis);
		analysis = NULL;
		ck_assert_msg(num_open_files() == before, "limit %llu: %d files are open, not %d",
			      (unsigned long long)limit, num_open_files(), before);
	}
	ck_assert(failed && worked);
}

START_TEST(memory_limit)
{
	try_memory_limits(core_path, 100000, 10000000);
}
END_TEST

/* ---- The same again ---- */

static bool collect(void *data, const char *bytes, size_t size)
{
	FILE *stream = data;
	return fwrite(bytes, 1, size, stream) == size;
}

static char *report(const char *path, enum coreleaks_format format, size_t *size_ret)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, size_ret);
	struct coreleaks_options own_options;
	struct coreleaks_write_options write_options;
	struct coreleaks_analysis *own = NULL;
	coreleaks_options_init(&own_options);
	coreleaks_write_options_init(&write_options);
	write_options.format = format;
	struct coreleaks_error *error = coreleaks_open(path, &own_options, &own);
	if (error == NULL)
		error = coreleaks_run(own);
	if (error == NULL)
		error = coreleaks_write(own, &write_options, collect, stream);
	coreleaks_close(own);
	fclose(stream);
	if (error != NULL) {
		fprintf(stderr, "# %s\n", error->message);
		coreleaks_error_free(error);
		free(text);
		return NULL;
	}
	return text;
}

START_TEST(same_bytes_again)
{
	size_t first_size, second_size;
	char *first = report(core_path, (enum coreleaks_format)_i, &first_size);
	char *second = report(core_path, (enum coreleaks_format)_i, &second_size);
	ck_assert(first != NULL && second != NULL);
	ck_assert_uint_gt(first_size, 200);
	ck_assert_uint_eq(first_size, second_size);
	ck_assert(memcmp(first, second, first_size) == 0);
	free(first);
	free(second);
}
END_TEST

struct thread_job {
	const char *path, *expected;
	size_t size;
	int rounds, wrong;
};

static void *run_job(void *data)
{
	struct thread_job *job = data;
	for (int i = 0; i < job->rounds; i++) {
		size_t size;
		char *text = report(job->path, CORELEAKS_FORMAT_JSON, &size);
		if (text == NULL || size != job->size || memcmp(text, job->expected, size) != 0)
			job->wrong++;
		free(text);
	}
	return NULL;
}

/* Two different cores in two threads at once: each as it is alone. */
START_TEST(two_at_once)
{
	enum { ROUNDS = 20 };
	struct fake_core other;
	struct thread_job jobs[2] = {{.path = core_path, .rounds = ROUNDS}, {.rounds = ROUNDS}};
	pthread_t threads[2];
	char *expected[2];
	make_core(&other, 50);
	jobs[1].path = fake_path(&other);
	for (int i = 0; i < 2; i++) {
		expected[i] = report(jobs[i].path, CORELEAKS_FORMAT_JSON, &jobs[i].size);
		ck_assert_ptr_nonnull(expected[i]);
		jobs[i].expected = expected[i];
	}
	ck_assert_uint_ne(jobs[0].size, jobs[1].size);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(jobs[i].wrong, 0);
		free(expected[i]);
	}
	fake_core_deinit(&other);
}
END_TEST

static bool full_disk(void *data, const char *bytes, size_t size)
{
	(void)bytes;
	(void)size;
	return ++*(int *)data < 2;
}

START_TEST(a_sink_that_stops)
{
	struct coreleaks_write_options write_options;
	coreleaks_write_options_init(&write_options);
	open_and_run();
	for (int format = 0; format < 2; format++) {
		int calls = 1;
		write_options.format = (enum coreleaks_format)format;
		struct coreleaks_error *error =
			coreleaks_write(analysis, &write_options, full_disk, &calls);
		ck_assert_ptr_nonnull(error);
		coreleaks_error_free(error);
		/* Refused once, it is not called again. */
		ck_assert_int_eq(calls, 2);
	}
}
END_TEST

START_TEST(names_of_one_thing)
{
	struct coreleaks_write_options write_options;
	size_t size;
	char *text;
	FILE *stream = open_memstream(&text, &size);
	coreleaks_write_options_init(&write_options);
	open_and_run();
	static const char *const wrong[] = {"",
					    "0",
					    "3",
					    "t-",
					    "thread:1",
					    "thread:",
					    "nonsense",
					    "t-zzzzzzzzzzzz",
					    "thread:5000x",
					    "-1",
					    "99999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct coreleaks_error *error =
			coreleaks_write_one(analysis, wrong[i], &write_options, collect, stream);
		ck_assert_msg(error != NULL, "\"%s\" was found", wrong[i]);
		expect_error(error, CORELEAKS_ERROR_NOT_FOUND);
	}
	const char *right[] = {"1", "2", "thread:5000", coreleaks_group(analysis, 0)->id};
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		expect_fine(
			coreleaks_write_one(analysis, right[i], &write_options, collect, stream));
	fclose(stream);
	ck_assert_uint_gt(size, 100);
	free(text);
}
END_TEST

/* ---- Damage ---- */

/* Opens, runs and writes whatever this is. True: there was an analysis. */
static bool survives(const char *path)
{
	struct coreleaks_write_options write_options;
	size_t size;
	char *text;
	coreleaks_write_options_init(&write_options);
	struct coreleaks_error *error = coreleaks_open(path, &options, &analysis);
	if (error == NULL) {
		expect_fine(coreleaks_run(analysis));
		ck_assert_uint_eq(num_in_groups(), coreleaks_num_tasks(analysis));
		for (int format = 0; format < 2; format++) {
			FILE *stream = open_memstream(&text, &size);
			write_options.format = (enum coreleaks_format)format;
			expect_fine(coreleaks_write(analysis, &write_options, collect, stream));
			fclose(stream);
			ck_assert_uint_gt(size, 0);
			free(text);
		}
		return true;
	}
	ck_assert_uint_gt(strlen(error->message), 5);
	coreleaks_error_free(error);
	return false;
}

START_TEST(cut_anywhere)
{
	struct fake_core small;
	make_core(&small, 4);
	fake_build(&small);
	for (size_t size = 0; size < small.file.size; size += size < 6000 ? 97 : 4099) {
		const char *path = fake_path_cut(&small, size);
		if (survives(path)) {
			ck_assert(!coreleaks_core_info(analysis)->complete);
			coreleaks_close(analysis);
			analysis = NULL;
		}
		close(atoi(strrchr(path, '/') + 1));
	}
	fake_core_deinit(&small);
}
END_TEST

/* Random bytes over headers, notes and stacks. */
START_TEST(random_damage)
{
	struct fake_core small;
	uint64_t state = (uint64_t)_i + 1;
	make_core(&small, 6);
	fake_build(&small);
	unsigned char *sound = malloc(small.file.size);
	memcpy(sound, small.file.bytes, small.file.size);
	for (int round = 0; round < 100; round++) {
		memcpy(small.file.bytes, sound, small.file.size);
		for (int i = 0; i < 12; i++) {
			static const uint64_t values[] = {0,	1,	    0xff,      0x7f,
							  0x80, UINT64_MAX, INT64_MAX, UINT32_MAX};
			state = state * 6364136223846793005u + 1442695040888963407u;
			size_t area = state >> 62 == 0	 ? 600
				      : state >> 62 == 1 ? 4000
							 : small.file.size;
			size_t off = (state >> 24) % (area - 8);
			size_t size = (size_t)1 << ((state >> 12) & 3);
			memcpy(small.file.bytes + off, &values[(state >> 16) & 7], size);
		}
		const char *path = fake_path(&small);
		survives(path);
		coreleaks_close(analysis);
		analysis = NULL;
		close(atoi(strrchr(path, '/') + 1));
	}
	free(sound);
	fake_core_deinit(&small);
}
END_TEST

static void add_callback_tests(TCase *tests)
{
	tcase_add_test(tests, select_task);
	tcase_add_test(tests, group_key);
	tcase_add_test(tests, progress_is_told);
	tcase_add_loop_test(tests, cancelled, 1, 8);
	tcase_add_test(tests, timed_out);
	tcase_add_test(tests, memory_limit);
	tcase_add_loop_test(tests, same_bytes_again, 0, 2);
	tcase_add_test(tests, two_at_once);
	tcase_add_test(tests, a_sink_that_stops);
	tcase_add_test(tests, names_of_one_thing);
	tcase_add_test(tests, cut_anywhere);
	tcase_add_loop_test(tests, random_damage, 0, 4);
}

Suite *analysis_suite(void)
{
	Suite *suite = suite_create("analysis");
	TCase *tests = tcase_create("analysis");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, defaults);
	tcase_add_test(tests, options_that_make_no_sense);
	tcase_add_test(tests, options_may_be_null);
	tcase_add_test(tests, shorter_options);
	tcase_add_test(tests, strings_are_copied);
	tcase_add_test(tests, bad_regular_expression);
	tcase_add_test(tests, files_that_are_no_cores);
	tcase_add_test(tests, what_the_core_says);
	tcase_add_test(tests, tasks_stacks_and_groups);
	tcase_add_test(tests, indexes_out_of_range);
	tcase_add_test(tests, run_is_for_once);
	tcase_add_test(tests, no_threads_at_all);
	add_callback_tests(tests);
	suite_add_tcase(suite, tests);
	return suite;
}
