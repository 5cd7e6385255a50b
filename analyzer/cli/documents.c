#include "cli/documents.h"

#include "cli/message.h"
#include "cli/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void documents_init(struct documents *documents, const struct settings *settings)
{
	*documents = (struct documents){.settings = settings};
}

static void close_current(struct documents *documents)
{
	if (documents->open && documents->items[documents->current].fd < 0)
		report_file_close(&documents->file);
	documents->open = false;
}

void documents_free(struct documents *documents)
{
	close_current(documents);
	for (uint32_t i = 0; i < documents->num; i++)
		free(documents->items[i].own_path);
	free(documents->items);
	free(documents->sink);
	*documents = (struct documents){0};
}

bool documents_add(struct documents *documents, const struct coreleaks_write_options *options,
		   const char *path, char *own, int fd)
{
	if (documents->sink == NULL)
		documents->sink = calloc(1, sizeof(*documents->sink));
	if (documents->num == documents->capacity) {
		uint32_t room = documents->capacity + 8;
		struct document *longer = realloc(documents->items, room * sizeof(*longer));
		if (longer != NULL) {
			documents->items = longer;
			documents->capacity = room;
		}
	}
	if (documents->sink == NULL || documents->num == documents->capacity) {
		message("out of memory");
		free(own);
		return false;
	}
	documents->items[documents->num++] = (struct document){
		.options = *options,
		.path = path,
		.own_path = own,
		.fd = fd,
	};
	return true;
}

bool documents_begin(struct documents *documents, uint32_t index)
{
	close_current(documents);
	const struct document *document = &documents->items[index];
	documents->current = index;
	documents->dropped = false;
	documents->sink->used = 0;
	documents->sink->errno_value = 0;
	documents->sink->fd = document->fd;
	if (document->fd < 0) {
		if (!report_file_open(&documents->file, document->path)) {
			documents->failed = true;
			documents->dropped = true;
			return false;
		}
		documents->sink->fd = documents->file.fd;
	}
	documents->open = true;
	return true;
}

bool documents_bytes(struct documents *documents, const char *bytes, size_t size)
{
	return documents->open && !documents->dropped && sink_write(documents->sink, bytes, size);
}

void documents_end(struct documents *documents, const char *problem)
{
	struct sink *sink = documents->sink;
	struct document *document = &documents->items[documents->current];
	if (!documents->open)
		return;
	bool fine = (problem == NULL && sink_flush(sink)) || sink->errno_value == EPIPE;
	if (!fine && sink->errno_value != 0)
		message("cannot write %s: %s", document->path, strerror(sink->errno_value));
	else if (!fine)
		message("%s", problem);
	if (fine && document->fd < 0)
		fine = report_file_commit(&documents->file, documents->settings->force);
	close_current(documents);
	document->whole = fine;
	documents->failed |= !fine;
}
