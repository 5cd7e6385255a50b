/* gzip.h - packs text as a gzip file, without a name or a time: the same bytes each time. */
#ifndef CORELEAKS_REPORT_GZIP_H
#define CORELEAKS_REPORT_GZIP_H

#include "base/text.h"

/* Adds in, packed, to out. */
void gzip_add(struct text *out, const struct text *in);

#endif
