"""Which record did another program ask to be kept?

Reads the event's name from the command line and its attributes from stdin. What may be in it decides `events.json`, as
everywhere; this adds who the user is.
"""

import os
import sys

import spool
from payload import read_object, read_stdin

_ARGUMENTS = 2


def main() -> None:
    """Keep the record; always ends with 0."""
    try:
        if len(sys.argv) == _ARGUMENTS and not spool.is_off():
            spool.append(sys.argv[1], {"user.hash": spool.user_hash(), **read_object(read_stdin())})
    except Exception:
        pass
    os._exit(0)
