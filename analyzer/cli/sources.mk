CLI_SOURCES += $(addprefix analyzer/cli/,bus_error.c handlers.c hint.c main.c message.c \
	options.c output.c progress_bar.c report_command.c report_file.c rules_file.c session.c show_command.c \
	terminal.c values.c)
CLI_SOURCES += $(addprefix analyzer/cli/,baseline.c check_command.c compare_command.c inputs.c on_leak.c \
	spool.c workers.c)
CLI_SOURCES += $(addprefix analyzer/cli/,contain.c documents.c sandbox.c sink.c wire.c)
