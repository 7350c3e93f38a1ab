"""Runs ``python -m refork.cli``, for environments in which the script is not on the path."""

import sys

from refork.cli import main

if __name__ == "__main__":
    sys.exit(main())
