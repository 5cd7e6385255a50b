#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One allocation holds the error, its message and its path. */
struct error_block {
	struct coreleaks_error error;
	char text[];
};

static struct coreleaks_error out_of_memory = {
	.code = CORELEAKS_ERROR_MEMORY,
	.message = "out of memory",
};

/* Bytes of the UTF-8 sequence that begins there (RFC 3629, section 4); 0: none does. */
static size_t sequence_size(const unsigned char *at)
{
	size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] > 0xf4 || (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

/* Messages repeat names and rules: what is no UTF-8 of them comes out as \xff. */
static void copy_as_utf8(char *out, size_t room, const char *message)
{
	const unsigned char *at = (const unsigned char *)message;
	while (*at != '\0' && room > 4) {
		size_t size = sequence_size(at);
		int written = size > 0 ? snprintf(out, room, "%.*s", (int)size, (const char *)at)
				       : snprintf(out, room, "\\x%02x", *at);
		out += written;
		room -= (size_t)written;
		at += size > 0 ? size : 1;
	}
	*out = '\0';
}

struct coreleaks_error *error_new(enum coreleaks_error_code code, int errno_value, const char *path,
				  const char *format, ...)
{
	char raw[4096], message[sizeof(raw) + 64];
	va_list args;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	copy_as_utf8(message, sizeof(message), raw);
	const char *reason = errno_value != 0 ? strerrordesc_np(errno_value) : "";
	if (reason == NULL)
		reason = "unknown error";
	const char *joint = errno_value != 0 ? ": " : "";
	size_t message_size = strlen(message) + strlen(joint) + strlen(reason) + 1;
	size_t path_size = path != NULL ? strlen(path) + 1 : 0;
	struct error_block *block = malloc(sizeof(*block) + message_size + path_size);
	if (block == NULL)
		return &out_of_memory;
	snprintf(block->text, message_size, "%s%s%s", message, joint, reason);
	block->error = (struct coreleaks_error){
		.code = code,
		.errno_value = errno_value,
		.message = block->text,
	};
	if (path != NULL)
		block->error.path = memcpy(block->text + message_size, path, path_size);
	return &block->error;
}

void coreleaks_error_free(struct coreleaks_error *error)
{
	if (error != &out_of_memory)
		free(error);
}
