/* Threads that have ended and that nobody ever joins.
 *
 * Each mail is sent by a thread of its own; the program forgot to join or detach them. Their
 * number is the first argument; with a second one they are detached, and nothing is kept.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t room;

static void *send_mail_main(void *arg)
{
	sem_post(&room);
	return arg;
}

int main(int argc, char **argv)
{
	long num = argc > 1 ? atol(argv[1]) : 1000;
	pthread_attr_t attr;
	pthread_t thread;

	sem_init(&room, 0, 20);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	if (argc > 2)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (long i = 0; i < num; i++) {
		sem_wait(&room);
		if (pthread_create(&thread, &attr, send_mail_main, (void *)i))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
