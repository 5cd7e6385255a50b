#include "cli/options.h"

#include "cli/commands.h"
#include "cli/handlers.h"
#include "cli/hint.h"
#include "cli/message.h"

#include <argp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 1, CHOOSING, JUDGING, WRITING, BOUNDS, RESERVED };

static const char *const group_titles[] = {
	[FILES] = "Finding files:",	 [CHOOSING] = "Choosing and grouping:",
	[JUDGING] = "Judging:",		 [WRITING] = "Writing:",
	[BOUNDS] = "Bounds and safety:", [RESERVED] = "Reserved: not built yet, exit with 64:",
};

static const struct word kind_words[] = {
	{"thread", CORELEAKS_KIND_THREAD},
	{"goroutine", CORELEAKS_KIND_GOROUTINE},
	{NULL, 0},
};

static const struct word state_words[] = {
	{"running", CORELEAKS_STATE_RUNNING}, {"runnable", CORELEAKS_STATE_RUNNABLE},
	{"syscall", CORELEAKS_STATE_SYSCALL}, {"waiting", CORELEAKS_STATE_WAITING},
	{"exited", CORELEAKS_STATE_EXITED},   {NULL, 0},
};

static const struct word verdict_words[] = {
	{"proved", CORELEAKS_VERDICT_PROVED},	{"likely", CORELEAKS_VERDICT_LIKELY},
	{"suspect", CORELEAKS_VERDICT_SUSPECT}, {"unknown", CORELEAKS_VERDICT_UNKNOWN},
	{"benign", CORELEAKS_VERDICT_BENIGN},	{NULL, 0},
};

static const struct word group_by_words[] = {
	{"line", CORELEAKS_GROUP_BY_LINE},     {"function", CORELEAKS_GROUP_BY_FUNCTION},
	{"pc", CORELEAKS_GROUP_BY_PC},	       {"reason", CORELEAKS_GROUP_BY_REASON},
	{"object", CORELEAKS_GROUP_BY_OBJECT}, {"creator", CORELEAKS_GROUP_BY_CREATOR},
	{"label:", CORELEAKS_GROUP_BY_LABEL},  {NULL, 0},
};

static const struct word fail_on_words[] = {
	{"proved", CORELEAKS_VERDICT_PROVED},
	{"likely", CORELEAKS_VERDICT_LIKELY},
	{"suspect", CORELEAKS_VERDICT_SUSPECT},
	{"growth", FAIL_ON_GROWTH},
	{"new", FAIL_ON_NEW},
	{"none", FAIL_ON_NONE},
	{NULL, 0},
};

static const struct word when_words[] = {
	{"auto", WHEN_AUTO},
	{"always", WHEN_ALWAYS},
	{"never", WHEN_NEVER},
	{NULL, 0},
};

#define FIELD(field)	    .field_off = offsetof(struct settings, field)
#define BUILT(handler, ...) .built = true, .handle = (handler), ##__VA_ARGS__
#define UNBUILT		    .built = false

