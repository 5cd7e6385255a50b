/* A work queue whose producer has exited.
 *
 * N consumers (argv[1], default 120) wait for the next order. The only producer found an empty
 * order book and returned without closing the queue: nobody will ever signal it again.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct order {
	struct order *next;
	int id;
};

struct order_queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	struct order *first;
	bool closed;
};

static struct order_queue *queue_new(void)
{
	struct order_queue *queue = calloc(1, sizeof(*queue));

	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->not_empty, NULL);
	return queue;
}

static __attribute__((noinline)) struct order *queue_take(struct order_queue *queue)
{
	struct order *order;

	pthread_mutex_lock(&queue->lock);
	while (!queue->first && !queue->closed)
		pthread_cond_wait(&queue->not_empty, &queue->lock);
	order = queue->first;
	if (order)
		queue->first = order->next;
	pthread_mutex_unlock(&queue->lock);
	return order;
}

static __attribute__((noinline)) int process_orders(struct order_queue *queue)
{
	struct order *order;
	int num = 0;

	while ((order = queue_take(queue))) {
		free(order);
		num++;
	}
	return num;
}

static void *consumer_main(void *arg)
{
	int num = process_orders(arg);

	printf("processed %d orders\n", num);
	return NULL;
}

static void *producer_main(void *arg)
{
	struct order_queue *queue = arg;
	const char *const *book = (const char *const[]){NULL};

	for (; *book; book++) {
		struct order *order = calloc(1, sizeof(*order));

		pthread_mutex_lock(&queue->lock);
		order->next = queue->first;
		queue->first = order;
		pthread_cond_signal(&queue->not_empty);
		pthread_mutex_unlock(&queue->lock);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int num = argc > 1 ? atoi(argv[1]) : 120;
	struct order_queue *queue = queue_new();
	pthread_t *consumers = calloc(num, sizeof(*consumers));
	pthread_t producer;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (int i = 0; i < num; i++)
		if (pthread_create(&consumers[i], &attr, consumer_main, queue))
			return 1;
	pthread_create(&producer, NULL, producer_main, queue);
	pthread_join(producer, NULL);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < num; i++)
		pthread_join(consumers[i], NULL);
	return 0;
}
