/* spool.h - gives any core as a seekable file: unpacks zstd, xz, lz4, gzip, bzip2 and pipes into
 * an unlinked temporary file in which zero pages are holes. */
#ifndef CORELEAKS_CORE_SPOOL_H
#define CORELEAKS_CORE_SPOOL_H

#include "base/gaps.h"
#include "base/progress.h"

/* Takes over fd (open for reading at its start) in every case. A file that is seekable and begins
 * with the ELF magic is *ret_fd itself. path is for messages only. A truncated or damaged stream
 * gives what could be unpacked, and a gap. */
struct coreleaks_error *spool_open(int fd, const char *path, const char *spool_dir,
				   uint64_t max_core_size, struct progress *progress,
				   struct gaps *gaps, int *ret_fd);

#endif
