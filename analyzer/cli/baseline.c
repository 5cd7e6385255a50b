#include "cli/baseline.h"

#include "cli/message.h"
#include "cli/output.h"
#include "cli/report_file.h"
#include "cli/rules_file.h"

#include <stdlib.h>
#include <string.h>

static const char heading[] = "# Baseline of coreleaks check";

struct baseline {
	const struct coreleaks_check *check;
	bool all;
	const char *kept; /* text of the file that is replaced; NULL none */
};

bool baseline_check(const struct settings *settings)
{
	return report_file_check(settings->write_baseline, settings->force);
}

/* Lines that the new baseline does not replace. */
static bool write_kept(const char *text, coreleaks_sink sink, void *sink_data)
{
	while (text != NULL && *text != '\0') {
		const char *newline = strchr(text, '\n');
		size_t size = newline != NULL ? (size_t)(newline - text) + 1 : strlen(text);
		const char *word = text + strspn(text, " \t");
		if (strncmp(word, "allow ", 6) != 0 && strncmp(word, "allow\t", 6) != 0 &&
		    strncmp(word, heading, strlen(heading)) != 0 &&
		    (!sink(sink_data, text, size) ||
		     (newline == NULL && !sink(sink_data, "\n", 1))))
			return false;
		text += size;
	}
	return true;
}

static struct coreleaks_error *write_rules(const struct output_source *source,
					   const struct coreleaks_write_options *options,
					   coreleaks_sink sink, void *sink_data)
{
	const struct baseline *baseline = source->of;
	(void)options;
	/* A sink that fails does so again below, where it becomes an error. */
	write_kept(baseline->kept, sink, sink_data);
	return coreleaks_check_write_baseline(baseline->check, baseline->all, sink, sink_data);
}

bool baseline_write(const struct settings *settings, const struct coreleaks_check *check, bool all)
{
	const char *path = settings->write_baseline;
	char *kept = NULL;
	struct report_file file;
	if (!rules_file_text(path, &kept))
		return false;
	const struct baseline baseline = {check, all, kept};
	const struct output_source source = {&baseline, write_rules};
	bool fine = report_file_open(&file, path);
	if (fine) {
		fine = output_write_to(file.fd, path, &source, &settings->write) &&
		       report_file_commit(&file, settings->force);
		report_file_close(&file);
	}
	free(kept);
	return fine;
}
