#include "cli/workers.h"

#include "cli/contain.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a worker ends: its file holds a report, or one line about why there is none. */
enum { WORKER_DONE = 0, WORKER_FAILED = 2, WORKER_OUTPUT_FAILED = 4 };

enum { MAX_WORKERS = 256 };

struct worker {
	pid_t pid;		   /* 0: none */
	int fd;			   /* what it writes */
	int part_fds[MAX_OUTPUTS]; /* and for outputs that are joined; -1: none */
	uint32_t input;
};

/* ---- In the worker ------------------------------------------------------------------------- */

static int work(const struct settings *settings, const struct inputs *inputs,
		const struct worker *worker, uint32_t members)
{
	const char *path = inputs->paths[worker->input];
	struct coreleaks_write_options options = settings->write;
	struct settings own = *settings;
	struct documents documents;
	struct session session = {
		.settings = &own,
		.core_path = path,
		.inputs = inputs,
		.documents = &documents,
		.whole_only = true,
	};
	own.progress = WHEN_NEVER;
	options.format = CORELEAKS_FORMAT_JSON;
	options.members = members;
	options.brief = true;
	documents_init(&documents, &own);
	bool fine = documents_add(&documents, &options, path, NULL, worker->fd) &&
		    output_add_of_dump(&documents, inputs_base_name(path), inputs->num);
	for (uint32_t i = 0; i < settings->num_outputs && fine; i++)
		if (worker->part_fds[i] >= 0)
			fine = output_add_part(&documents, i, worker->part_fds[i]);
	if (!fine)
		return WORKER_FAILED;
	contain_run(&session);
	if (session.why != NULL) {
		if (ftruncate(worker->fd, 0) == 0 && lseek(worker->fd, 0, SEEK_SET) == 0)
			wire_write(worker->fd, session.why, strlen(session.why));
		return WORKER_FAILED;
	}
	return documents.failed ? WORKER_OUTPUT_FAILED : WORKER_DONE;
}

/* ---- Around it ----------------------------------------------------------------------------- */

static uint32_t num_processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	int num = CPU_COUNT(&set);
	return num < 1 ? 1 : num > MAX_WORKERS ? MAX_WORKERS : (uint32_t)num;
}

static int memory_file(void)
{
	int fd = memfd_create("coreleaks", MFD_CLOEXEC);
	if (fd < 0)
		message("cannot make a file in memory: %s", strerror(errno));
	return fd;
}

static bool start(struct worker *worker, const struct settings *settings,
		  const struct inputs *inputs, uint32_t members)
{
	worker->fd = memory_file();
	if (worker->fd < 0)
		return false;
	for (uint32_t i = 0; i < settings->num_outputs; i++)
		worker->part_fds[i] = output_joins(settings, i, inputs->num) ? memory_file() : -1;
	pid_t parent = getpid();
	fflush(stdout);
	worker->pid = fork();
	if (worker->pid < 0) {
		message("cannot start a process: %s", strerror(errno));
		close(worker->fd);
		worker->pid = 0;
		return false;
	}
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(WORKER_FAILED);
		_exit(work(settings, inputs, worker, members));
	}
	return true;
}

