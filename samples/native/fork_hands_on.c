/* A mutex that seems to be abandoned: the child of who locked it will unlock it.
 *
 * The parent locks before it forks, so that the child finds whole records, and both unlock after
 * that, as handlers of pthread_atfork do. In the child another thread already waits for the mutex,
 * whose recorded owner is a thread of the parent. The core is to be that of the child: `dump PID`
 * says so.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t records = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void write_record(void)
{
	pthread_mutex_lock(&records);
	pthread_mutex_unlock(&records);
}

static void *writer_main(void *arg)
{
	write_record();
	return arg;
}

static __attribute__((noinline)) void run_child(void)
{
	pthread_t writer;
	char key;
	int in[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&writer, NULL, writer_main, NULL))
		return;
	printf("dump %d\nready\n", getpid());
	fflush(stdout);
	if (pipe(in) || read(in[0], &key, 1) != 1)
		return;
	pthread_mutex_unlock(&records);
	pthread_join(writer, NULL);
}

int main(void)
{
	pthread_mutex_lock(&records);
	pid_t child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		run_child();
	} else {
		pthread_mutex_unlock(&records);
		waitpid(child, NULL, 0);
	}
	return 0;
}
