/* sink.h - gathers what the library writes into large writes. */
#ifndef CORELEAKS_CLI_SINK_H
#define CORELEAKS_CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>

struct sink {
	int fd;
	int errno_value; /* of the write that failed; 0 none */
	size_t used;
	char buffer[64 * 1024];
};

/* data: the struct sink; a coreleaks_sink. */
bool sink_write(void *data, const char *bytes, size_t size);
bool sink_flush(struct sink *sink);

#endif