static const struct option_row option_rows[] = {
	{"executable", 'e', "FILE", "The program's executable, when it is not where the core says",
	 FILES, BUILT(handle_text, FIELD(analysis.executable), .in_hint = true)},
	{"sysroot", 0, "DIR", "Look for all files of the core under DIR", FILES,
	 BUILT(handle_text, FIELD(analysis.sysroot), .in_hint = true)},
	{"debug-dir", 0, "DIR[:DIR]", "Where separate debug files lie (default /usr/lib/debug)",
	 FILES, BUILT(handle_debug_dir, .in_hint = true)},
	{"debuginfod", 0, NULL, "Fetch debug files from DEBUGINFOD_URLS", FILES, UNBUILT},

	{"kind", 0, "KIND", "Only tasks of this kind: thread, goroutine", CHOOSING,
	 BUILT(handle_word, FIELD(analysis.kind), .words = kind_words)},
	{"min-count", 0, "N", "Only groups of at least N tasks", CHOOSING,
	 BUILT(handle_count, FIELD(analysis.min_count), .minimum = 1)},
	{"focus", 0, "REGEX", "Only stacks with a frame that REGEX matches", CHOOSING,
	 BUILT(handle_text, FIELD(analysis.focus))},
	{"ignore", 0, "REGEX", "No stacks with a frame that REGEX matches", CHOOSING,
	 BUILT(handle_text, FIELD(analysis.ignore))},
	{"state", 0, "STATE", "Only tasks that are running, runnable, syscall, waiting or exited",
	 CHOOSING, BUILT(handle_word, FIELD(analysis.state), .words = state_words)},
	{"reason", 0, "REASON", "Only tasks that wait for this: mutex, condition, sleep ...",
	 CHOOSING, BUILT(handle_text, FIELD(analysis.reason))},
	{"verdict", 0, "VERDICT", "Only groups that are proved, likely, suspect, unknown or benign",
	 CHOOSING, BUILT(handle_word, FIELD(analysis.verdict), .words = verdict_words)},
	{"all", 0, NULL, "System and benign tasks too", CHOOSING,
	 BUILT(handle_flag, FIELD(analysis.all))},
	{"group-by", 0, "WHAT",
	 "What makes tasks equal: line (default), function, pc, creator, reason, object, "
	 "label:KEY (the value of that label of goroutines)",
	 CHOOSING,
	 BUILT(handle_group_by, FIELD(analysis.group_by), .words = group_by_words,
	       .in_hint = true)},
	{"min-age", 0, "DURATION",
	 "Only goroutines known to wait at least this long (default 0: all tasks); no threads, "
	 "whose wait nothing tells",
	 CHOOSING, BUILT(handle_duration, FIELD(analysis.min_age_ns), .in_hint = true)},
	{"label", 0, "KEY[=VALUE]", "Only goroutines with this pprof label", CHOOSING,
	 BUILT(handle_label, FIELD(analysis.label), .in_hint = true)},

	{"threshold", 0, "N", "Equal stacks that are runaway duplicates (default 100)", JUDGING,
	 BUILT(handle_count, FIELD(analysis.threshold), .minimum = 1, .in_hint = true)},
	{"max-total", 0, "N", "More tasks than N are a finding (default 10000)", JUDGING,
	 BUILT(handle_count, FIELD(analysis.max_total), .minimum = 1, .in_hint = true)},
	{"no-proof", 0, NULL, "Do not search for goroutines that nothing can wake", JUDGING,
	 BUILT(handle_flag, FIELD(analysis.no_proof))},
	{"fail-on", 0, "LEVEL",
	 "Exit with 1 for findings of this certainty or a higher one: proved, likely (default of "
	 "check), suspect; none (default of report and show); check and compare: growth (default "
	 "of compare), new",
	 JUDGING, BUILT(handle_word, FIELD(fail_on), .words = fail_on_words)},
	{"max-age", 0, "DURATION",
	 "Goroutines that wait longer make a long-wait finding, if 100 do (default 10m)", JUDGING,
	 BUILT(handle_duration, FIELD(analysis.max_age_ns), .minimum = 1)},
	{"max-delta", 0, "N",
	 "Compare: N tasks more than in the first dump are too many (default 100)", JUDGING,
	 BUILT(handle_count, FIELD(max_delta))},
	{"iterations", 0, "N", "Compare: what the program did N times between the dumps", JUDGING,
	 BUILT(handle_size, FIELD(iterations))},
	{"idle", 0, NULL, "Compare: the last dump is of the program at rest", JUDGING,
	 BUILT(handle_flag, FIELD(idle))},
	{"allow", 0, "N", "N tasks pass: more than a rule's max; check: stuck; compare: risen",
	 JUDGING, BUILT(handle_count, FIELD(analysis.slack))},
	{"root-goid", 0, "N", "Only goroutine N and what descends from it", JUDGING,
	 BUILT(handle_id, FIELD(analysis.root_goid))},
	{"ancestor", 0, "REGEX",
	 "Only goroutines made in a function that REGEX matches, or that descend from one that was "
	 "or that began with it",
	 JUDGING, BUILT(handle_text, FIELD(analysis.ancestor))},
	{"self-check", 0, NULL,
	 "Unwind up to 256 threads' stacks a second time, by libdwfl, and report where it differs",
	 JUDGING, BUILT(handle_flag, FIELD(analysis.self_check))},
	{"explain-filters", 0, NULL, "Text: say what every filter and rule removed", JUDGING,
	 BUILT(handle_flag, FIELD(write.explain))},
	{"config", 0, "FILE", "File of ignore and allow rules", JUDGING,
	 BUILT(handle_text, FIELD(config))},
	{"list-rules", 0, NULL, "List the built-in ignore rules, in the form of such a file",
	 JUDGING, BUILT(handle_flag, FIELD(list_rules))},
	{"write-baseline", 0, "FILE", "Check: write allow rules for what is found now", JUDGING,
	 BUILT(handle_text, FIELD(write_baseline))},

	{"format", 0, "FORMAT",
	 "Format of the report: text (default), json, ndjson, debug2, debug1, goleak, pprof, "
	 "folded, prometheus, logfmt, junit, sarif, markdown, github, gitlab, speedscope, dot, "
	 "html; "
	 "see below",
	 WRITING, BUILT(handle_format, FIELD(write.format))},
	{"json", 0, NULL, "The same as --format json", WRITING,
	 BUILT(handle_json, FIELD(write.format))},
	{"output", 'o', "FILE",
	 "Write the report to FILE, not to standard output; the format follows from FILE's end: "
	 ".txt .json .ndjson .debug2 .debug1 .goleak .pb.gz .pprof .folded .prom .logfmt "
	 ".junit.xml .sarif .md .github .gitlab.json .speedscope.json .dot .html. May be repeated; "
	 "- is standard output",
	 WRITING, BUILT(handle_output)},
	{"force", 0, NULL, "Replace report files that exist", WRITING,
	 BUILT(handle_flag, FIELD(force))},
	{"members", 0, "N", "Task ids a group (text: 8, json: all)", WRITING,
	 BUILT(handle_count, FIELD(write.members))},
	{"limit", 0, "N", "Text: groups to show (default 20)", WRITING,
	 BUILT(handle_count, FIELD(write.limit))},
	{"color", 0, "WHEN", "Text: colours, auto (default), always or never", WRITING,
	 BUILT(handle_word, FIELD(color), .words = when_words)},
	{"progress", 0, "WHEN", "A progress bar on standard error: auto (default), always, never",
	 WRITING, BUILT(handle_word, FIELD(progress), .words = when_words)},
	{"quiet", 'q', NULL, "No warnings and no progress bar on standard error", WRITING,
	 BUILT(handle_flag, FIELD(quiet))},
	{"verbose", 'v', NULL, "Text: all frames and files", WRITING,
	 BUILT(handle_verbose, FIELD(write.verbose))},
	{"privacy", 0, NULL,
	 "No bytes of the process's memory in any report: names, offsets, addresses and counts "
	 "alone",
	 WRITING, BUILT(handle_flag, FIELD(write.privacy))},
	{"strip-prefix", 0, "DIR", "Cut DIR off the front of all paths of files", WRITING,
	 BUILT(handle_text, FIELD(write.strip_prefix))},
	{"source-url", 0, "TEMPLATE",
	 "html, markdown, sarif: links to source lines, as "
	 "https://HOST/REPO/blob/REV/{file}#L{line}",
	 WRITING, BUILT(handle_source_url, FIELD(write.source_url))},
	{"on-leak", 0, "COMMAND",
	 "Run COMMAND by the shell when the exit code is 1, the JSON report on its standard input",
	 WRITING, BUILT(handle_text, FIELD(on_leak))},

	{"max-frames", 0, "N", "Frames a stack (default 512)", BOUNDS,
	 BUILT(handle_count, FIELD(analysis.max_frames), .minimum = 1, .in_hint = true)},
	{"max-memory", 0, "SIZE",
	 "Memory the analysis, then by one thread, may allocate, as 500M or 2G", BOUNDS,
	 BUILT(handle_size, FIELD(analysis.max_memory))},
	{"timeout", 0, "DURATION", "Stop after this time, as 30s, and report what is known", BOUNDS,
	 BUILT(handle_duration, FIELD(analysis.timeout_ns), .minimum = 1)},
	{"spool", 0, "DIR",
	 "Where compressed cores are unpacked (default TMPDIR, else /var/tmp); check -: where a "
	 "core that is not clean is kept",
	 BOUNDS, BUILT(handle_text, FIELD(analysis.spool_dir))},
	{"max-core-size", 0, "SIZE", "What a core may unpack to (default 1T); the rest is cut off",
	 BOUNDS, BUILT(handle_size, FIELD(analysis.max_core_size))},
	{"no-sandbox", 0, NULL, "Analyse in this process, unconfined: for debugging", BOUNDS,
	 BUILT(handle_flag, FIELD(no_sandbox))},
	{"pid", 'p', "PID", "Analyse a running process", BOUNDS, UNBUILT},
};

