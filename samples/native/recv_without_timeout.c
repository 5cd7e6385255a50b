/* Clients wait for a reply that never comes, without a timeout.
 *
 * Five clients sent a request over a socket pair. The other end is open but nobody reads it, so
 * recv() neither returns data nor an error.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#define NUM_CLIENTS 5

static int sockets[NUM_CLIENTS][2];

static __attribute__((noinline)) ssize_t read_reply(int fd, char *reply, size_t size)
{
	return recv(fd, reply, size, 0);
}

static __attribute__((noinline)) int query_price(int fd, const char *article)
{
	char reply[32];

	if (send(fd, article, 4, MSG_NOSIGNAL) != 4)
		return -1;
	return read_reply(fd, reply, sizeof(reply)) > 0 ? reply[0] : -1;
}

static void *client_main(void *arg)
{
	int *fd = arg;

	return query_price(*fd, "4711") < 0 ? NULL : arg;
}

int main(void)
{
	pthread_t clients[NUM_CLIENTS];
	sigset_t stop;
	int taken;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	for (int i = 0; i < NUM_CLIENTS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]))
			return 1;
		if (pthread_create(&clients[i], NULL, client_main, &sockets[i][0]))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	return sigwait(&stop, &taken);
}
