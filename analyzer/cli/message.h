/* message.h - the lines that coreleaks writes to standard error. */
#ifndef CORELEAKS_CLI_MESSAGE_H
#define CORELEAKS_CLI_MESSAGE_H

/* Prints "coreleaks: ", the text and a newline. Control bytes in it, which a file's name may
 * hold, come out as '?', so that it is always one line and no terminal sequence. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on all lines go through this pipe, as frames of wire.h. -1: to standard error again. */
void message_to(int fd);
/* A line that is complete but for "coreleaks: " and the newline. Safe in a signal handler. */
void message_say(const char *text);
/* The same, and ends the process: it has failed. */
_Noreturn void message_give_up(const char *text);

/* Replaces what a terminal obeys: control characters, and those that turn the direction of writing.
 * Safe in a signal handler. */
void message_make_harmless(char *text);

#endif
