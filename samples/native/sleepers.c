/* Threads that only wait for time to pass, each by another call.
 *
 * sleep(), nanosleep(), clock_nanosleep() to an absolute time, select() with a timeout, pause(),
 * and reading a pipe whose other end stays open.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2];

static void *nightly_backup_main(void *arg)
{
	sleep(36000);
	return arg;
}

static void *hourly_report_main(void *arg)
{
	const struct timespec hour = {.tv_sec = 3600};

	nanosleep(&hour, NULL);
	return arg;
}

static void *certificate_renewal_main(void *arg)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 86400;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
	return arg;
}

static void *heartbeat_main(void *arg)
{
	struct timeval pause_time = {.tv_sec = 7200};

	select(0, NULL, NULL, NULL, &pause_time);
	return arg;
}

static void *parked_main(void *arg)
{
	pause();
	return arg;
}

static void *command_reader_main(void *arg)
{
	char command;

	return read(pipe_fds[0], &command, 1) == 1 ? arg : NULL;
}

int main(void)
{
	void *(*const mains[])(void *) = {
		nightly_backup_main, hourly_report_main, certificate_renewal_main,
		heartbeat_main,	     parked_main,	 command_reader_main};
	pthread_t thread;

	if (pipe(pipe_fds))
		return 1;
	for (unsigned i = 0; i < sizeof(mains) / sizeof(*mains); i++)
		if (pthread_create(&thread, NULL, mains[i], NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
