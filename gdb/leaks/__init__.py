"""The GDB command "leaks": groups a core's threads by identical stacks.

It runs the program coreleaks, which does the analysis, and shows what that found.
Without `import gdb`, tested by plain Python: errors, options, analyzer, report, session, render,
memory, registers, coredump.
With it: compat (what differs between GDB versions), target, live, settings, output, commands.
"""