static char *read_whole(int fd, size_t *size_ret)
{
	struct stat status;
	if (fstat(fd, &status) != 0 || status.st_size < 0)
		return NULL;
	size_t size = (size_t)status.st_size, used = 0;
	char *bytes = malloc(size + 1);
	while (bytes != NULL && used < size) {
		ssize_t got = pread(fd, bytes + used, size - used, (off_t)used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (bytes != NULL)
		bytes[used] = '\0';
	*size_ret = used;
	return bytes;
}

/* What reports call the dump. */
static const char *shown(const struct settings *settings, const char *path)
{
	return coreleaks_strip_prefix(path, settings->write.strip_prefix);
}

static const char *without_name(const char *why, const char *name)
{
	size_t size = strlen(name);
	bool named = strncmp(why, name, size) == 0 && strncmp(why + size, ": ", 2) == 0;
	return named ? why + size + 2 : why;
}

/* A summary that says what went wrong; NULL after a message. */
static struct coreleaks_summary *failed(const struct settings *settings, const char *path,
					const char *why)
{
	struct coreleaks_summary *summary = NULL;
	const char *name = shown(settings, path);
	/* Errors name the file; so do reports. */
	why = without_name(without_name(why, path), name);
	struct coreleaks_error *error = coreleaks_summary_failed(name, why, &summary);
	if (error != NULL)
		message("%s", error->message);
	coreleaks_error_free(error);
	return summary;
}

static struct coreleaks_summary *read_summary(const struct settings *settings, const char *path,
					      int64_t time, const char *bytes, size_t size)
{
	struct coreleaks_summary *summary = NULL;
	struct coreleaks_error *error =
		coreleaks_summary_read(shown(settings, path), time, bytes, size, &summary);
	if (error != NULL)
		summary = failed(settings, path, error->message);
	coreleaks_error_free(error);
	return summary;
}

/* A report, or a profile; an error in it is a summary too. */
static struct coreleaks_summary *read_report(const struct settings *settings, const char *path)
{
	struct coreleaks_summary *summary;
	struct stat status;
	size_t size;
	char *bytes = NULL;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		bytes = read_whole(fd, &size);
	summary = bytes != NULL ? read_summary(settings, path, (int64_t)status.st_mtim.tv_sec,
					       bytes, size)
				: failed(settings, path, "cannot be read");
	free(bytes);
	if (fd >= 0)
		close(fd);
	return summary;
}

static struct coreleaks_summary *result_of(const struct settings *settings,
					   const struct worker *worker, const char *path,
					   int status, bool *output_failed)
{
	struct coreleaks_summary *summary;
	char why[128];
	size_t size = 0;
	char *bytes = read_whole(worker->fd, &size);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	*output_failed |= code == WORKER_OUTPUT_FAILED;
	if (bytes == NULL) {
		summary = failed(settings, path, "out of memory");
	} else if (code == WORKER_DONE || code == WORKER_OUTPUT_FAILED) {
		summary = read_summary(settings, path, INT64_MIN, bytes, size);
	} else if (code == WORKER_FAILED && size > 0) {
		/* What is packed may be a profile. */
		bool profile = settings->reads_reports && inputs_is_report(path) < 0;
		summary = profile ? read_report(settings, path) : failed(settings, path, bytes);
	} else {
		snprintf(why, sizeof(why), "the analysis ended unexpectedly (%s %d)",
			 WIFSIGNALED(status) ? "signal" : "exit code",
			 WIFSIGNALED(status) ? WTERMSIG(status) : code);
		summary = failed(settings, path, why);
	}
	free(bytes);
	close(worker->fd);
	return summary;
}

static struct worker *worker_of(struct worker *workers, uint32_t num, pid_t pid)
{
	for (uint32_t i = 0; i < num; i++)
		if (workers[i].pid == pid)
			return &workers[i];
	return NULL;
}

struct run {
	const struct settings *settings;
	const struct inputs *inputs;
	uint32_t members;
	struct worker workers[MAX_WORKERS];
	uint32_t num_running;
	struct workers_result result;
};

/* What the worker wrote for documents that are made of all dumps' parts. */
static void take_parts(struct run *run, const struct worker *worker,
		       const struct coreleaks_summary *summary)
{
	for (uint32_t i = 0; i < run->settings->num_outputs; i++) {
		if (worker->part_fds[i] < 0)
			continue;
		struct coreleaks_part *part =
			&run->result.parts[(size_t)i * run->inputs->num + worker->input];
		part->name = shown(run->settings, run->inputs->paths[worker->input]);
		part->bytes = read_whole(worker->part_fds[i], &part->size);
		part->failure = summary != NULL ? coreleaks_summary_failure(summary) : "unknown";
		if (part->bytes == NULL)
			part->failure = "out of memory";
		close(worker->part_fds[i]);
	}
}

/* Waits for one worker to end. */
static bool collect(struct run *run)
{
	int status;
	pid_t pid = wait(&status);
	if (pid < 0)
		return errno == EINTR;
	struct worker *worker = worker_of(run->workers, MAX_WORKERS, pid);
	if (worker == NULL)
		return true;
	worker->pid = 0;
	run->num_running--;
	struct coreleaks_summary *summary =
		result_of(run->settings, worker, run->inputs->paths[worker->input], status,
			  &run->result.output_failed);
	run->result.summaries[worker->input] = summary;
	take_parts(run, worker, summary);
	return summary != NULL;
}

static bool next(struct run *run, uint32_t index)
{
	const char *path = run->inputs->paths[index];
	if (run->settings->reads_reports && inputs_is_report(path) > 0) {
		run->result.summaries[index] = read_report(run->settings, path);
		return run->result.summaries[index] != NULL;
	}
	uint32_t limit = num_processors();
	while (run->num_running >= limit)
		if (!collect(run))
			return false;
	struct worker *worker = worker_of(run->workers, MAX_WORKERS, 0);
	if (worker == NULL)
		return false;
	worker->input = index;
	if (!start(worker, run->settings, run->inputs, run->members))
		return false;
	run->num_running++;
	return true;
}

bool workers_run(struct workers_result *ret, const struct settings *settings,
		 const struct inputs *inputs, uint32_t members)
{
	bool fine = true;
	struct run *run = calloc(1, sizeof(*run));
	struct coreleaks_summary **summaries =
		calloc((size_t)inputs->num + 1, sizeof(struct coreleaks_summary *));
	size_t num_parts = (size_t)inputs->num * settings->num_outputs;
	struct coreleaks_part *parts = calloc(num_parts + 1, sizeof(*parts));
	if (run == NULL || summaries == NULL || parts == NULL) {
		free(run);
		free(summaries);
		free(parts);
		message("out of memory");
		return false;
	}
	run->settings = settings;
	run->inputs = inputs;
	run->members = members;
	run->result.summaries = summaries;
	run->result.num = inputs->num;
	run->result.parts = parts;
	run->result.num_parts = (uint32_t)num_parts;
	for (uint32_t i = 0; i < inputs->num && fine; i++)
		fine = next(run, i);
	while (run->num_running > 0 && fine)
		fine = collect(run);
	for (uint32_t i = 0; i < MAX_WORKERS && !fine; i++)
		if (run->workers[i].pid > 0)
			kill(run->workers[i].pid, SIGKILL);
	*ret = run->result;
	free(run);
	if (!fine)
		workers_free(ret);
	return fine;
}

void workers_free(struct workers_result *result)
{
	for (uint32_t i = 0; i < result->num; i++)
		coreleaks_summary_free(result->summaries[i]);
	for (uint32_t i = 0; i < result->num_parts; i++)
		free((char *)(uintptr_t)result->parts[i].bytes);
	free(result->parts);
	free(result->summaries);
	memset(result, 0, sizeof(*result));
}
