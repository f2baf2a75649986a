"""The command line. What it can answer, it answers before anything heavy is imported."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the program with these arguments (those of the command line if None); the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words == ["--version"]:
        from pagefault_lab import __version__

        print(f"pagefault-lab {__version__}")
        return 0
    from pagefault_lab.terminal.entry import enter

    return enter(words)


if __name__ == "__main__":
    sys.exit(main())
