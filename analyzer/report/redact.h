/* redact.h - changes a view before it is written: source paths without their prefix, and nothing
 * that the process itself has written. So no writer has to think of either. */
#ifndef CORELEAKS_REPORT_REDACT_H
#define CORELEAKS_REPORT_REDACT_H

#include "report/view.h"

/* As options->privacy and options->strip_prefix demand. The view's columns are replaced, what they
 * pointed to stays as it is. */
void redact_view(struct report_view *view, struct arena *arena,
		 const struct coreleaks_write_options *options);

#endif
