"""Makes `python -m skillway` the same program as `skillway`."""

from skillway.cli import main

main()
