#!/usr/bin/env python3
"""Start the automation program; everything it does is in `cli` and the modules beside it."""

import sys

# The program runs from an immutable store folder whose content is verified: byte code there would be drift.
sys.dont_write_bytecode = True

from cli import main  # noqa: E402 - the line above must come first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
