#include "cli/commands.h"

#include "cli/message.h"
#include "cli/on_leak.h"
#include "cli/rules_file.h"
#include "cli/workers.h"

#include <string.h>

static struct coreleaks_error *write_comparison(const struct output_source *source,
						const struct coreleaks_write_options *options,
						coreleaks_sink sink, void *sink_data)
{
	return coreleaks_comparison_write(source->of, options, sink, sink_data);
}

static struct coreleaks_compare_options compare_options(const struct settings *settings)
{
	struct coreleaks_compare_options options;
	coreleaks_compare_options_init(&options);
	options.max_delta = settings->max_delta;
	options.slack = settings->analysis.slack;
	options.iterations = settings->iterations;
	options.idle = settings->idle;
	options.fail_on_new = settings->fail_on == FAIL_ON_NEW;
	if (settings->fail_on >= FAIL_ON_NONE && settings->fail_on <= CORELEAKS_VERDICT_SUSPECT) {
		options.fail_on = settings->fail_on;
		options.fail_on_growth = false;
	}
	return options;
}

static int conclude(const struct settings *settings, const struct coreleaks_comparison *comparison,
		    uint32_t num_dumps)
{
	const struct output_source source = {comparison, write_comparison};
	int code = (int)coreleaks_comparison_info(comparison)->outcome;
	bool fine = output_write_many(settings, &source, num_dumps, NULL);
	if (settings->on_leak != NULL && code == EXIT_FINDINGS)
		on_leak_run(settings, &source);
	return fine ? code : EXIT_FAILED;
}

static int run(struct settings *settings, const struct inputs *inputs)
{
	struct workers_result result;
	struct coreleaks_comparison *comparison = NULL;
	if (!workers_run(&result, settings, inputs, UINT32_MAX))
		return EXIT_FAILED;
	struct coreleaks_compare_options options = compare_options(settings);
	struct coreleaks_error *error =
		coreleaks_comparison_new((const struct coreleaks_summary *const *)result.summaries,
					 result.num, &options, &comparison);
	int code = EXIT_FAILED;
	if (error != NULL) {
		for (uint32_t i = 0; i < result.num; i++) {
			const char *failure = coreleaks_summary_failure(result.summaries[i]);
			if (failure != NULL)
				message("%s: %s", inputs->paths[i], failure);
		}
		message("%s", error->message);
	} else {
		code = conclude(settings, comparison, inputs->num);
	}
	if (result.output_failed)
		code = EXIT_FAILED;
	coreleaks_error_free(error);
	coreleaks_comparison_free(comparison);
	workers_free(&result);
	return code;
}

/* Profiles know nothing of our rules: what those hide must be there to be compared. */
static bool has_profile(const struct inputs *inputs)
{
	for (uint32_t i = 0; i < inputs->num; i++)
		if (inputs_is_profile(inputs->paths[i]))
			return true;
	return false;
}

/* `coreleaks compare DUMP|DIR...` */
int compare_command(struct settings *settings)
{
	struct inputs inputs;
	settings->many_formats = 1u << CORELEAKS_FORMAT_TEXT | 1u << CORELEAKS_FORMAT_JSON |
				 1u << CORELEAKS_FORMAT_HTML;
	settings->reads_reports = true;
	if (settings->write_baseline != NULL) {
		message("--write-baseline is for check");
		return EXIT_USAGE;
	}
	if (settings->num_plain_arguments == 0) {
		message("compare: dumps are missing");
		return EXIT_USAGE;
	}
	if (!rules_file_read(settings, true))
		return EXIT_USAGE;
	int code = inputs_find(&inputs, settings, true, INPUTS_BY_TIME);
	if (code == 0 && inputs.num < 2) {
		message("compare: two dumps are needed at least");
		code = EXIT_USAGE;
	}
	if (code == 0)
		code = output_check_many(settings, inputs.num);
	settings->analysis.all |= code == 0 && has_profile(&inputs);
	if (code == 0)
		code = run(settings, &inputs);
	inputs_free(&inputs);
	return code;
}
