#include "report/text_frames.h"

#include "group/user_frame.h"
#include "report/frame_rows.h"

#include <inttypes.h>
#include <string.h>

enum { WIDEST_NAME_COLUMN = 44, NARROWEST_NAME_COLUMN = 23, LEAST_NAME_COLUMNS = 16 };

const char *text_frames_name(struct arena *arena, const struct coreleaks_frame *frame)
{
	if (frame->function == NULL && frame->module == NULL)
		return arena_format(arena, "?? 0x%" PRIx64, frame->pc);
	if (frame->function == NULL)
		return arena_format(arena, "?? %s+0x%" PRIx64, frame->module, frame->module_offset);
	if (frame->line == 0 && !frame->inlined)
		return arena_format(arena, "%s+0x%" PRIx64, frame->function,
				    frame->function_offset);
	return frame->function;
}

/* FILE:LINE, or the module when there is no line and the name does not have it. */
static const char *text_frames_place(struct arena *arena, const struct coreleaks_frame *frame,
				     bool whole_path)
{
	if (frame->file == NULL)
		return frame->function != NULL && frame->module != NULL ? frame->module : "";
	const char *file = whole_path ? frame->file : user_frame_file_name(frame->file);
	if (frame->line == 0)
		return file;
	return arena_format(arena, "%s:%" PRIu32, file, frame->line);
}

/* The module, where it is not the program itself and not said already. */
static const char *text_frames_module(const struct write_job *job,
				      const struct coreleaks_frame *frame)
{
	const char *executable = job->view->core->executable;
	if (frame->file == NULL || frame->module == NULL)
		return "";
	if (executable != NULL && strcmp(user_frame_file_name(executable), frame->module) == 0)
		return "";
	return frame->module;
}

/* Where every thread of every program begins. */
static bool is_first_code(const char *function)
{
	static const char *const names[] = {"_start", "clone", "clone3", "__clone", "__clone3"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(function, names[i]) == 0)
			return true;
	}
	return false;
}

/* The frame of a folded run that says most: the function that the program called, or the one that
 * started the thread. Both stand outermost. */
static const struct coreleaks_frame *best_of_run(const struct coreleaks_stack *stack,
						 const struct frame_row *row)
{
	const struct coreleaks_frame *best = NULL;
	for (uint32_t i = 0; i < row->num; i++) {
		const struct coreleaks_frame *frame = &stack->frames[row->first + i];
		if (frame->function != NULL && (best == NULL || !is_first_code(frame->function)))
			best = frame;
	}
	return best != NULL ? best : &stack->frames[row->first];
}

/* The name that a manual page has: libc calls its own functions by others. */
static const char *public_name(const char *name)
{
	static const char *const prefixes[] = {"__GI_", "_", "libc_"};
	if (strncmp(name, "__libc_start", 12) == 0 || name[0] != '_' || strstr(name, "::") != NULL)
		return name;
	const char *result = name;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]);) {
		size_t size = strlen(prefixes[i]);
		if (strncmp(result, prefixes[i], size) == 0)
			result += size;
		else
			i++;
	}
	return *result != '\0' ? result : name;
}

static void text_frames_runtime(struct screen *screen, const struct write_job *job,
				const struct coreleaks_stack *stack, const struct frame_row *row)
{
	const struct coreleaks_frame *frame = best_of_run(stack, row);
	const char *module = frame->module != NULL ? frame->module : "no module";
	const char *note = "";
	if (row->num > 1)
		note = arena_format(job->arena, "  (%" PRIu32 " frames, %s)", row->num, module);
	else if (frame->function != NULL)
		note = arena_format(job->arena, "  (%s)", module);
	const char *name = frame->function != NULL ? public_name(frame->function)
						   : text_frames_name(job->arena, frame);
	uint32_t left = screen_left(screen), taken = screen_columns(screen, note) + 2;
	uint32_t most = 0;
	if (left != UINT32_MAX) /* the note goes to a line of its own rather than the name */
		most = left > taken + 2 * LEAST_NAME_COLUMNS ? left - taken : left - 2;
	screen_put(screen, STYLE_DIM, screen_glyph(screen, GLYPH_ELLIPSIS));
	screen_put(screen, STYLE_DIM, " ");
	screen_name(screen, STYLE_DIM, name, most);
	screen_fit(screen, STYLE_DIM, note);
}

