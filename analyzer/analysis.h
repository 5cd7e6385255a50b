/* analysis.h - internal to analyzer.c and results.c: what an analysis holds, floor by floor. */
#ifndef CORELEAKS_ANALYSIS_H
#define CORELEAKS_ANALYSIS_H

#include "base/worker.h"
#include "core/image.h"
#include "proof/go_findings.h"
#include "proof/go_leaks.h"
#include "proof/go_paths.h"
#include "proof/lock_findings.h"
#include "proof/names.h"
#include "proof/native_why.h"
#include "proof/premises.h"
#include "proof/publish_go.h"
#include "proof/publish_go_waits.h"
#include "proof/reach_findings.h"
#include "proof/resources.h"
#include "reason/go_holders.h"
#include "stack/creations.h"
#include "stack/stacks.h"
#include "task/go_queues.h"

struct coreleaks_analysis {
	struct arena arena; /* owns all results */
	struct coreleaks_options options;
	struct gaps gaps;
	struct progress progress;
	const char *core_path;
	struct coreleaks_core core;

	struct dump dump;
	struct notes notes;
	struct elf_files files;
	struct modules modules;
	struct image image;
	struct tasks tasks;
	struct go_runtime go;
	struct goroutines goroutines;
	struct go_spans go_spans;
	struct go_queues go_queues;
	struct go_facts go_facts;
	struct {
		struct worker worker;
		struct gaps gaps;
		struct image image; /* reading moves its windows */
	} queues_apart;
	struct go_origins go_origins;
	const struct coreleaks_go *public_go;
	struct nptl nptl;
	struct start *starts;
	struct stack_memory *stack_memory;
	struct creators creators;
	const struct coreleaks_creation **creations;
	struct unwinder unwinder;
	struct stacks stacks;
	struct waits waits;
	struct go_waits go_waits;
	struct holders holders;
	struct publish_names names;
	struct finished finished;
	struct public_tasks public_tasks;
	const struct coreleaks_wait **public_waits;
	struct groups groups;
	struct wait_graph graph;
	struct blockers blockers;
	struct go_reach go_reach;
	struct go_never go_never;
	struct native_reach native_reach;
	struct findings findings;
	struct rules rules;
	struct published published;
};

#endif
