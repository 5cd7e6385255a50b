/* A bounded queue that nobody drains.
 *
 * Eight log writers fill a ring of four lines and then wait for room. The flusher that should
 * drain it was never started, because flushing is switched off in the configuration.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NUM_WRITERS 8
#define NUM_LINES   4

static struct {
	pthread_mutex_t lock;
	pthread_cond_t has_room;
	char lines[NUM_LINES][80];
	int num;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .has_room = PTHREAD_COND_INITIALIZER};

static const bool flusher_enabled = false;

static __attribute__((noinline)) void ring_put(const char *line)
{
	pthread_mutex_lock(&ring.lock);
	while (ring.num == NUM_LINES)
		pthread_cond_wait(&ring.has_room, &ring.lock);
	strcpy(ring.lines[ring.num++], line);
	pthread_mutex_unlock(&ring.lock);
}

static __attribute__((noinline)) void log_request(int writer, int request)
{
	char line[80];

	snprintf(line, sizeof(line), "writer %d request %d", writer, request);
	ring_put(line);
}

static void *writer_main(void *arg)
{
	int writer = (int)(long)arg;

	for (int request = 0; request < 10; request++)
		log_request(writer, request);
	return NULL;
}

static void *flusher_main(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&ring.lock);
	ring.num = 0;
	pthread_cond_broadcast(&ring.has_room);
	pthread_mutex_unlock(&ring.lock);
	return NULL;
}

int main(void)
{
	pthread_t writers[NUM_WRITERS], flusher;

	for (long i = 0; i < NUM_WRITERS; i++)
		if (pthread_create(&writers[i], NULL, writer_main, (void *)i))
			return 1;
	if (flusher_enabled)
		pthread_create(&flusher, NULL, flusher_main, NULL);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < NUM_WRITERS; i++)
		pthread_join(writers[i], NULL);
	return 0;
}
