#!/usr/bin/env python3
"""Start the watch-ci program; everything it does is in `watch_cli` and the modules beside it.

What it needs of git and the forges it shares with create-pr, the skill beside it in the same plugin.
"""

import sys
from pathlib import Path

# The program runs from an immutable store folder whose content is verified: byte code there would be drift.
sys.dont_write_bytecode = True
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "create-pr" / "scripts"))

from watch_cli import main  # noqa: E402 - the lines above must come first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