/* Where Go's code comes from is told by colour: the program's own is to catch the eye first. */
static enum style text_frames_style(const struct coreleaks_frame *frame, bool strong)
{
	static const struct {
		const char *origin;
		enum style plain, strong;
	} rows[] = {
		{"main", STYLE_GREEN, STYLE_BOLD_GREEN},
		{"module", STYLE_BLUE, STYLE_BOLD_BLUE},
		{"third-party", STYLE_MAGENTA, STYLE_BOLD_MAGENTA},
	};
	for (size_t i = 0; frame->origin != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(frame->origin, rows[i].origin) == 0)
			return strong ? rows[i].strong : rows[i].plain;
	return strong ? STYLE_BOLD : STYLE_PLAIN;
}

static void text_frames_one(struct screen *screen, const struct write_job *job,
			    const struct coreleaks_frame *frame, uint32_t name_columns, bool strong)
{
	if (frame->signal) {
		screen_put(screen, STYLE_YELLOW, "<signal handler called>");
		return;
	}
	const char *place = text_frames_place(job->arena, frame, false);
	const char *module = text_frames_module(job, frame);
	const char *inlined = frame->inlined ? "[inlined]" : "";
	uint32_t start = screen->column;
	bool runtime = user_frame_is_runtime(frame);
	enum style style = runtime ? STYLE_DIM : text_frames_style(frame, strong);
	screen_name(screen, style, text_frames_name(job->arena, frame),
		    screen->width == 0 ? 0 : name_columns);
	const char *rest[] = {place, module, inlined};
	for (int i = 0; i < 3; i++) {
		if (*rest[i] == '\0')
			continue;
		if (i == 0)
			screen_pad(screen, start + name_columns + 2);
		else
			screen_put(screen, STYLE_PLAIN, "  ");
		screen_fit(screen, i == 0 && !runtime ? STYLE_PLAIN : STYLE_DIM, rest[i]);
	}
}

/* Columns for the names: as the longest one needs, but the places shall stay in the line. */
static uint32_t text_frames_name_columns(struct screen *screen, const struct write_job *job,
					 const struct coreleaks_stack *stack,
					 const struct frame_rows *rows)
{
	uint32_t names = NARROWEST_NAME_COLUMN, places = 0;
	for (uint32_t i = 0; i < rows->num; i++) {
		const struct coreleaks_frame *frame = &stack->frames[rows->items[i].first];
		if (rows->items[i].kind != FRAME_ROW_ONE || frame->signal)
			continue;
		const char *place = text_frames_place(job->arena, frame, false);
		const char *module = text_frames_module(job, frame);
		uint32_t name_columns = screen_columns(screen, text_frames_name(job->arena, frame));
		uint32_t place_columns = screen_columns(screen, place) + 2;
		if (*module != '\0')
			place_columns += screen_columns(screen, module) + 2;
		if (frame->inlined)
			place_columns += 11;
		names = name_columns > names ? name_columns : names;
		places = place_columns > places ? place_columns : places;
	}
	if (screen->width == 0)
		return names < WIDEST_NAME_COLUMN ? names : WIDEST_NAME_COLUMN;
	uint32_t taken = TEXT_FRAMES_INDENT + places;
	uint32_t most = screen->width > taken + LEAST_NAME_COLUMNS ? screen->width - taken
								   : LEAST_NAME_COLUMNS;
	return names < most ? names : most;
}

static void text_frames_end(struct screen *screen, const struct write_job *job,
			    const struct coreleaks_stack *stack)
{
	static const char *const phrases[] = {
		[CORELEAKS_STACK_LIMIT] = "the limit of frames is reached",
		[CORELEAKS_STACK_BROKEN] = "no way to go on",
		[CORELEAKS_STACK_UNREADABLE] = "its memory is not in the core",
	};
	if (stack->end == CORELEAKS_STACK_COMPLETE)
		return;
	const char *why = stack->missing;
	if (why == NULL)
		why = (unsigned)stack->end < sizeof(phrases) / sizeof(phrases[0])
			      ? phrases[stack->end]
			      : coreleaks_stack_end_name(stack->end);
	screen_pad(screen, TEXT_FRAMES_INDENT);
	screen->indent = TEXT_FRAMES_INDENT + 2;
	screen_words(screen, STYLE_YELLOW, arena_format(job->arena, "stack ends here: %s", why));
	screen_end_line(screen);
}

