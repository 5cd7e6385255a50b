"""What the user did or met that keeps a command from working: one line, shown as it is."""


class LeaksError(Exception):
    pass
