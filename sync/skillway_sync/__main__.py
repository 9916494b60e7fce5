"""Where `skillway-sync` starts: a run that has nothing to do ends here, before anything else is imported."""

from __future__ import annotations

import sys

from skillway_sync.noop import answer_without_change


def main() -> int:
    """Run the program on `sys.argv` and give its exit code."""
    answer = answer_without_change(sys.argv[1:])
    if answer is not None:
        sys.stdout.write(answer)
        return 0
    import gc

    gc.disable()  # a short life: what the collector looks for in the imports alone costs 5 ms
    from skillway_sync.cli import run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
