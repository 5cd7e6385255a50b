#include "cli/contain.h"

#include "cli/message.h"
#include "cli/sandbox.h"
#include "cli/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20, MAX_PHASE = 64 };
static const uint64_t grace_ns = 10 * UINT64_C(1000000000);

/* ---- In the child -------------------------------------------------------------------------- */

struct cell {
	const struct session *session;
	int fd;
	struct channel channel;
};

static bool send_begin(void *data, uint32_t document)
{
	const struct cell *cell = data;
	const struct wire_head head = {.kind = WIRE_BEGIN, .number = (int32_t)document};
	return wire_send(cell->fd, &head, NULL, 0);
}

static bool send_bytes(void *data, const char *bytes, size_t size)
{
	const struct cell *cell = data;
	const struct wire_head head = {.kind = WIRE_BYTES};
	while (size > 0) {
		size_t part = size < WIRE_MAX_SIZE ? size : WIRE_MAX_SIZE;
		if (!wire_send(cell->fd, &head, bytes, part))
			return false;
		bytes += part;
		size -= part;
	}
	return true;
}

static void send_end(void *data, const char *problem)
{
	const struct cell *cell = data;
	const struct wire_head head = {.kind = WIRE_END};
	wire_send(cell->fd, &head, problem, problem != NULL ? strlen(problem) : 0);
}

static void send_progress(void *data, const char *phase, uint64_t done, uint64_t total, bool draw)
{
	const struct cell *cell = data;
	const struct wire_head head = {
		.kind = WIRE_PROGRESS, .number = draw, .done = done, .total = total};
	wire_send(cell->fd, &head, phase, strlen(phase));
}

static void confine(struct cell *cell, enum sandbox_stage stage)
{
	const struct settings *settings = cell->session->settings;
	const char *problem = sandbox_enter(stage, cell->fd, settings->analysis.max_memory);
	cell->channel.sandbox = problem == NULL ? "seccomp" : "process";
	if (problem != NULL && settings->write.verbose > 0 && stage == SANDBOX_READING)
		message("the analysis has a process of its own, but no filter of system calls: %s",
			problem);
}

static void core_opened(void *data)
{
	const struct cell *cell = data;
	const struct wire_head head = {.kind = WIRE_OPENED};
	confine(data, SANDBOX_READING);
	wire_send(cell->fd, &head, NULL, 0);
}

/* Unpacking needs a file without a name, which not every file system can make: then the core is
 * opened unconfined. */
static bool can_open_confined(const struct session *session)
{
	int fd = open(session_spool_dir(session->settings), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL,
		      0600);
	if (fd < 0)
		return errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL;
	close(fd);
	return true;
}

/* What the analysis prints would be the core's own words: nothing reaches the terminal. */
static void silence(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
}

static void work(struct session *session, int fd)
{
	struct cell cell = {
		.session = session,
		.fd = fd,
		.channel = {.data = &cell,
			    .begin = send_begin,
			    .bytes = send_bytes,
			    .end = send_end,
			    .progress = send_progress,
			    .opened = core_opened},
	};
	/* The parent hears Ctrl-C, and tells. */
	signal(SIGINT, SIG_IGN);
	message_to(fd);
	if (sandbox_obstacle() == NULL)
		silence();
	if (can_open_confined(session))
		confine(&cell, SANDBOX_OPENING);
	session_work(session, &cell.channel);
	const struct wire_head head = {
		.kind = WIRE_RESULT,
		.number = session->code,
		.done = session->why != NULL,
		.total = session->not_there,
	};
	wire_send(fd, &head, session->why, session->why != NULL ? strlen(session->why) : 0);
}

/* ---- Around it ----------------------------------------------------------------------------- */

static volatile sig_atomic_t child_pid;

/* The first Ctrl-C asks the analysis to stop and report what it knows, the second one kills. A
 * SIGINT that was ignored at the start (nohup, a background job) stays ignored. */
static void catch_interrupt(void (*handler)(int))
{
	struct sigaction action = {0}, before;
	action.sa_handler = handler;
	action.sa_flags = (int)SA_RESETHAND;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

/* While the report is written, Ctrl-C kills at once. */
static void release_interrupt(void (*handler)(int))
{
	struct sigaction before;
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == handler)
		signal(SIGINT, SIG_DFL);
}

static void tell_child(int signal_nr)
{
	(void)signal_nr;
	if (child_pid > 0)
		kill(child_pid, SIGUSR1);
}

