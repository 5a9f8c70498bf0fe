"""`python -m tests.kill --kills 1000`: kill a service for as long as you like, and read what was lost."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.kill.ordeal import Ordeal


def main() -> int:
    """Run an ordeal, tell how it goes, and give 1 if a promise was broken."""
    asked = _arguments()
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="filmgate-torture-"))

    def tell(ordeal: Ordeal) -> None:
        done, seconds = len(ordeal.rounds), time.monotonic() - start
        line = (
            f"{done}/{asked.kills} kills, {len(ordeal.history.orders)} tasks, {len(ordeal.history.open)} unfinished, "
            f"{sum(map(len, ordeal.history.wrong.values()))} promises broken, {seconds:.0f} s, "
            f"about {seconds / done * (asked.kills - done):.0f} s to go"
        )
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif done % 50 == 0:
            print(line, file=sys.stderr, flush=True)

    with Ordeal(folder, asked.seed, studio=asked.kills // 50) as ordeal:
        try:
            ordeal.suffer(asked.kills, tell)
        except KeyboardInterrupt:
            print("\nthat is enough", file=sys.stderr, flush=True)
        print("\nlooking at everything …", file=sys.stderr, flush=True)
        ordeal.judge()
    report = ordeal.report() | {
        "seconds": round(time.monotonic() - start),
        "seed": asked.seed,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
    }
    _print(report, ordeal, as_json=asked.json)
    return int(any(ordeal.history.wrong.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how often the service is killed (1000)")
    parser.add_argument("--seed", type=int, default=1, help="what all random moments come from (1)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser.parse_args()


def _print(report: dict[str, object], ordeal: Ordeal, *, as_json: bool) -> None:
    wrong = {kind: found for kind, found in ordeal.history.wrong.items() if found}
    if as_json:
        print(json.dumps({**report, "hits": ordeal.hits, "wrong": wrong}, indent=2))
        return
    for name, value in report.items():
        print(f"{name:20} {value}")
    for kind, found in wrong.items():
        for what in found[:20]:
            print(f"{kind}: {what}")


if __name__ == "__main__":
    sys.exit(main())
