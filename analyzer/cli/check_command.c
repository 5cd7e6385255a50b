#include "cli/commands.h"

#include "cli/baseline.h"
#include "cli/message.h"
#include "cli/on_leak.h"
#include "cli/rules_file.h"
#include "cli/spool.h"
#include "cli/workers.h"

#include <string.h>

enum { IDS_A_GROUP = 8 };

static struct coreleaks_error *write_check(const struct output_source *source,
					   const struct coreleaks_write_options *options,
					   coreleaks_sink sink, void *sink_data)
{
	return coreleaks_check_write(source->of, options, sink, sink_data);
}

static struct coreleaks_check_options check_options(const struct settings *settings)
{
	struct coreleaks_check_options options;
	coreleaks_check_options_init(&options);
	options.slack = settings->analysis.slack;
	options.fail_on_growth = settings->fail_on == FAIL_ON_GROWTH;
	options.fail_on_new = settings->fail_on == FAIL_ON_NEW;
	if (settings->fail_on >= FAIL_ON_NONE && settings->fail_on <= CORELEAKS_VERDICT_SUSPECT)
		options.fail_on = settings->fail_on;
	return options;
}

/* Once the baseline is written its leaks are known: what remains is what could not be read. */
static int baseline_code(const struct coreleaks_check_info *info)
{
	if (info->num_by_outcome[CORELEAKS_OUTCOME_FAILED] > 0)
		return EXIT_FAILED;
	return info->num_incomplete > 0 ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static int conclude(const struct settings *settings, const struct coreleaks_check *check,
		    const struct coreleaks_part *parts)
{
	const struct coreleaks_check_info *info = coreleaks_check_info(check);
	const struct output_source source = {check, write_check};
	int code = (int)info->outcome;
	bool fine = output_write_many(settings, &source, info->num_dumps, parts);
	if (settings->write_baseline != NULL) {
		fine &= baseline_write(settings, check, settings->fail_on == FAIL_ON_NEW);
		code = baseline_code(info);
	}
	if (settings->on_leak != NULL && code == EXIT_FINDINGS)
		on_leak_run(settings, &source);
	return fine ? code : EXIT_FAILED;
}

static int run(struct settings *settings, const struct inputs *inputs)
{
	struct workers_result result;
	struct coreleaks_check *check = NULL;
	if (!workers_run(&result, settings, inputs, IDS_A_GROUP))
		return EXIT_FAILED;
	struct coreleaks_check_options options = check_options(settings);
	struct coreleaks_error *error =
		coreleaks_check_new((const struct coreleaks_summary *const *)result.summaries,
				    result.num, &options, &check);
	int code = EXIT_FAILED;
	if (error != NULL)
		message("%s", error->message);
	else
		code = conclude(settings, check, result.parts);
	if (result.output_failed)
		code = EXIT_FAILED;
	coreleaks_error_free(error);
	coreleaks_check_free(check);
	workers_free(&result);
	return code;
}

/* A word of usage that is wrong; NULL: none. */
static const char *complaint(const struct settings *settings)
{
	bool has_input = settings->num_plain_arguments > 0;
	if (!has_input)
		return "check: a CORE is missing";
	for (uint32_t i = 0; i < settings->num_plain_arguments; i++)
		if (strcmp(settings->arguments[i], "-") == 0 && settings->num_plain_arguments > 1)
			return "check: standard input stands alone";
	return NULL;
}

/* `coreleaks check CORE|DIR... [-- EXE...]` */
int check_command(struct settings *settings)
{
	struct inputs inputs;
	const char *wrong = complaint(settings);
	if (wrong != NULL) {
		message("%s", wrong);
		return EXIT_USAGE;
	}
	settings->joins = true;
	settings->many_formats = 1u << CORELEAKS_FORMAT_TEXT | 1u << CORELEAKS_FORMAT_JSON |
				 1u << CORELEAKS_FORMAT_GOLEAK | 1u << CORELEAKS_FORMAT_HTML |
				 1u << CORELEAKS_FORMAT_DOT;
	if (!rules_file_read(settings, true))
		return EXIT_USAGE;
	if (settings->fail_on == FAIL_ON_NEW && settings->rules == NULL &&
	    settings->write_baseline == NULL) {
		message("--fail-on new needs a baseline: see --write-baseline and --config");
		return EXIT_USAGE;
	}
	int code = inputs_find(&inputs, settings, false, INPUTS_BY_NAME);
	if (code == 0)
		code = output_check_many(settings, inputs.num);
	if (code == 0 && settings->write_baseline != NULL && !baseline_check(settings))
		code = EXIT_FAILED;
	struct spool spool = {0};
	if (code == 0 && !spool_take(&spool, settings, &inputs))
		code = EXIT_FAILED;
	if (code == 0)
		code = run(settings, &inputs);
	spool_end(&spool, code == EXIT_CLEAN);
	inputs_free(&inputs);
	return code;
}
