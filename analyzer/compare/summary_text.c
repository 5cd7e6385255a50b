#include "compare/summary.h"

#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

/* Go's goroutine dump: traceback.go, goroutineheader() and printFuncName(), Go 1.19 to 1.27; its
 * profile as text: runtime/pprof, printCountProfile() and printStackRecord(). */

struct text_reader {
	struct coreleaks_summary *summary;
	const char *at, *end;
	struct intern stacks; /* bytes of a group -> its index */
	struct summary_group group;
	struct {
		struct summary_frame *items;
		uint32_t num, capacity;
	} frames;
	bool open; /* a group is being read */
	int64_t id;
};

/* The next line without its end, in the arena; NULL: there is none. */
static char *next_line(struct text_reader *reader)
{
	if (reader->at >= reader->end)
		return NULL;
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const char *stop = newline != NULL ? newline : reader->end;
	char *line =
		arena_copy_bytes(&reader->summary->arena, reader->at, (size_t)(stop - reader->at));
	reader->at = newline != NULL ? newline + 1 : reader->end;
	size_t size = strlen(line);
	if (size > 0 && line[size - 1] == '\r')
		line[size - 1] = '\0';
	return line;
}

/* Adds what was read to its group, or as a new one. */
static void close_group(struct text_reader *reader)
{
	struct coreleaks_summary *summary = reader->summary;
	struct text key;
	bool is_new;
	if (!reader->open)
		return;
	reader->open = false;
	struct summary_group *group = &reader->group;
	struct summary_frame *frames =
		arena_alloc_array(&summary->arena, reader->frames.num, sizeof(*frames));
	if (reader->frames.num > 0)
		memcpy(frames, reader->frames.items, reader->frames.num * sizeof(*frames));
	group->frames = frames;
	group->num_frames = reader->frames.num;
	summary_name_group(summary, group);
	text_init(&key, &summary->arena);
	text_add(&key, group->functions_of);
	for (uint32_t i = 0; i < group->num_frames; i++)
		text_addf(&key, "\n%s:%llu", frames[i].file != NULL ? frames[i].file : "",
			  (unsigned long long)frames[i].line);
	uint32_t index = intern_add(&reader->stacks, key.bytes, key.size, &is_new);
	if (is_new)
		*array_add(&summary->arena, &summary->groups) = *group;
	else
		summary->groups.items[index].count += group->count;
	struct summary_group *kept = &summary->groups.items[index];
	if (group->max_wait_ns > kept->max_wait_ns)
		kept->max_wait_ns = group->max_wait_ns;
	if (reader->id > 0) {
		int64_t *ids = (int64_t *)(uintptr_t)kept->ids;
		if ((kept->num_ids & (kept->num_ids - 1)) == 0)
			ids = arena_grow(&summary->arena, ids, kept->num_ids * sizeof(*ids),
					 (kept->num_ids == 0 ? 1 : 2 * (size_t)kept->num_ids) *
						 sizeof(*ids));
		ids[kept->num_ids++] = reader->id;
		kept->ids = ids;
	}
	summary->num_goroutines += (int64_t)group->count;
}

static void open_group(struct text_reader *reader, uint64_t count)
{
	reader->open = true;
	reader->id = 0;
	reader->frames.num = 0;
	reader->group = (struct summary_group){
		.verdict = CORELEAKS_VERDICT_UNKNOWN,
		.count = count,
		.max_wait_ns = -1,
	};
}

/* "chan receive, 5 minutes, locked to thread" */
static void read_reason(struct text_reader *reader, char *words)
{
	char *rest = words;
	char *word = strsep(&rest, ",");
	size_t size = strlen(word);
	const char *leaked = " (leaked)";
	if (size > strlen(leaked) && strcmp(word + size - strlen(leaked), leaked) == 0)
		word[size - strlen(leaked)] = '\0';
	reader->group.reason = word;
	bool moves = strcmp(word, "running") == 0 || strcmp(word, "runnable") == 0 ||
		     strcmp(word, "syscall") == 0;
	reader->group.state = moves ? word : "waiting";
	while ((word = strsep(&rest, ",")) != NULL) {
		const int64_t minute_ns = INT64_C(60000000000);
		char *behind;
		long long minutes = strtoll(word, &behind, 10);
		if (strcmp(behind, " minutes") == 0 && minutes > 0 &&
		    minutes <= INT64_MAX / minute_ns)
			reader->group.max_wait_ns = minutes * minute_ns;
	}
}