void text_frames_short(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_stack *stack, uint32_t max_rows, bool strong)
{
	struct frame_rows rows;
	frame_rows_build(&rows, job->arena, stack, max_rows);
	uint32_t name_columns = text_frames_name_columns(screen, job, stack, &rows);
	for (uint32_t i = 0; i < rows.num; i++) {
		const struct frame_row *row = &rows.items[i];
		if (row->kind == FRAME_ROW_REPEATED && row->period == 1)
			continue;
		screen_pad(screen, TEXT_FRAMES_INDENT);
		screen->indent = TEXT_FRAMES_INDENT + 2;
		if (row->kind == FRAME_ROW_ONE)
			text_frames_one(screen, job, &stack->frames[row->first], name_columns,
					strong);
		else if (row->kind == FRAME_ROW_RUNTIME)
			text_frames_runtime(screen, job, stack, row);
		else if (row->kind == FRAME_ROW_LEFT_OUT)
			screen_putf(screen, STYLE_DIM, "%s %" PRIu32 " more frames",
				    screen_glyph(screen, GLYPH_ELLIPSIS), row->num);
		else
			screen_putf(screen, STYLE_YELLOW, "these %" PRIu32 " frames %s %" PRIu32,
				    row->period, screen_glyph(screen, GLYPH_TIMES), row->times);
		if (i + 1 < rows.num && row[1].kind == FRAME_ROW_REPEATED && row[1].period == 1) {
			screen_put(screen, STYLE_PLAIN, "  ");
			screen_putf(screen, STYLE_YELLOW, "%s %" PRIu32,
				    screen_glyph(screen, GLYPH_TIMES), row[1].times);
		}
		screen_end_line(screen);
	}
	text_frames_end(screen, job, stack);
}

static void text_frames_details(struct screen *screen, const struct write_job *job,
				const struct coreleaks_frame *frame, bool with_addrs)
{
	screen_pad(screen, TEXT_FRAMES_INDENT + 2);
	screen_putf(screen, STYLE_CYAN, "pc 0x%" PRIx64, frame->pc);
	if (with_addrs && frame->sp != 0)
		screen_putf(screen, STYLE_CYAN, "  sp 0x%" PRIx64, frame->sp);
	screen_put(screen, STYLE_DIM, "  ");
	screen->indent = TEXT_FRAMES_INDENT + 2;
	screen_fit(screen, STYLE_DIM,
		   frame->module != NULL ? arena_format(job->arena, "%s+0x%" PRIx64, frame->module,
							frame->module_offset)
					 : "no module");
	screen_put(screen, STYLE_DIM, "  ");
	screen_fit(screen, STYLE_DIM, coreleaks_trust_name(frame->trust));
	if (frame->origin != NULL) {
		screen_put(screen, STYLE_DIM, "  ");
		screen_fit(screen, STYLE_DIM, frame->origin);
	}
	screen_end_line(screen);
}

void text_frames_all(struct screen *screen, const struct write_job *job,
		     const struct coreleaks_stack *stack, bool with_addrs)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		const char *place = text_frames_place(job->arena, frame, true);
		screen_pad(screen, 2);
		screen_putf(screen, STYLE_DIM, "#%" PRIu32, i);
		screen_pad(screen, TEXT_FRAMES_INDENT);
		screen_name(screen,
			    frame->signal		   ? STYLE_YELLOW
			    : user_frame_is_runtime(frame) ? STYLE_PLAIN
							   : text_frames_style(frame, true),
			    text_frames_name(job->arena, frame), 0);
		if (frame->signal)
			screen_put(screen, STYLE_YELLOW, "  <signal handler called>");
		if (frame->inlined)
			screen_put(screen, STYLE_DIM, "  [inlined]");
		screen->indent = TEXT_FRAMES_INDENT + 2;
		if (frame->file != NULL) {
			screen_put(screen, STYLE_PLAIN, "  ");
			screen_fit(screen, STYLE_PLAIN, place);
		}
		screen_end_line(screen);
		text_frames_details(screen, job, frame, with_addrs);
	}
	if (stack->num_frames == 0) {
		screen_pad(screen, TEXT_FRAMES_INDENT);
		screen_put(screen, STYLE_DIM, "no frames");
		screen_end_line(screen);
	}
	text_frames_end(screen, job, stack);
}
