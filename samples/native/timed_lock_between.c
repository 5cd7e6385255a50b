/* Five behind a thread that would give up, and that one behind a reader.
 *
 * The archivist holds the disk while it reads a letter. The mailman holds the mailbox and tries
 * for an hour to get the disk; four clerks wait for the mailbox, main joins one of them. Whom they
 * all wait for is the archivist, whoever may give up between.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NUM_CLERKS 4

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER, mailbox = PTHREAD_MUTEX_INITIALIZER;
static sem_t has_lock;
static int letters[2];

static __attribute__((noinline)) int read_letter(void)
{
	char letter;

	return (int)read(letters[0], &letter, 1);
}

static void *archivist_main(void *arg)
{
	pthread_mutex_lock(&disk);
	sem_post(&has_lock);
	int num = read_letter();
	pthread_mutex_unlock(&disk);
	return num ? arg : NULL;
}

static __attribute__((noinline)) int store_mail(void)
{
	struct timespec latest;

	clock_gettime(CLOCK_REALTIME, &latest);
	latest.tv_sec += 3600;
	return pthread_mutex_timedlock(&disk, &latest);
}

static void *mailman_main(void *arg)
{
	pthread_mutex_lock(&mailbox);
	sem_post(&has_lock);
	int result = store_mail();
	pthread_mutex_unlock(&mailbox);
	return result ? arg : NULL;
}

static __attribute__((noinline)) void take_mail(void)
{
	pthread_mutex_lock(&mailbox);
	pthread_mutex_unlock(&mailbox);
}

static void *clerk_main(void *arg)
{
	take_mail();
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	if (pipe(letters) || pthread_create(&thread, NULL, archivist_main, NULL))
		return 1;
	sem_wait(&has_lock);
	if (pthread_create(&thread, NULL, mailman_main, NULL))
		return 1;
	sem_wait(&has_lock);
	for (int i = 0; i < NUM_CLERKS; i++)
		if (pthread_create(&thread, NULL, clerk_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
