/* group_notes.h - what is said of a group besides its frames and members, a line each. */
#ifndef CORELEAKS_REPORT_GROUP_NOTES_H
#define CORELEAKS_REPORT_GROUP_NOTES_H

#include "report/screen.h"
#include "report/view.h"

enum { GROUP_NOTES_MAX = 7 };

struct group_notes {
	const char *lines[GROUP_NOTES_MAX];
	enum style styles[GROUP_NOTES_MAX];
	uint32_t num;
};

struct group_notes group_notes_of(struct arena *arena, const struct report_view *view,
				  const struct coreleaks_group *group);

#endif