enum { NUM_ROWS = sizeof(option_rows) / sizeof(option_rows[0]), FIRST_LONG_KEY = 0x100 };

static int row_key(size_t index)
{
	int letter = option_rows[index].letter;
	return letter != 0 ? letter : FIRST_LONG_KEY + (int)index;
}

static const struct option_row *row_of_key(int key)
{
	for (size_t i = 0; i < NUM_ROWS; i++) {
		if (row_key(i) == key)
			return &option_rows[i];
	}
	return NULL;
}

static bool take_option(struct settings *settings, const struct option_row *row, const char *value)
{
	if (!row->built) {
		message("--%s is not built yet", row->name);
		return false;
	}
	if (!row->handle(row, settings, (char *)settings + row->field_off, value))
		return false;
	if (row->in_hint)
		hint_add(settings, row->name, value);
	return true;
}

static bool take_argument(struct settings *settings, const char *argument, bool quoted)
{
	bool is_first = settings->subcommand == NULL && settings->num_arguments == 0;
	const struct subcommand *subcommand = subcommand_find(argument);
	if (is_first && !quoted && subcommand != NULL) {
		if (subcommand->run == NULL)
			message("%s is not built yet", argument);
		settings->subcommand = subcommand->name;
		return subcommand->run != NULL;
	}
	const char **longer = realloc(settings->arguments,
				      ((size_t)settings->num_arguments + 1) * sizeof(*longer));
	if (longer == NULL) {
		message("out of memory");
		return false;
	}
	settings->arguments = longer;
	settings->arguments[settings->num_arguments++] = argument;
	settings->num_plain_arguments += !quoted;
	return true;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct settings *settings = state->input;
	const struct option_row *row = row_of_key(key);
	if (row != NULL)
		return take_option(settings, row, value) ? 0 : EINVAL;
	/* quoted: the first argument behind "--", where nothing is a subcommand. */
	if (key == ARGP_KEY_ARG)
		return take_argument(settings, value, state->quoted != 0) ? 0 : EINVAL;
	if (key == ARGP_KEY_NO_ARGS && settings->subcommand == NULL && !settings->list_rules)
		argp_state_help(state, stderr,
				ARGP_HELP_SHORT_USAGE | ARGP_HELP_SEE | ARGP_HELP_EXIT_ERR);
	return ARGP_ERR_UNKNOWN;
}

