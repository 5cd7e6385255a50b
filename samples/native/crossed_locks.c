/* Two clerks transfer money between the same two accounts, in opposite directions.
 *
 * Each holds the lock of the account it takes from and waits for that of the other. Arguments
 * say what locks these are: recursive, errorcheck, robust, pi, shared; `mapped`: they lie in a
 * file that is mapped shared; `timed`: the clerks wait for some hours at most; `woken`: the
 * locks are free again, but the clerks have not noticed yet; `taken`: somebody else has got in
 * before them meanwhile; `signalled`: the first clerk's wait was interrupted by a signal, whose
 * handler pauses, and might do anything when it goes on.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct account {
	pthread_mutex_t lock;
	long balance;
};

static struct account private_accounts[2], *accounts = private_accounts;
static pthread_barrier_t has_first;
static bool is_timed;
static pid_t clerk_tids[2];
static pthread_t clerks[2];
static atomic_bool in_handler;

static __attribute__((noinline)) int lock_account(struct account *account)
{
	struct timespec latest;

	if (!is_timed)
		return pthread_mutex_lock(&account->lock);
	clock_gettime(CLOCK_REALTIME, &latest);
	latest.tv_sec += 36000;
	return pthread_mutex_timedlock(&account->lock, &latest);
}

static __attribute__((noinline)) void transfer(struct account *from, struct account *to)
{
	lock_account(from);
	pthread_barrier_wait(&has_first);
	if (lock_account(to))
		return;
	from->balance--;
	to->balance++;
	pthread_mutex_unlock(&to->lock);
	pthread_mutex_unlock(&from->lock);
}

static void *clerk_main(void *arg)
{
	long clerk = (long)arg;

	clerk_tids[clerk] = gettid();
	transfer(&accounts[clerk], &accounts[1 - clerk]);
	return NULL;
}

static void map_accounts(void)
{
	FILE *file = tmpfile();

	if (!file || ftruncate(fileno(file), sizeof(private_accounts)))
		abort();
	accounts = mmap(NULL, sizeof(private_accounts), PROT_READ | PROT_WRITE, MAP_SHARED,
			fileno(file), 0);
	if (accounts == MAP_FAILED)
		abort();
}

/* A clerk sleeps: its lock is marked as waited for, and it is in futex(), system call 202. */
static void wait_until_asleep(const pthread_mutex_t *lock, pid_t tid)
{
	char path[64], text[8] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	while (*(volatile const int *)&lock->__data.__lock != 2 || strncmp(text, "202 ", 4) != 0) {
		FILE *file = fopen(path, "r");
		if (!file || !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
	}
}

/* As an unlocking thread leaves the locks (0), or one that has come by since (1). */
static void wake_up_nobody(int word)
{
	for (int i = 0; i < 2; i++)
		wait_until_asleep(&accounts[1 - i].lock, clerk_tids[i]);
	for (int i = 0; i < 2; i++)
		accounts[i].lock.__data.__lock = word;
}

static void on_freeze(int signal)
{
	(void)signal;
	in_handler = true;
	for (;;)
		pause();
}

static void signal_first(void)
{
	struct sigaction action = {.sa_handler = on_freeze, .sa_flags = SA_RESTART};

	for (int i = 0; i < 2; i++)
		wait_until_asleep(&accounts[1 - i].lock, clerk_tids[i]);
	if (sigaction(SIGUSR1, &action, NULL) || pthread_kill(clerks[0], SIGUSR1))
		abort();
	while (!in_handler)
		usleep(1000);
}

static void read_argument(const char *word, pthread_mutexattr_t *attr)
{
	if (!strcmp(word, "recursive"))
		pthread_mutexattr_settype(attr, PTHREAD_MUTEX_RECURSIVE);
	else if (!strcmp(word, "errorcheck"))
		pthread_mutexattr_settype(attr, PTHREAD_MUTEX_ERRORCHECK);
	else if (!strcmp(word, "robust"))
		pthread_mutexattr_setrobust(attr, PTHREAD_MUTEX_ROBUST);
	else if (!strcmp(word, "pi"))
		pthread_mutexattr_setprotocol(attr, PTHREAD_PRIO_INHERIT);
	else if (!strcmp(word, "shared"))
		pthread_mutexattr_setpshared(attr, PTHREAD_PROCESS_SHARED);
	else if (!strcmp(word, "mapped"))
		map_accounts();
	else if (!strcmp(word, "timed"))
		is_timed = true;
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	for (int i = 1; i < argc; i++)
		read_argument(argv[i], &attr);
	for (int i = 0; i < 2; i++)
		if (pthread_mutex_init(&accounts[i].lock, &attr))
			return 1;
	pthread_barrier_init(&has_first, NULL, 3);
	for (long i = 0; i < 2; i++)
		if (pthread_create(&clerks[i], NULL, clerk_main, (void *)i))
			return 1;
	pthread_barrier_wait(&has_first);
	if (argc > 1 && !strcmp(argv[1], "woken"))
		wake_up_nobody(0);
	if (argc > 1 && !strcmp(argv[1], "taken"))
		wake_up_nobody(1);
	if (argc > 1 && !strcmp(argv[1], "signalled"))
		signal_first();
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
