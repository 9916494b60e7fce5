"""Entry of the hook `usage`. It is compiled on every call, so everything else is in modules that are cached."""

import sys

if sys.version_info >= (3, 9):
    sys.path.insert(0, __file__[: -len("usage.py")])
    from usage_hook import main

    main()
