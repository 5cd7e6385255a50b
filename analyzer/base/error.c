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

struct coreleaks_error *error_new(enum coreleaks_error_code code, int errno_value, const char *path,
				  const char *format, ...)
{
	char message[4096];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
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
