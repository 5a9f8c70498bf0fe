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
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "filmgate":
            raise  # a defect of ours, which needs its traceback
        print(
            f"filmgate: {error.name} cannot be loaded by {sys.executable}: {error.msg}. Install what this command "
            "needs there with `pip install 'filmgate[server]'`, or in a checkout with `make install`.",
            file=sys.stderr,
        )
        sys.exit(1)
