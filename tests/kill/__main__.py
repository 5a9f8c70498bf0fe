"""`python -m tests.kill --kills 1000`: kill a service for as long as you like, and read what was lost."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.kill.chaos import Chaos


def main() -> int:
    """Run the chaos test, show how it goes, and return 1 if a promise was broken."""
    asked = _arguments()
    # A shell that starts this in the background has it ignore Ctrl-C, which is how it is asked for its report early.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    until = start + asked.minutes * 60 if asked.minutes else float("inf")
    folder = Path(tempfile.mkdtemp(prefix="filmgate-chaos-"))

    def tell(chaos: Chaos) -> None:
        done, seconds = len(chaos.rounds), time.monotonic() - start
        left = min(seconds / done * (asked.kills - done), until - time.monotonic())
        line = (
            f"{done}/{asked.kills} kills, {len(chaos.history.orders)} requests, {len(chaos.history.open())} open, "
            f"{sum(map(len, chaos.history.wrong.values()))} promises broken, {seconds:.0f} s, about {left:.0f} s to go"
        )
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif done % 50 == 0:
            print(line, file=sys.stderr, flush=True)

    with Chaos(folder, asked.seed, studio=asked.kills // 50) as chaos:
        try:
            chaos.suffer(asked.kills - len(chaos.rounds), tell, until=until)
        except KeyboardInterrupt:
            print("\nstopped: no more kills", file=sys.stderr, flush=True)
        print("\nlooking at everything …", file=sys.stderr, flush=True)
        chaos.judge()
    report = chaos.report() | {
        "seconds": round(time.monotonic() - start),
        "seed": asked.seed,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
    }
    _print(report, chaos, as_json=asked.json)
    print(f"logs and data: {folder}", file=sys.stderr)
    return int(any(chaos.history.wrong.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how often the service is killed (1000)")
    parser.add_argument("--minutes", type=float, default=0, help="stop killing after so many minutes (0: no limit)")
    parser.add_argument("--seed", type=int, default=1, help="what all random moments come from (1)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser.parse_args()


def _print(report: dict[str, object], chaos: Chaos, *, as_json: bool) -> None:
    wrong = {kind: found for kind, found in chaos.history.wrong.items() if found}
    if as_json:
        print(json.dumps({**report, "hits": chaos.hits, "wrong": wrong}, indent=2))
        return
    for name, value in report.items():
        print(f"{name:28} {value}")
    for kind, found in wrong.items():
        for what in found[:20]:
            print(f"{kind}: {what}")


if __name__ == "__main__":
    sys.exit(main())
