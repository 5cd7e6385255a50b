/* Threads on demand: each line of standard input starts some, or ends those that were started.
 *
 *   leak N     N threads that wait for ever for a connection nobody returns
 *   burst N    N threads that work until `rest`
 *   rest       ends those
 *
 * Each line is answered by `done` once all threads are where they should be. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sem_t connections, work, started;
static pthread_t workers[1000];
static int num_workers;

__attribute__((noinline)) static void wait_for_connection(void)
{
	sem_post(&started);
	while (sem_wait(&connections) != 0)
		continue;
}

__attribute__((noinline)) static void serve_request(void)
{
	sem_post(&started);
	while (sem_wait(&work) != 0)
		continue;
}

static void *leak(void *unused)
{
	wait_for_connection();
	return unused;
}

static void *burst(void *unused)
{
	serve_request();
	return unused;
}

int main(void)
{
	char line[64], word[16];
	int num;
	pthread_t thread;
	sem_init(&connections, 0, 0);
	sem_init(&work, 0, 0);
	sem_init(&started, 0, 0);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL &&
	       sscanf(line, "%15s %d", word, &num) == 2) {
		for (int i = 0; i < num && strcmp(word, "rest") != 0; i++) {
			if (strcmp(word, "leak") == 0)
				pthread_create(&thread, NULL, leak, NULL);
			else
				pthread_create(&workers[num_workers++], NULL, burst, NULL);
		}
		for (int i = 0; i < num && strcmp(word, "rest") != 0; i++)
			sem_wait(&started);
		for (int i = 0; i < num_workers && strcmp(word, "rest") == 0; i++)
			sem_post(&work);
		for (int i = 0; i < num_workers && strcmp(word, "rest") == 0; i++)
			pthread_join(workers[i], NULL);
		if (strcmp(word, "rest") == 0)
			num_workers = 0;
		puts("done");
		fflush(stdout);
	}
	return 0;
}