/* One run of the analysis, as its parent sees it. */
struct run {
	struct session *session;
	int fd;
	pid_t pid;
	uint64_t deadline_ns; /* of --timeout, and then some; 0 none */
	uint64_t heard_ns;    /* of the child's last sign of life */
	bool hung;
	bool opened;   /* the core is */
	bool answered; /* there is a result */
	bool writing;  /* a document is on its way */
	char phase[MAX_PHASE];
	char text[WIRE_MAX_SIZE + 1];
};

/* Waits for the child's next bytes. False: it has been silent long after its time was over. */
static bool await(struct run *run)
{
	struct pollfd pollfd = {.fd = run->fd, .events = POLLIN};
	for (;;) {
		int timeout_ms = -1;
		if (run->deadline_ns != 0) {
			uint64_t end = run->heard_ns + grace_ns, now = progress_bar_now_ns();
			if (end < run->deadline_ns)
				end = run->deadline_ns;
			if (now >= end)
				return false;
			uint64_t left_ms = (end - now) / 1000000 + 1;
			timeout_ms = left_ms < 60000 ? (int)left_ms : 60000;
		}
		int ready = poll(&pollfd, 1, timeout_ms);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

static bool receive(struct run *run, void *bytes, size_t size)
{
	char *to = bytes;
	while (size > 0) {
		if (!await(run)) {
			run->hung = true;
			return false;
		}
		ssize_t got = read(run->fd, to, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	run->heard_ns = progress_bar_now_ns();
	return true;
}

static void take_progress(struct run *run, const struct wire_head *head)
{
	message_make_harmless(run->text);
	run->text[sizeof(run->phase) - 1] = '\0';
	memcpy(run->phase, run->text, strlen(run->text) + 1);
	if (head->number != 0)
		progress_bar_draw(run->session->bar, run->phase, head->done, head->total);
}

static bool take_result(struct run *run, const struct wire_head *head)
{
	struct session *session = run->session;
	session->code = head->number;
	session->not_there = head->total != 0;
	session->why = head->done != 0 ? strdup(run->text) : NULL;
	run->answered = head->number >= 0 && head->number <= EXIT_USAGE;
	return run->answered;
}

/* False: what came makes no sense. */
static bool take(struct run *run, const struct wire_head *head)
{
	struct documents *documents = run->session->documents;
	switch (head->kind) {
	case WIRE_MESSAGE:
		message("%s", run->text);
		return true;
	case WIRE_PROGRESS:
		take_progress(run, head);
		return true;
	case WIRE_OPENED:
		run->opened = true;
		return true;
	case WIRE_BEGIN:
		if (head->number < 0 || (uint32_t)head->number >= documents->num ||
		    documents->items[head->number].whole)
			return false;
		release_interrupt(tell_child);
		progress_bar_deinit(run->session->bar);
		run->writing = true;
		documents_begin(documents, (uint32_t)head->number);
		return true;
	case WIRE_BYTES:
		documents_bytes(documents, run->text, head->size);
		return run->writing;
	case WIRE_END:
		documents_end(documents, head->size > 0 ? run->text : NULL);
		run->writing = false;
		return true;
	case WIRE_RESULT:
		return take_result(run, head);
	default:
		return false;
	}
}

static void listen_to(struct run *run)
{
	struct wire_head head;
	while (!run->answered && receive(run, &head, sizeof(head))) {
		if (head.size > WIRE_MAX_SIZE || !receive(run, run->text, head.size))
			return;
		run->text[head.size] = '\0';
		if (!take(run, &head))
			return;
	}
}

static bool start(struct run *run)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) {
		message("cannot make a pipe: %s", strerror(errno));
		return false;
	}
	/* Fewer changes of processes; the default will do as well. */
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	fflush(NULL);
	/* The child has its handler from its first moment on. */
	struct sigaction action = {.sa_handler = session_stop}, before;
	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, &before);
	pid_t parent = getpid();
	run->pid = fork();
	if (run->pid == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			work(run->session, ends[1]);
		exit(EXIT_SUCCESS);
	}
	int errno_value = errno;
	child_pid = run->pid > 0 ? run->pid : 0;
	sigaction(SIGUSR1, &before, NULL);
	close(ends[1]);
	run->fd = ends[0];
	if (run->pid > 0)
		return true;
	message("cannot start a process: %s", strerror(errno_value));
	close(run->fd);
	return false;
}

/* Returns how the child ended, as waitpid() has it. */
static int finish(struct run *run)
{
	int status = 0;
	if (!run->answered)
		kill(run->pid, SIGKILL);
	close(run->fd);
	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	child_pid = 0;
	return status;
}

/* ---- When it dies -------------------------------------------------------------------------- */

/* One phrase, from malloc(). */
static char *describe(const struct run *run, int status)
{
	char *text = NULL;
	char how[96];
	if (run->hung)
		snprintf(how, sizeof(how), "did not stop when its time was over");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "died of signal %d (%s)", WTERMSIG(status),
			 sigdescr_np(WTERMSIG(status)) != NULL ? sigdescr_np(WTERMSIG(status))
							       : "unknown");
	else
		snprintf(how, sizeof(how), "ended unexpectedly (exit code %d)",
			 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	if (asprintf(&text, "the analysis %s (%s)", how,
		     run->writing ? "writing a report" : run->phase) < 0)
		return NULL;
	return text;
}

/* What the next run leaves out. False: there is nothing left. */
static bool lower(struct session *session, const struct run *run)
{
	struct documents *documents = session->documents;
	/* Standard input can be read only once. */
	if (strcmp(session->core_path, "-") == 0)
		return false;
	if (run->writing) {
		/* All the others may be written. */
		documents->items[documents->current].whole = true;
		for (uint32_t i = 0; i < documents->num; i++)
			if (!documents->items[i].whole && !documents->items[i].if_findings)
				return true;
		return false;
	}
	if (session->last_floor == CORELEAKS_FLOOR_TASKS || !run->opened)
		return false;
	session->last_floor = run->hung ? CORELEAKS_FLOOR_TASKS
			      : session->last_floor == CORELEAKS_FLOOR_ALL
				      ? CORELEAKS_FLOOR_REASONS
				      : session->last_floor - 1;
	return true;
}

/* True: there is a result. */
static bool run_once(struct session *session, struct run *run, int *status_ret)
{
	const uint64_t timeout_ns = session->settings->analysis.timeout_ns;
	*run = (struct run){
		.session = session, .heard_ns = progress_bar_now_ns(), .phase = "opening the core"};
	if (timeout_ns != 0 && timeout_ns < UINT64_MAX / 4)
		run->deadline_ns = run->heard_ns + timeout_ns + grace_ns;
	*status_ret = 0;
	if (!start(run))
		return false;
	catch_interrupt(tell_child);
	listen_to(run);
	*status_ret = finish(run);
	release_interrupt(tell_child);
	progress_bar_deinit(session->bar);
	return run->answered;
}

static void run_contained(struct session *session)
{
	struct run *run = calloc(1, sizeof(*run));
	int status;
	char *left_out = NULL;
	session->code = EXIT_FAILED;
	if (run == NULL) {
		message("out of memory");
		return;
	}
	bool answered = run_once(session, run, &status);
	if (answered && status != 0) {
		message("%s: the analysis did not end as it should", session->core_path);
		session->code = EXIT_FAILED;
	}
	if (!answered && run->pid > 0) {
		left_out = describe(run, status);
		if (left_out == NULL || session->whole_only) {
			session->why = left_out;
			free(run);
			return;
		}
		message("%s: %s", session->core_path, left_out);
		session->left_out = left_out;
		while (!answered && run->pid > 0 && lower(session, run))
			answered = run_once(session, run, &status);
		session->code = EXIT_FAILED;
	}
	free(left_out);
	free(run);
}

/* ---- Without a cell ------------------------------------------------------------------------ */

static bool direct_begin(void *data, uint32_t document)
{
	const struct session *session = data;
	release_interrupt(session_stop);
	progress_bar_deinit(session->bar);
	return documents_begin(session->documents, document);
}

static bool direct_bytes(void *data, const char *bytes, size_t size)
{
	const struct session *session = data;
	return documents_bytes(session->documents, bytes, size);
}

static void direct_end(void *data, const char *problem)
{
	const struct session *session = data;
	documents_end(session->documents, problem);
}

static void direct_progress(void *data, const char *phase, uint64_t done, uint64_t total, bool draw)
{
	const struct session *session = data;
	if (draw)
		progress_bar_draw(session->bar, phase, done, total);
}

static void run_directly(struct session *session)
{
	const struct channel channel = {
		.data = session,
		.sandbox = "none",
		.begin = direct_begin,
		.bytes = direct_bytes,
		.end = direct_end,
		.progress = direct_progress,
	};
	catch_interrupt(session_stop);
	session_work(session, &channel);
	release_interrupt(session_stop);
	progress_bar_deinit(session->bar);
}

void contain_run(struct session *session)
{
	struct progress_bar bar;
	const struct settings *settings = session->settings;
	progress_bar_init(&bar, settings->quiet && settings->progress == WHEN_AUTO
					? WHEN_NEVER
					: (enum when)settings->progress);
	session->bar = &bar;
	if (settings->no_sandbox)
		run_directly(session);
	else
		run_contained(session);
	session->bar = NULL;
}
