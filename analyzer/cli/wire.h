/* wire.h - what a confined analysis sends to the process around it, through a pipe: short frames.
 *
 * The receiver must take the sender for an enemy: it may have been taken over by what it reads. */
#ifndef CORELEAKS_CLI_WIRE_H
#define CORELEAKS_CLI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_MAX_SIZE = 64 * 1024 };

enum wire_kind {
	WIRE_MESSAGE = 1,  /* text: a line for standard error */
	WIRE_PROGRESS = 2, /* number: draw it or not; done, total; text: the phase */
	WIRE_OPENED = 3,   /* the core is open */
	WIRE_BEGIN = 4,	   /* number: the document's index */
	WIRE_BYTES = 5,	   /* text: the document's next bytes */
	WIRE_END = 6,	   /* text: what was wrong with the document; empty: nothing */
	WIRE_RESULT = 7,   /* number: exit code; done: kind of error; total: errno; text: why */
};

/* What comes before the text. */
struct wire_head {
	uint32_t kind; /* enum wire_kind */
	int32_t number;
	uint64_t done, total;
	uint32_t size; /* of the text that follows */
	uint32_t unused;
};

/* Sends a frame; a text that is too long is cut. Safe in a signal handler. */
bool wire_send(int fd, const struct wire_head *head, const char *text, size_t size);
/* Writes all these bytes, in no frame. */
bool wire_write(int fd, const void *from, size_t size);

#endif
