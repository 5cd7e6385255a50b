#include "fake_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_world_init(struct fake_world *world)
{
	*world = (struct fake_world){0};
	fake_core_init(&world->core);
	arena_init(&world->arena, 0);
	gaps_init(&world->gaps, &world->arena);
}

void fake_world_deinit(struct fake_world *world)
{
	if (world->files.arena != NULL)
		elf_files_deinit(&world->files);
	dump_deinit(&world->dump);
	free(world->image);
	arena_deinit(&world->arena);
	fake_core_deinit(&world->core);
}

struct coreleaks_error *fake_world_try_dump(struct fake_world *world, const char *path)
{
	struct dump_options options = {.spool_dir = "/tmp", .max_core_size = (uint64_t)1 << 30};
	return dump_open(&world->dump, &world->arena, &world->gaps, &world->progress, path,
			 &options);
}

void fake_world_open_dump_at(struct fake_world *world, const char *path)
{
	struct coreleaks_error *error = fake_world_try_dump(world, path);
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
}

void fake_world_open_dump(struct fake_world *world)
{
	fake_world_open_dump_at(world, fake_path(&world->core));
}

void fake_world_open_notes(struct fake_world *world)
{
	if (world->dump.path == NULL)
		fake_world_open_dump(world);
	notes_build(&world->notes, &world->arena, &world->gaps, &world->dump);
}

void fake_world_open_image(struct fake_world *world)
{
	fake_world_open_notes(world);
	elf_files_init(&world->files, &world->arena, &world->gaps, world->sysroot,
		       world->debug_dirs);
	modules_build(&world->modules, &world->arena, &world->gaps, &world->dump, &world->notes,
		      &world->files, world->executable);
	world->image = calloc(1, sizeof(*world->image));
	ck_assert_ptr_nonnull(world->image);
	image_init(world->image, &world->dump, &world->modules);
}

uint64_t fake_world_num_gaps(const struct fake_world *world, const char *kind)
{
	uint64_t num = 0;
	for (uint32_t i = 0; i < world->gaps.list.num; i++)
		if (strcmp(world->gaps.list.items[i].kind, kind) == 0)
			num += world->gaps.list.items[i].count;
	return num;
}

static void list_gaps(const struct fake_world *world)
{
	for (uint32_t i = 0; i < world->gaps.list.num; i++) {
		const struct coreleaks_gap *gap = &world->gaps.list.items[i];
		fprintf(stderr, "# gap %s x%llu%s: %s\n", gap->kind, (unsigned long long)gap->count,
			gap->incomplete ? " (incomplete)" : "", gap->detail);
	}
}

void fake_world_expect_gap(const struct fake_world *world, const char *kind, bool incomplete)
{
	for (uint32_t i = 0; i < world->gaps.list.num; i++) {
		const struct coreleaks_gap *gap = &world->gaps.list.items[i];
		if (strcmp(gap->kind, kind) == 0 && gap->incomplete == incomplete)
			return;
	}
	list_gaps(world);
	ck_abort_msg("no %s gap \"%s\"", incomplete ? "incomplete" : "complete", kind);
}

void fake_world_expect_no_gaps(const struct fake_world *world)
{
	list_gaps(world);
	ck_assert_uint_eq(world->gaps.list.num, 0);
}
