/* A mutex in shared memory that a thread of another process holds.
 *
 * The child takes the mutex and reads; two threads of the parent wait for it. No thread of the
 * parent has the owner's id, yet it lives and may unlock. With the argument `unmarked` the mutex
 * is not declared to be shared, which works, too; `ended`: the child has ended meanwhile, but
 * that the parent's memory does not tell.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct table {
	pthread_mutex_t lock;
	long num_rows;
};

static struct table *table;
static int has_lock[2];

static void run_child(int ends)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_mutex_lock(&table->lock);
	if (write(has_lock[1], "", 1) != 1 || ends)
		_exit(1);
	for (;;)
		pause();
}

static __attribute__((noinline)) void add_row(void)
{
	pthread_mutex_lock(&table->lock);
	table->num_rows++;
	pthread_mutex_unlock(&table->lock);
}

static void *writer_main(void *arg)
{
	add_row();
	return arg;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	pthread_mutexattr_t attr;
	pthread_t writer;
	char byte;

	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	pthread_mutexattr_init(&attr);
	if (strcmp(word, "unmarked") != 0)
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (table == MAP_FAILED || pthread_mutex_init(&table->lock, &attr) || pipe(has_lock))
		return 1;
	pid_t child = fork();
	if (child == 0)
		run_child(!strcmp(word, "ended"));
	if (child < 0 || read(has_lock[0], &byte, 1) != 1)
		return 1;
	if (!strcmp(word, "ended"))
		waitpid(child, NULL, 0);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&writer, NULL, writer_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
