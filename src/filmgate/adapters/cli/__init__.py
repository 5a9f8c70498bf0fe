"""The command line: `filmgate`."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the arguments of the process name, and exit with its code."""
    try:
        from filmgate.adapters.cli.program import run

        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(130)
