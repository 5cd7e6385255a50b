/* A child that was forked while another thread of its parent held a mutex.
 *
 * The child has a copy of the locked mutex, but not of the thread that would unlock it. The core
 * is to be that of the child: `dump PID` says so.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t has_lock;

static void *logger_main(void *arg)
{
	pthread_mutex_lock(&log_lock);
	sem_post(&has_lock);
	pause();
	return arg;
}

static __attribute__((noinline)) void log_message(void)
{
	pthread_mutex_lock(&log_lock);
	pthread_mutex_unlock(&log_lock);
}

static __attribute__((noinline)) void run_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	printf("dump %d\nready\n", getpid());
	fflush(stdout);
	log_message();
}

int main(void)
{
	pthread_t logger;

	sem_init(&has_lock, 0, 0);
	if (pthread_create(&logger, NULL, logger_main, NULL))
		return 1;
	sem_wait(&has_lock);
	pid_t child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		run_child();
	else
		waitpid(child, NULL, 0);
	return 0;
}
