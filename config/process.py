"""What every process of ours owes to what passes through its memory."""

import resource


def forbid_core_dumps() -> None:
    """A crash would write the memory to disk, words and keys included."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
