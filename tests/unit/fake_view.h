/* fake_view.h - what the report's writers see, built by hand from a few calls. */
#ifndef CORELEAKS_TESTS_FAKE_VIEW_H
#define CORELEAKS_TESTS_FAKE_VIEW_H

#include "report/write.h"

struct fake_view {
	struct arena arena;
	struct report_view view;
	struct coreleaks_write_options options;
	struct coreleaks_core core;
	int64_t next_id;		   /* of the next task */
	struct coreleaks_wait *task_waits; /* parallel to the tasks; may be changed */
};

/* A complete core of the program "worker" without any task. */
void fake_view_init(struct fake_view *fake);
void fake_view_deinit(struct fake_view *fake);

/* FUNCTION at worker.c:LINE in the module worker. */
struct coreleaks_frame fake_frame(const char *function, uint32_t line);
/* FUNCTION in libc.so.6, without a line. */
struct coreleaks_frame fake_libc_frame(const char *function);
/* The id of a new stack; the frames are copied. */
uint32_t fake_view_stack(struct fake_view *fake, const struct coreleaks_frame *frames,
			 uint32_t num_frames);
/* A new group of num new threads that wait; it may be changed until the view is summed. */
struct coreleaks_group *fake_view_group(struct fake_view *fake, const char *id, uint32_t num,
					uint32_t stack_id);
/* The same of goroutines. */
struct coreleaks_group *fake_view_goroutines(struct fake_view *fake, const char *id, uint32_t num,
					     uint32_t stack_id, const char *reason);
/* The task with that id, to be changed. */
struct coreleaks_task *fake_view_task(struct fake_view *fake, int64_t id);
/* The wait of the task with that id, to be filled in; the group's objects are the test's own. */
struct coreleaks_wait *fake_view_wait(struct fake_view *fake, int64_t id);
/* The task waits for this mutex, which that thread (0: nobody) holds. */
void fake_view_mutex(struct fake_view *fake, int64_t id, uint64_t addr, int64_t holder_id);
/* Gives every group the objects of its members' waits. */
void fake_view_objects(struct fake_view *fake);
/* A finding of a rule about locks: its evidence is one line, its members these. */
struct coreleaks_finding *fake_view_lock_finding(struct fake_view *fake, const char *rule,
						 const char *title, uint32_t group,
						 enum coreleaks_verdict certainty);
/* The task blocks all whose chains of holders end at it. */
void fake_view_blocker(struct fake_view *fake, int64_t id);
/* A finding about the group at index; UINT32_MAX: about the process. */
void fake_view_finding(struct fake_view *fake, uint32_t group, const char *title);
void fake_view_gap(struct fake_view *fake, const char *kind, bool incomplete, const char *detail,
		   uint64_t count);
void fake_view_module(struct fake_view *fake, const char *path, const char *file,
		      const char *problem);

/* The outputs; the sums are made anew each time. Valid until fake_view_deinit(). */
const char *fake_view_text(struct fake_view *fake);
const char *fake_view_json(struct fake_view *fake);
struct text fake_view_format(struct fake_view *fake, enum coreleaks_format format);
/* NULL: the name was not found; *error_ret is its message then. */
const char *fake_view_show(struct fake_view *fake, const char *name, bool json,
			   const char **error_ret);

#endif