/* "goroutine 7 [running]:", since Go 1.23 with "gp=0x… m=0 mp=0x… " before the bracket. */
static bool read_header(struct text_reader *reader, char *line)
{
	char *behind, *open, *close;
	if (strncmp(line, "goroutine ", 10) != 0)
		return false;
	long long id = strtoll(line + 10, &behind, 10);
	if (id <= 0 || *behind != ' ' || (open = strchr(behind, '[')) == NULL ||
	    (close = strstr(open, "]:")) == NULL || close[2] != '\0')
		return false;
	*close = '\0';
	close_group(reader);
	open_group(reader, 1);
	reader->id = id;
	read_reason(reader, open + 1);
	return true;
}

/* "\t/path/file.go:25 +0x74" */
static void read_place(struct summary_frame *frame, char *line)
{
	char *blank = strrchr(line, ' ');
	if (blank != NULL && blank[1] == '+')
		*blank = '\0';
	char *colon = strrchr(line, ':');
	if (colon == NULL)
		return;
	*colon = '\0';
	frame->file = line;
	frame->line = strtoull(colon + 1, NULL, 10);
}

/* "main.(*T).run(0xc000…, {…})" or "main.f(...)": what stands before the arguments. */
static char *name_of_call(char *line)
{
	char *open = strrchr(line, '(');
	size_t size = strlen(line);
	if (open == NULL || size == 0 || line[size - 1] != ')')
		return NULL;
	/* Arguments may hold brackets of their own, names end before the first that follows a
	 * letter and is not "(*". */
	for (char *at = line + 1; *at != '\0'; at++) {
		if (*at == '(' && at[-1] != '.') {
			open = at;
			break;
		}
	}
	*open = '\0';
	return line;
}

static void read_creator(struct text_reader *reader, char *line)
{
	char *behind = strstr(line, " in goroutine ");
	if (behind != NULL)
		*behind = '\0';
	struct summary_frame *frame = arena_alloc(&reader->summary->arena, sizeof(*frame));
	frame->function = line;
	char *place = next_line(reader);
	if (place != NULL && *place == '\t')
		read_place(frame, place + 1);
	reader->group.creator = frame;
}

static bool read_debug2(struct text_reader *reader)
{
	static const char created[] = "created by ";
	char *line;
	while ((line = next_line(reader)) != NULL) {
		if (read_header(reader, line) || !reader->open)
			continue;
		if (*line == '\0') {
			close_group(reader);
		} else if (strncmp(line, created, strlen(created)) == 0) {
			read_creator(reader, line + strlen(created));
		} else if (*line == '\t') {
			if (reader->frames.num > 0)
				read_place(&reader->frames.items[reader->frames.num - 1], line + 1);
		} else if ((line = name_of_call(line)) != NULL) {
			array_add(&reader->summary->arena, &reader->frames)->function = line;
		}
	}
	close_group(reader);
	return reader->summary->groups.num > 0;
}

/* "#\t0x47e4ab\tmain.receive+0x2b\t/path/main.go:14" */
static void read_profile_frame(struct text_reader *reader, char *line)
{
	char *rest = line + 1;
	if (*rest++ != '\t')
		return;
	strsep(&rest, "\t");
	char *function = strsep(&rest, "\t");
	if (function == NULL)
		return;
	char *offset = strrchr(function, '+');
	if (offset != NULL)
		*offset = '\0';
	struct summary_frame *frame = array_add(&reader->summary->arena, &reader->frames);
	frame->function = function;
	while (rest != NULL && *rest == '\t')
		rest++;
	if (rest != NULL)
		read_place(frame, rest);
}

static bool read_debug1(struct text_reader *reader)
{
	char *line;
	while ((line = next_line(reader)) != NULL) {
		char *behind;
		if (*line == '#') {
			if (reader->open)
				read_profile_frame(reader, line);
			continue;
		}
		close_group(reader);
		unsigned long long count = strtoull(line, &behind, 10);
		if (behind != line && strncmp(behind, " @", 2) == 0 && count < UINT32_MAX)
			open_group(reader, count);
	}
	close_group(reader);
	return true;
}

bool summary_from_text(struct coreleaks_summary *summary, const char *bytes, size_t size)
{
	static const char profile[] = "goroutine profile: total ";
	struct text_reader reader = {
		.summary = summary,
		.at = bytes,
		.end = bytes + size,
	};
	intern_init(&reader.stacks, &summary->arena);
	summary->complete = true;
	summary->is_go = true;
	summary->num_goroutines = 0;
	if (size > strlen(profile) && memcmp(bytes, profile, strlen(profile)) == 0) {
		summary->source = SUMMARY_FRAMES;
		return read_debug1(&reader);
	}
	summary->source = SUMMARY_DEBUG2;
	return read_debug2(&reader);
}
