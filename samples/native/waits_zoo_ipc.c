/* The zoo's waits for sockets, locked files and queues. */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct timespec far = {.tv_sec = FAR_S};

/* ---- Sockets ---- */

static int listening_fd(struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof(sa_family_t);

	/* The kernel chooses an abstract name. */
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (bind(fd, (struct sockaddr *)address, size) || listen(fd, 0))
		abort();
	size = sizeof(*address);
	getsockname(fd, (struct sockaddr *)address, &size);
	return fd;
}

static void *wait_accept(void *arg)
{
	struct sockaddr_un address;
	int fd = listening_fd(&address);

	will_wait_for_fd(arg, "accept", fd, false);
	if (number_of(arg))
		accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	else
		accept(fd, NULL, NULL);
	return NULL;
}

static void *wait_connect(void *arg)
{
	struct sockaddr_un address;
	socklen_t size = sizeof(sa_family_t) + 6;
	int fd;

	listening_fd(&address);
	do
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (connect(fd, (struct sockaddr *)&address, size) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	will_wait_for_fd(arg, "connect", fd, false);
	connect(fd, (struct sockaddr *)&address, size);
	return NULL;
}

enum { RECV, RECVFROM, RECVMSG, RECVMMSG, RECVMMSG_TIMED, RECV_SO_TIMEOUT };

static void *wait_recv(void *arg)
{
	struct timespec time = far;
	struct timeval timeout = {.tv_sec = FAR_S};
	struct mmsghdr messages = {0};
	struct sockaddr_un from;
	socklen_t from_size = sizeof(from);
	int fds[2], number = number_of(arg);
	char bytes[8];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds))
		abort();
	if (number == RECV_SO_TIMEOUT)
		setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* A socket's own timeout is the kernel's knowledge alone. */
	will_wait_for_fd(arg, "recv", fds[0], number == RECVMMSG_TIMED);
	if (number == RECVFROM)
		recvfrom(fds[0], bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_size);
	else if (number == RECVMSG)
		recvmsg(fds[0], &messages.msg_hdr, 0);
	else if (number == RECVMMSG || number == RECVMMSG_TIMED)
		recvmmsg(fds[0], &messages, 1, 0, number == RECVMMSG ? NULL : &time);
	else
		/* With a timeout of its own, a socket is not waited for again after a stop. */
		while (recv(fds[0], bytes, sizeof(bytes), 0) < 0)
			;
	return NULL;
}

enum { SEND, SENDMSG, SENDMMSG };

static void *wait_send(void *arg)
{
	static char bytes[1024];
	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct mmsghdr messages = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
	int fds[2], number = number_of(arg);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	will_wait_for_fd(arg, "send", fds[0], false);
	if (number == SEND)
		send(fds[0], bytes, sizeof(bytes), 0);
	else if (number == SENDMSG)
		sendmsg(fds[0], &messages.msg_hdr, 0);
	else
		sendmmsg(fds[0], &messages, 1, 0);
	return NULL;
}

/* ---- Locked files, queues and semaphores of System V and POSIX ---- */

static void *wait_flock(void *arg)
{
	char path[64];
	int held = memfd_create("flock", 0), fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	fd = open(path, O_RDWR);
	if (flock(held, LOCK_EX) || fd < 0)
		abort();
	will_wait_for_fd(arg, "flock", fd, false);
	flock(fd, LOCK_EX);
	return NULL;
}

static void *wait_fcntl(void *arg)
{
	struct flock lock = {.l_type = F_WRLCK};

	will_wait_for_fd(arg, "flock", locked_fd, false);
	fcntl(locked_fd, number_of(arg) ? F_OFD_SETLKW : F_SETLKW, &lock);
	return NULL;
}

static void *wait_semop(void *arg)
{
	struct sembuf take = {.sem_op = -1};
	static int id = -1;

	if (id < 0) {
		id = semget(IPC_PRIVATE, 1, 0600);
		if (id < 0) {
			will_skip(arg, strerror(errno));
			return NULL;
		}
		child_removes(id, -1);
	}
	will_call(arg, "semaphore", number_of(arg) != 0);
	/* A debugger that attaches ends it with EINTR. */
	while (semtimedop(id, &take, 1, number_of(arg) ? &far : NULL))
		;
	return NULL;
}

struct message {
	long type;
	char text[4096];
};

static int message_queue(void)
{
	static int id = -1;

	if (id < 0) {
		id = msgget(IPC_PRIVATE, 0600);
		if (id >= 0)
			child_removes(-1, id);
	}
	return id;
}

/* One queue: filled with messages of type 1, asked for those of type 2. */
static void *wait_msgrcv(void *arg)
{
	struct message message;

	if (message_queue() < 0) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	will_call(arg, "message-queue", false);
	return msgrcv(message_queue(), &message, sizeof(message.text), 2, 0) > 0 ? arg : NULL;
}

static void *wait_msgsnd(void *arg)
{
	struct message message = {.type = 1};

	if (message_queue() < 0) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	while (msgsnd(message_queue(), &message, sizeof(message.text), IPC_NOWAIT) == 0)
		;
	will_call(arg, "message-queue", false);
	msgsnd(message_queue(), &message, sizeof(message.text), 0);
	return NULL;
}

enum { MQ_RECEIVE, MQ_TIMEDRECEIVE, MQ_SEND };

static void *wait_mq(void *arg)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	int number = number_of(arg);
	char name[64], bytes[8] = "";
	mqd_t queue;

	snprintf(name, sizeof(name), "/waits_zoo.%d.%d", getpid(), number);
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (queue < 0) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	mq_unlink(name);
	if (number == MQ_SEND)
		mq_send(queue, bytes, sizeof(bytes), 0);
	will_wait_for_fd(arg, "message-queue", queue, number == MQ_TIMEDRECEIVE);
	if (number == MQ_RECEIVE)
		mq_receive(queue, bytes, sizeof(bytes), NULL);
	else if (number == MQ_TIMEDRECEIVE)
		mq_timedreceive(queue, bytes, sizeof(bytes), NULL, far_real());
	else
		mq_send(queue, bytes, sizeof(bytes), 0);
	return NULL;
}

struct kind ipc_kinds[] = {
	NUMBERED(wait_accept, false),
	NUMBERED(wait_accept, true),
	KIND(wait_connect, NULL),
	NUMBERED(wait_recv, RECV),
	NUMBERED(wait_recv, RECVFROM),
	NUMBERED(wait_recv, RECVMSG),
	NUMBERED(wait_recv, RECVMMSG),
	NUMBERED(wait_recv, RECVMMSG_TIMED),
	NUMBERED(wait_recv, RECV_SO_TIMEOUT),
	NUMBERED(wait_send, SEND),
	NUMBERED(wait_send, SENDMSG),
	NUMBERED(wait_send, SENDMMSG),
	KIND(wait_flock, NULL),
	NUMBERED(wait_fcntl, false),
	NUMBERED(wait_fcntl, true),
	NUMBERED(wait_semop, false),
	NUMBERED(wait_semop, true),
	KIND(wait_msgrcv, NULL),
	KIND(wait_msgsnd, NULL),
	NUMBERED(wait_mq, MQ_RECEIVE),
	NUMBERED(wait_mq, MQ_TIMEDRECEIVE),
	NUMBERED(wait_mq, MQ_SEND),
};
const size_t num_ipc_kinds = LEN(ipc_kinds);
