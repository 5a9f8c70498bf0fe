"""The process that serves a data folder for an agent, until the agent's process is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import NoReturn

from filmgate.adapters.cli.program import run


def main() -> NoReturn:
    """Serve until standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.exit(run(["serve", *sys.argv[1:]]))


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
