/* An event that nobody sets, in two shapes.
 *
 * Three threads wait for "configuration loaded" (flag and condition), two poll an eventfd for a
 * wake-up. The loader failed before it could set either.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/eventfd.h>

struct event {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool set;
};

static struct event config_loaded = {.lock = PTHREAD_MUTEX_INITIALIZER,
				     .changed = PTHREAD_COND_INITIALIZER};
static int wakeup_fd;

static __attribute__((noinline)) void event_wait(struct event *event)
{
	pthread_mutex_lock(&event->lock);
	while (!event->set)
		pthread_cond_wait(&event->changed, &event->lock);
	pthread_mutex_unlock(&event->lock);
}

static void event_set(struct event *event)
{
	pthread_mutex_lock(&event->lock);
	event->set = true;
	pthread_cond_broadcast(&event->changed);
	pthread_mutex_unlock(&event->lock);
}

static void *service_main(void *arg)
{
	event_wait(arg);
	return NULL;
}

static __attribute__((noinline)) int wait_for_wakeup(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, -1);
}

static void *poller_main(void *arg)
{
	int *fd = arg;

	return wait_for_wakeup(*fd) == 1 ? arg : NULL;
}

static void *loader_main(void *arg)
{
	FILE *file = fopen("/nonexistent/service.conf", "r");

	if (!file)
		return NULL;
	fclose(file);
	event_set(arg);
	return NULL;
}

int main(void)
{
	pthread_t loader, thread;

	wakeup_fd = eventfd(0, 0);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, service_main, &config_loaded);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, poller_main, &wakeup_fd);
	pthread_create(&loader, NULL, loader_main, &config_loaded);
	pthread_join(loader, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
