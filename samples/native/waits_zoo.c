/* A zoo: one thread for each of more than a hundred ways to wait in C.
 *
 * Every thread says what it is going to wait for, see waits_zoo.h; `ready` comes when all sleep.
 * The kinds stand in the other waits_zoo_*.c; one thread keeps what many others want.
 */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#define MAX_TIDS 300

pthread_t keeper;
pid_t keeper_tid;
pid_t child;
int locked_fd;

static int child_pipe[2];
static pthread_mutex_t sleepers_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t sleepers[MAX_TIDS];
static int num_threads, num_sleepers;

static struct timespec deadline(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_sec += FAR_S;
	return time;
}

const struct timespec *far_real(void)
{
	static _Thread_local struct timespec time;

	time = deadline(CLOCK_REALTIME);
	return &time;
}

const struct timespec *far_mono(void)
{
	static _Thread_local struct timespec time;

	time = deadline(CLOCK_MONOTONIC);
	return &time;
}

_Noreturn void pause_for_ever(void)
{
	for (;;)
		pause();
}

static void add_thread(pid_t tid, bool sleeps)
{
	pthread_mutex_lock(&sleepers_lock);
	num_threads++;
	if (sleeps)
		sleepers[num_sleepers++] = tid;
	pthread_mutex_unlock(&sleepers_lock);
}

static void print_wait(struct kind *kind, const struct truth *truth)
{
	char addr[32] = "-", holder[32] = "-", mutex[48] = "";

	if (truth->addr == UNKNOWN_ADDR)
		strcpy(addr, "?");
	else if (strcmp(truth->object, NO_OBJECT))
		snprintf(addr, sizeof(addr), "0x%lx", (unsigned long)truth->addr);
	if (truth->holder)
		snprintf(holder, sizeof(holder), "%d%s", truth->holder,
			 truth->holder_optional ? "?" : "");
	if (truth->mutex)
		snprintf(mutex, sizeof(mutex), " mutex=%p", truth->mutex);
	dprintf(1, "wait %d %s %s %s %s %s start=%s%s%s\n", truth->tid, truth->reason,
		truth->object, addr, holder, truth->timed ? "timed" : "-", kind ? kind->start : "-",
		truth->detached ? " detached" : "", mutex);
}

void will_wait(struct kind *kind, struct truth truth)
{
	bool own = truth.tid == 0;

	if (own)
		truth.tid = gettid();
	print_wait(kind, &truth);
	if (!own)
		return;
	add_thread(truth.tid, strcmp(truth.reason, "running") != 0);
	sem_post(&kind->said);
}

void will_wait_silently(struct kind *kind)
{
	add_thread(gettid(), true);
	sem_post(&kind->said);
}

void will_end(struct kind *kind)
{
	pthread_detach(pthread_self());
	sem_post(&kind->said);
}

void will_skip(struct kind *kind, const char *why)
{
	dprintf(1, "skip %s %s\n", kind->start, why);
	will_end(kind);
}

void will_call(struct kind *kind, const char *reason, bool timed)
{
	will_wait(kind, (struct truth){.reason = reason, .object = NO_OBJECT, .timed = timed});
}

int number_of(const struct kind *kind)
{
	return (int)(long)kind->data;
}

void will_wait_for_fd(struct kind *kind, const char *reason, int fd, bool timed)
{
	will_wait(kind, (struct truth){.reason = reason,
				       .object = "fd",
				       .addr = (void *)(long)fd,
				       .timed = timed});
}

void will_find(const char *rule, const char *certainty, pid_t a, pid_t b)
{
	if (b)
		dprintf(1, "finding %s %s %d %d\n", rule, certainty, a, b);
	else
		dprintf(1, "finding %s %s %d\n", rule, certainty, a);
}

void will_be_joined(pid_t tid, pid_t by)
{
	dprintf(1, "joined %d %d\n", tid, by);
}

pthread_t start_kind(struct kind *kind)
{
	pthread_t thread;

	sem_init(&kind->said, 0, 0);
	if (pthread_create(&thread, NULL, kind->main, kind))
		abort();
	sem_wait(&kind->said);
	return thread;
}

/* A sleeping thread's voluntary switches; -1: it does not sleep. */
static long sleeper_switches(pid_t tid)
{
	char path[64], line[128], state = '?';
	long switches = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %ld", &switches);
	}
	fclose(file);
	return state == 'S' ? switches : -1;
}

void wait_until_asleep(pid_t tid)
{
	long before = -1, now = -1;

	do {
		before = now;
		usleep(1000);
		now = sleeper_switches(tid);
	} while (now < 0 || now != before);
}

/* Runs before there are threads. */
static void start_child(void)
{
	struct flock lock = {.l_type = F_WRLCK};
	int ids[2] = {-1, -1}, locked[2];
	char one = 1;

	locked_fd = memfd_create("locked", MFD_CLOEXEC);
	if (pipe(child_pipe) || pipe(locked) || (child = fork()) < 0)
		abort();
	if (child == 0) {
		close(child_pipe[1]);
		signal(SIGABRT, SIG_IGN);
		fcntl(locked_fd, F_SETLKW, &lock);
		if (write(locked[1], &one, 1) != 1)
			_exit(1);
		close(0);
		close(1);
		while (read(child_pipe[0], ids, sizeof(ids)) == sizeof(ids))
			;
		semctl(ids[0], 0, IPC_RMID);
		msgctl(ids[1], IPC_RMID, NULL);
		_exit(0);
	}
	if (read(locked[0], &one, 1) != 1)
		abort();
	close(locked[0]);
	close(locked[1]);
	close(child_pipe[0]);
}

void child_removes(int semaphores, int messages)
{
	static int ids[2] = {-1, -1};

	if (semaphores >= 0)
		ids[0] = semaphores;
	if (messages >= 0)
		ids[1] = messages;
	if (write(child_pipe[1], ids, sizeof(ids)) != sizeof(ids))
		abort();
}

static void start_kinds(struct kind *kinds, size_t num)
{
	for (size_t i = 0; i < num; i++)
		start_kind(&kinds[i]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	start_child();
	start_kinds(lock_kinds, num_lock_kinds);
	start_kinds(event_kinds, num_event_kinds);
	start_kinds(call_kinds, num_call_kinds);
	start_kinds(ipc_kinds, num_ipc_kinds);
	start_kinds(raw_kinds, num_raw_kinds);
	for (int i = 0; i < num_sleepers; i++)
		wait_until_asleep(sleepers[i]);
	print_wait(NULL, &(struct truth){.reason = "join",
					 .object = "thread",
					 .addr = (void *)keeper,
					 .holder = keeper_tid,
					 .tid = gettid()});
	will_be_joined(keeper_tid, gettid());
	dprintf(1, "threads %d busy %d\nready\n", num_threads + 1, num_threads - num_sleepers);
	pthread_join(keeper, NULL);
	return 0;
}
