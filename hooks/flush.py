"""Entry of the flusher: sends what is in the spool, then ends. Started by hooks, by sync and by hand; takes no arguments."""

import sys

if sys.version_info >= (3, 9):
    sys.path.insert(0, __file__[: -len("flush.py")])
    from flush_run import main

    main()
