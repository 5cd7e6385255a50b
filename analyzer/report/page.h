/* page.h - the style and the script of HTML reports, and the names by which a page allows them:
 * nothing else may run in it or be loaded by it. */
#ifndef CORELEAKS_REPORT_PAGE_H
#define CORELEAKS_REPORT_PAGE_H

#include "base/text.h"

/* From <!doctype> to <body>. title: as it is, to be escaped. */
void page_begin(struct text *out, const char *title);
/* From the script to </html>. */
void page_end(struct text *out);

#endif
