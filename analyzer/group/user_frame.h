/* user_frame.h - which frames are the program's own, and which only park or start a thread.
 *
 * Knowledge about libc, libstdc++, libgcc, the dynamic linker and Rust's std as rows of tables. */
#ifndef CORELEAKS_GROUP_USER_FRAME_H
#define CORELEAKS_GROUP_USER_FRAME_H

#include "coreleaks.h"

/* The frame belongs to the language's runtime; a signal trampoline does not. */
bool user_frame_is_runtime(const struct coreleaks_frame *frame);
/* It lies in a file of the C or C++ runtime, whatever it is called. */
bool user_frame_is_in_runtime_module(const struct coreleaks_frame *frame);
/* The innermost frame of the program itself; NULL when there is none with a name. */
const struct coreleaks_frame *user_frame_first(const struct coreleaks_stack *stack);
/* A path without its directories. */
const char *user_frame_file_name(const char *path);

#endif
