"""The GDB command "leaks": groups a core's threads and goroutines by identical stacks.

It runs the program coreleaks, which does the analysis, and shows what that found.
Without `import gdb`, tested by plain Python: errors, words, completion, options, analyzer,
report, session, frames, head, waits, render, goroutines, memory, registers, coredump, found.
With it: compat (what differs between GDB versions), target, live, settings, output, context,
selection (goroutines as stacks of GDB's), backtrace, commands, goroutine_commands.
"""
