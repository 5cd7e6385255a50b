/* Two OpenMP pools: main's is idle, the renderer's works and waits for customers.
 *
 * Idle workers stand in libgomp alone; busy ones in the body of the parallel region, which is
 * this program's.
 */
#define _GNU_SOURCE
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { NUM_IDLE = 4, NUM_BUSY = 2 };

static pthread_barrier_t all_draw;

static __attribute__((noinline)) void draw_tile(void)
{
	pthread_barrier_wait(&all_draw);
	for (;;)
		pause();
}

static void *render_main(void *arg)
{
#pragma omp parallel num_threads(NUM_BUSY + 1)
	draw_tile();
	return arg;
}

int main(void)
{
	pthread_t renderer;
	int num_warm = 0;

#pragma omp parallel num_threads(NUM_IDLE + 1) reduction(+ : num_warm)
	num_warm++;
	pthread_barrier_init(&all_draw, NULL, NUM_BUSY + 2);
	if (num_warm != NUM_IDLE + 1 || pthread_create(&renderer, NULL, render_main, NULL))
		return 1;
	pthread_barrier_wait(&all_draw);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
