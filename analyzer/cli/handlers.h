/* handlers.h - what an option does with its value: checks it and stores it in the settings. */
#ifndef CORELEAKS_CLI_HANDLERS_H
#define CORELEAKS_CLI_HANDLERS_H

#include "cli/settings.h"

/* One word that an option's value may be. */
struct word {
	const char *name; /* NULL ends a list */
	int32_t value;
};

/* An option: a row of the table in options.c. */
struct option_row {
	const char *name;     /* without the dashes */
	int letter;	      /* short form; 0 none */
	const char *argument; /* NULL: takes none */
	const char *help;
	int group;
	bool built;
	/* Stores value in field. Returns false after a message. */
	bool (*handle)(const struct option_row *row, struct settings *settings, void *field,
		       const char *value);
	size_t field_off;	  /* where the value goes in struct settings */
	const struct word *words; /* of handle_word() */
	uint32_t minimum;	  /* of handle_count(); handle_duration(): 1, or 0 too */
	bool in_hint;		  /* decides what groups there are: repeated in hints */
};

bool handle_flag(const struct option_row *row, struct settings *settings, void *field,
		 const char *value);
bool handle_text(const struct option_row *row, struct settings *settings, void *field,
		 const char *value);
bool handle_count(const struct option_row *row, struct settings *settings, void *field,
		  const char *value);
bool handle_id(const struct option_row *row, struct settings *settings, void *field,
	       const char *value);
bool handle_size(const struct option_row *row, struct settings *settings, void *field,
		 const char *value);
bool handle_duration(const struct option_row *row, struct settings *settings, void *field,
		     const char *value);
bool handle_word(const struct option_row *row, struct settings *settings, void *field,
		 const char *value);
bool handle_group_by(const struct option_row *row, struct settings *settings, void *field,
		     const char *value);
bool handle_label(const struct option_row *row, struct settings *settings, void *field,
		  const char *value);
bool handle_format(const struct option_row *row, struct settings *settings, void *field,
		   const char *value);
bool handle_json(const struct option_row *row, struct settings *settings, void *field,
		 const char *value);
bool handle_output(const struct option_row *row, struct settings *settings, void *field,
		   const char *value);
bool handle_debug_dir(const struct option_row *row, struct settings *settings, void *field,
		      const char *value);
bool handle_source_url(const struct option_row *row, struct settings *settings, void *field,
		       const char *value);
bool handle_verbose(const struct option_row *row, struct settings *settings, void *field,
		    const char *value);

/* What word_of() says of each format, separated by commas. Returns buffer. */
const char *format_list(char *buffer, size_t size,
			const char *(*word_of)(enum coreleaks_format format));

#endif
