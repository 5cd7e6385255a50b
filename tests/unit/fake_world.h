/* fake_world.h - a fake core opened floor by floor, as far as a test wants. */
#ifndef CORELEAKS_TESTS_FAKE_WORLD_H
#define CORELEAKS_TESTS_FAKE_WORLD_H

#include "core/image.h"
#include "fake_core.h"

struct fake_world {
	struct fake_core core;
	struct arena arena;
	struct gaps gaps;
	struct progress progress;
	struct dump dump;
	struct notes notes;
	struct elf_files files;
	struct modules modules;
	struct image *image; /* NULL until it is opened */
	const char *sysroot, *debug_dirs, *executable;
};

void fake_world_init(struct fake_world *world);
void fake_world_deinit(struct fake_world *world);
/* The fake core as it stands, or the file at path. Errors fail the test. */
void fake_world_open_dump(struct fake_world *world);
void fake_world_open_dump_at(struct fake_world *world, const char *path);
void fake_world_open_notes(struct fake_world *world);
void fake_world_open_image(struct fake_world *world);
struct coreleaks_error *fake_world_try_dump(struct fake_world *world, const char *path);

/* How often a gap of this kind was recorded: sum of counts. */
uint64_t fake_world_num_gaps(const struct fake_world *world, const char *kind);
/* All gaps are listed when no expected one is there. */
void fake_world_expect_gap(const struct fake_world *world, const char *kind, bool incomplete);
void fake_world_expect_no_gaps(const struct fake_world *world);

#endif
