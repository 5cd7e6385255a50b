/* bus_error.h - a file that becomes shorter while it is read.
 *
 * libelf maps programs, libraries and debug files. Touching a page that somebody has cut off
 * meanwhile is SIGBUS: then one line names the file, and the exit code is EXIT_FAILED. */
#ifndef CORELEAKS_CLI_BUS_ERROR_H
#define CORELEAKS_CLI_BUS_ERROR_H

/* From now on until the process ends. */
void bus_error_catch(void);

#endif
