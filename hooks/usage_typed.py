"""Which skills did the user type last?

A skill that somebody types makes no event of a tool; should the model then call the tool for the same skill in the same
prompt, that is one use and not two. What was typed is in one small file, identifiers and names of the catalogue, which
`usage_hook.py` looks into.
"""

import spool
from payload import posix

NAME = "/typed"
MAX_BYTES = 4096


def keep_typed(line: bytes) -> None:
    """Remember a prompt with its skill."""
    state = spool.state_folder()
    if not state or not spool.own_folder(state):
        return
    descriptor = spool.open_own(state + NAME)
    if descriptor < 0:
        return
    try:
        if posix.fstat(descriptor).st_size > MAX_BYTES:
            posix.ftruncate(descriptor, 0)
        posix.write(descriptor, line)
    finally:
        posix.close(descriptor)
