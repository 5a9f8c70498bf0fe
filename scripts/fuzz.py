"""Send odd requests to every route of a service that is started for it, and say what came of them.

python scripts/fuzz.py [--inputs 10000] [--seed 1] [--json]

The same seed sends the same requests. The exit code is 1 if anything was wrong: a server error that is not promised, a
traceback, an error in a form that is not its dialect's, a service that has ended or has grown without bound.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.service.fuzzing import OPTIONS, Fuzzer
from tests.support.service import RunningService

_STEP = 250


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def progress(sent: int) -> None:
        if sent % _STEP == 0 and not options.json:
            print(f"\r{sent} of {options.inputs} requests, {len(fuzzer.faults)} faults", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        service = RunningService(Path(folder) / "data", **OPTIONS).start()
        try:
            fuzzer = Fuzzer(service)
            summary = fuzzer.run(options.inputs, options.seed, progress)
        finally:
            code = service.stop()
    faults = [*summary.faults, *([] if code == 0 else [f"the service ended with {code}"])]
    told = summary._replace(faults=faults)._asdict() | {"python": platform.python_version()}
    if options.json:
        print(json.dumps(told))
        return 1 if faults else 0
    print(f"\r{summary.inputs} requests to {summary.routes} routes in {summary.seconds} s, seed {summary.seed}")
    print("answers: " + ", ".join(f"{count}x {status}" for status, count in summary.statuses.items()))
    print(f"memory of the service: {summary.rss_before >> 20} MiB before, {summary.rss_after >> 20} MiB after")
    print(f"faults: {len(faults)}", *faults[:20], sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
