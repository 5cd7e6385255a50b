/* A healthy server at rest: nothing here is a fault.
 *
 * One thread accepts on a socket, three serve connections with epoll, one sweeps old sessions
 * every hour, main waits for SIGTERM. One request was answered before it says it is ready.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NUM_WORKERS 3

static int listener, ready_connections;

static __attribute__((noinline)) void answer(int connection)
{
	char request[64];
	ssize_t size = recv(connection, request, sizeof(request), 0);

	if (size > 0)
		send(connection, request, size, MSG_NOSIGNAL);
	else
		close(connection);
}

static __attribute__((noinline)) void serve_connections(void)
{
	struct epoll_event event;

	while (epoll_wait(ready_connections, &event, 1, -1) == 1)
		answer(event.data.fd);
}

static void *worker_main(void *arg)
{
	(void)arg;
	serve_connections();
	return NULL;
}

static __attribute__((noinline)) void accept_connections(void)
{
	int connection;

	while ((connection = accept(listener, NULL, NULL)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = connection};

		epoll_ctl(ready_connections, EPOLL_CTL_ADD, connection, &event);
	}
}

static void *acceptor_main(void *arg)
{
	(void)arg;
	accept_connections();
	return NULL;
}

static __attribute__((noinline)) void sweep_sessions(void)
{
	const struct timespec hour = {.tv_sec = 3600};

	while (nanosleep(&hour, NULL) == 0)
		;
}

static void *housekeeping_main(void *arg)
{
	(void)arg;
	sweep_sessions();
	return NULL;
}

static int listen_on(struct sockaddr_un *address, socklen_t *size)
{
	address->sun_family = AF_UNIX;
	*size = offsetof(struct sockaddr_un, sun_path) + 1 +
		snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
			 "coreleaks-sample-%d", (int)getpid());
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return bind(listener, (struct sockaddr *)address, *size) || listen(listener, 16);
}

static int ask(const struct sockaddr_un *address, socklen_t size)
{
	int connection = socket(AF_UNIX, SOCK_STREAM, 0);
	char reply[4];

	if (connect(connection, (const struct sockaddr *)address, size))
		return -1;
	if (send(connection, "ping", 4, 0) != 4)
		return -1;
	return recv(connection, reply, 4, MSG_WAITALL) == 4 ? 0 : -1;
}

int main(void)
{
	struct sockaddr_un address = {0};
	pthread_t thread;
	socklen_t size;
	sigset_t stop;
	int taken;

	if (listen_on(&address, &size))
		return 1;
	ready_connections = epoll_create1(0);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	pthread_create(&thread, NULL, acceptor_main, NULL);
	pthread_create(&thread, NULL, housekeeping_main, NULL);
	for (int i = 0; i < NUM_WORKERS; i++)
		pthread_create(&thread, NULL, worker_main, NULL);
	if (ask(&address, size))
		return 1;
	puts("ready");
	fflush(stdout);
	return sigwait(&stop, &taken);
}
