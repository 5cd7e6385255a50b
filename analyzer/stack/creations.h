/* creations.h - decides, once the places in the code have names, which of them it was. */
#ifndef CORELEAKS_STACK_CREATIONS_H
#define CORELEAKS_STACK_CREATIONS_H

#include "stack/creators.h"

/* Is it the name of a language's library? Templates and the like: it is the program that calls
 * them which creates the thread. */
bool creations_is_library(const char *name);
/* calls: the frames at each of the creators' places, innermost inlined first. One for each of
 * nptl's threads; NULL: nothing tells. */
const struct coreleaks_creation **creations_build(const struct creators *creators,
						  struct arena *arena,
						  const struct coreleaks_stack *calls,
						  uint32_t num_threads);

#endif
