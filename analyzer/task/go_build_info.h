/* go_build_info.h - what Go's linker writes into every program of the modules it is made of
 * (debug/buildinfo), and whose code a function is therefore. */
#ifndef CORELEAKS_TASK_GO_BUILD_INFO_H
#define CORELEAKS_TASK_GO_BUILD_INFO_H

#include "base/arena.h"

#include <stdbool.h>

struct go_build_info {
	const char *version; /* as the program has it: "go1.22.12"; NULL unknown */
	int32_t minor;	     /* of "go1.MINOR"; -1 unknown */
	const char *module;  /* import path of the main module; NULL: built without modules */
	struct {
		const char **items; /* import paths of all others */
		uint32_t num, capacity;
	} dependencies;
};

/* Bytes that begin with Go's magic. Fills version and minor. *ret_off: where the list of modules
 * begins, a length and its text. False: it is no such record. */
bool go_build_info_parse(struct go_build_info *ret, struct arena *arena, const unsigned char *bytes,
			 size_t size, size_t *ret_off);
/* The length that begins at bytes (encoding/binary.Uvarint), and how many bytes it takes itself; 0:
 * it is none. */
size_t go_build_info_length(const unsigned char *bytes, size_t size, size_t *ret_size);
/* The text of the list of modules, which has no terminator. */
void go_build_info_add_modules(struct go_build_info *info, struct arena *arena, const char *text,
			       size_t size);

/* Where a function comes from: "main" (package main), "module" (another package of the main
 * module), "third-party" (another module) or "std" (the standard library, the runtime too); NULL
 * unknown. */
const char *go_build_info_origin(const struct go_build_info *info, const char *function);

#endif
