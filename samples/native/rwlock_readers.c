/* Writers behind readers of a lock that only its pointer leads to.
 *
 * The catalogue lies on the heap and begins with its lock. Every argument starts a thread: `reader`
 * locks it for reading and rests, `twice` locks it twice, `visitor` locks and unlocks it and rests,
 * `bystander` knows it and does not lock it, `handler` rests in a signal handler on a stack of its
 * own, interrupted while it reads, and `writer` wants to write.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct catalogue {
	pthread_rwlock_t lock;
	int num_books;
};

static sem_t started;
static volatile int closing;

static __attribute__((noinline)) void rest(void)
{
	sem_post(&started);
	while (!closing)
		pause();
}

static __attribute__((noinline)) int count_books(struct catalogue *catalogue)
{
	pthread_rwlock_rdlock(&catalogue->lock);
	rest();
	int num = catalogue->num_books;
	pthread_rwlock_unlock(&catalogue->lock);
	return num;
}

static void *reader_main(void *arg)
{
	return count_books(arg) ? arg : NULL;
}

static void *twice_main(void *arg)
{
	struct catalogue *catalogue = arg;

	pthread_rwlock_rdlock(&catalogue->lock);
	int num = count_books(catalogue);
	pthread_rwlock_unlock(&catalogue->lock);
	return num ? arg : NULL;
}

static __attribute__((noinline)) int copy_count(struct catalogue *catalogue, volatile char *page)
{
	pthread_rwlock_rdlock(&catalogue->lock);
	page[0] = 1;
	int num = catalogue->num_books + page[0];
	pthread_rwlock_unlock(&catalogue->lock);
	return num;
}

/* Deep enough that resting does not touch what it leaves on the stack. */
static __attribute__((noinline)) int visit(struct catalogue *catalogue)
{
	volatile char page[4096];

	return copy_count(catalogue, page) + page[0];
}

static void *visitor_main(void *arg)
{
	visit(arg);
	rest();
	return NULL;
}

static void *bystander_main(void *arg)
{
	struct catalogue *catalogue = arg;

	rest();
	catalogue->num_books++;
	return NULL;
}

static void rest_in_handler(int number)
{
	(void)number;
	rest();
}

static __attribute__((noinline)) int interrupted_count(struct catalogue *catalogue)
{
	pthread_rwlock_rdlock(&catalogue->lock);
	raise(SIGUSR1);
	int num = catalogue->num_books;
	pthread_rwlock_unlock(&catalogue->lock);
	return num;
}

static void *handler_main(void *arg)
{
	const struct sigaction action = {.sa_handler = rest_in_handler, .sa_flags = SA_ONSTACK};
	const stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};

	if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		exit(1);
	return interrupted_count(arg) ? arg : NULL;
}

static __attribute__((noinline)) void add_book(struct catalogue *catalogue)
{
	sem_post(&started);
	pthread_rwlock_wrlock(&catalogue->lock);
	catalogue->num_books++;
	pthread_rwlock_unlock(&catalogue->lock);
}

static void *writer_main(void *arg)
{
	add_book(arg);
	return NULL;
}

static void *(*routine_of(const char *word))(void *)
{
	static const struct {
		const char *word;
		void *(*routine)(void *);
	} rows[] = {
		{"reader", reader_main},   {"twice", twice_main},	  {"visitor", visitor_main},
		{"handler", handler_main}, {"bystander", bystander_main}, {"writer", writer_main},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].routine;
	return NULL;
}

/* A frame of its own, so that main does not keep the pointer. */
static __attribute__((noinline)) int start(int num, char **words)
{
	struct catalogue *catalogue = calloc(1, sizeof(*catalogue));
	pthread_t thread;

	if (catalogue == NULL || pthread_rwlock_init(&catalogue->lock, NULL))
		return 1;
	for (int i = 0; i < num; i++) {
		if (pthread_create(&thread, NULL, routine_of(words[i]), catalogue))
			return 1;
		sem_wait(&started);
	}
	printf("lock %p\n", (void *)&catalogue->lock);
	return 0;
}

int main(int argc, char **argv)
{
	sem_init(&started, 0, 0);
	if (start(argc - 1, argv + 1))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
