/* write.h - the writers of each format, as write.c calls them. */
#ifndef CORELEAKS_REPORT_WRITE_H
#define CORELEAKS_REPORT_WRITE_H

#include "base/text.h"
#include "report/json_out.h"
#include "report/screen.h"
#include "report/view.h"

/* What one call of coreleaks_write() works with. The options are whole: all fields are set. */
struct write_job {
	struct arena *arena;
	const struct report_view *view;
	const struct coreleaks_write_options *options;
};

/* A group, a task or an object that a name stands for. */
struct one {
	const struct coreleaks_group *group; /* NULL: a task or an object */
	uint32_t rank;			     /* of the group, from 1; 0: it is hidden */
	uint32_t task;			     /* index; of the first of that id */
	uint32_t num_same_id;		     /* tasks that have this id */
	bool is_object;			     /* what task, the first of its waiters, waits for */
	uint32_t num_other_kinds;	     /* tasks that see another kind of object there */
};

/* Each gives the whole output, valid as long as the arena. */
struct text report_text_make(const struct write_job *job);
struct text report_json_make(const struct write_job *job);
struct text show_text_make(const struct write_job *job, const struct one *one);
struct text show_json_make(const struct write_job *job, const struct one *one);
/* show_text_make() and show_json_make() of an object. */
void show_object_text(struct screen *screen, const struct write_job *job, const struct one *one);
void show_object_json(struct json_out *json, const struct write_job *job, const struct one *one);

/* What name stands for. */
struct coreleaks_error *one_find(const struct report_view *view, struct arena *arena,
				 const char *name, struct one *ret);

#endif
