CLI_SOURCES += $(addprefix analyzer/cli/,bus_error.c handlers.c hint.c main.c message.c \
	options.c output.c progress_bar.c report_command.c report_file.c rules_file.c session.c show_command.c \
	terminal.c values.c)