static const char args_doc[] = "[report] CORE [EXE]\nshow CORE ID\n"
			       "check CORE|DIR... [-- EXE...]\ncompare DUMP|DIR...";
static const char doc[] =
	"Groups the threads and goroutines of an ELF core dump by identical stacks and says which "
	"of them are stuck or suspicious. CORE may be compressed; - is standard input. ID is a "
	"group's id or rank in "
	"the report, thread:NUMBER, goroutine:NUMBER, an object's address, or tree: who created "
	"whom.\v"
	"Subcommands: report (the default), show, check (the gate of a pipeline: many cores, a "
	"short "
	"message, the exit code), compare (what is new, grew or went away over dumps in the order "
	"of "
	"time; JSON reports, pprof profiles and Go's goroutine text too); reserved, not built yet: "
	"watch."
	"\n\n"
	"Limits of every run: 512 frames a stack (--max-frames), 10000000 tasks, notes of "
	"256 MiB, names of 64 KiB, "
	"1 TiB for an unpacked core; memory and time by --max-memory and --timeout. The network "
	"is never used."
	"\n\n"
	"Formats: debug2 is Go's goroutine dump and debug1 its goroutine profile as text; pprof is "
	"what 'go tool pprof' reads; folded is for flame graphs; goleak is the message of that "
	"name, about all tasks with a finding, and about threads in the same words; prometheus and "
	"logfmt have sums alone. debug2, debug1, goleak, pprof and folded hold tasks of one kind: "
	"goroutines if the core has any, else threads; --kind chooses, so that a core with both "
	"takes two files: --kind goroutine -o a.pb.gz, then --kind thread -o b.pb.gz. debug2 has "
	"threads with --kind thread only. html is one page for people, dot the wait-for graph, "
	"ndjson "
	"the JSON report in lines; junit, sarif, github, gitlab and markdown are for pipelines."
	"\n\n"
	"Exit codes: 0 analysed, nothing at or above --fail-on; 1 findings at or above --fail-on; "
	"2 could not analyse or write; 3 analysed, but the report is incomplete; 64 usage.";

/* argp's view of the table, with a row for each heading. */
static void fill_argp_options(struct argp_option *options)
{
	for (int group = FILES; group <= RESERVED; group++)
		*options++ = (struct argp_option){.doc = group_titles[group], .group = group};
	for (size_t i = 0; i < NUM_ROWS; i++) {
		const struct option_row *row = &option_rows[i];
		*options++ = (struct argp_option){
			.name = row->name,
			.key = row_key(i),
			.arg = row->argument,
			.doc = row->help,
			.group = row->built ? row->group : RESERVED,
		};
	}
	*options = (struct argp_option){0};
}

static void settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	coreleaks_options_init(&settings->analysis);
	coreleaks_write_options_init(&settings->write);
	settings->fail_on = FAIL_ON_DEFAULT;
	settings->max_delta = 100;
}

/* The C library looks for it by name. */
__attribute__((visibility("default"))) const char *argp_program_version =
	"coreleaks " CORELEAKS_VERSION;

int options_parse(struct settings *settings, int argc, char **argv)
{
	struct argp_option options[NUM_ROWS + RESERVED + 1];
	fill_argp_options(options);
	settings_init(settings);
	struct argp argp = {options, parse, args_doc, doc, NULL, NULL, NULL};
	/* getopt's messages begin like all others, wherever the program lies. */
	static char name[] = "coreleaks";
	if (argc > 0)
		argv[0] = name;
	return argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, settings) == 0 ? 0 : EXIT_USAGE;
}

void options_free(struct settings *settings)
{
	free(settings->arguments);
	free(settings->debug_dirs);
	free(settings->rules);
	free(settings->hint);
}
