/* A thread ends while it holds a mutex that inherits priority; others come for it afterwards.
 *
 * The kernel refuses the mutex to them, as nobody has its owner's id any more, and glibc has them
 * wait for ever: on a word of their own stacks. The argument says what kind of mutex it is:
 * recursive, errorcheck, shared.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t motor;
static int num_moves;

static void *calibrator_main(void *arg)
{
	pthread_mutex_lock(&motor);
	return arg;
}

static __attribute__((noinline)) void move_arm(void)
{
	pthread_mutex_lock(&motor);
	num_moves++;
	pthread_mutex_unlock(&motor);
}

static void *arm_main(void *arg)
{
	move_arm();
	return arg;
}

static void read_argument(const char *word, pthread_mutexattr_t *attr)
{
	if (!strcmp(word, "recursive"))
		pthread_mutexattr_settype(attr, PTHREAD_MUTEX_RECURSIVE);
	else if (!strcmp(word, "errorcheck"))
		pthread_mutexattr_settype(attr, PTHREAD_MUTEX_ERRORCHECK);
	else if (!strcmp(word, "shared"))
		pthread_mutexattr_setpshared(attr, PTHREAD_PROCESS_SHARED);
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pthread_t calibrator, arm;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (argc > 1)
		read_argument(argv[1], &attr);
	if (pthread_mutex_init(&motor, &attr) ||
	    pthread_create(&calibrator, NULL, calibrator_main, NULL))
		return 1;
	pthread_join(calibrator, NULL);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&arm, NULL, arm_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(arm, NULL);
	return 0;
}
