#include "cli/sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

bool sink_flush(struct sink *sink)
{
	const char *bytes = sink->buffer;
	while (sink->used > 0 && sink->errno_value == 0) {
		ssize_t written = write(sink->fd, bytes, sink->used);
		if (written >= 0) {
			bytes += written;
			sink->used -= (size_t)written;
		} else if (errno == EAGAIN) {
			/* Somebody else made the pipe non-blocking. */
			struct pollfd pollfd = {.fd = sink->fd, .events = POLLOUT};
			poll(&pollfd, 1, -1);
		} else if (errno != EINTR) {
			sink->errno_value = errno;
		}
	}
	sink->used = 0;
	return sink->errno_value == 0;
}

bool sink_write(void *data, const char *bytes, size_t size)
{
	struct sink *sink = data;
	while (size > 0) {
		size_t room = sizeof(sink->buffer) - sink->used;
		size_t part = size < room ? size : room;
		memcpy(sink->buffer + sink->used, bytes, part);
		sink->used += part;
		bytes += part;
		size -= part;
		if (sink->used == sizeof(sink->buffer) && !sink_flush(sink))
			return false;
	}
	return true;
}
