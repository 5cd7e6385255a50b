#include "cli/wire.h"

#include <errno.h>
#include <unistd.h>

bool wire_write(int fd, const void *from, size_t size)
{
	const char *bytes = from;
	while (size > 0) {
		ssize_t put = write(fd, bytes, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		size -= (size_t)put;
	}
	return true;
}

bool wire_send(int fd, const struct wire_head *head, const char *text, size_t size)
{
	struct wire_head sent = *head;
	if (size > WIRE_MAX_SIZE)
		size = WIRE_MAX_SIZE;
	sent.size = (uint32_t)size;
	return wire_write(fd, &sent, sizeof(sent)) && wire_write(fd, text, size);
}
