"""Plant each bug into a copy of the source, run its tests there, and print which were found.

Usage: python -m tests.mutants [--only NAME] [--sample N --seed S] [--json] [--write]. The source of the checkout is
never edited; --write notes the figures in docs/architecture/evidence/planted-bugs.md.
Returns 1 if a bug was not found or its patch does not apply, 2 if a test fails without any bug.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutants.bugs import ROOT, Bug, PatchError, choose, load

_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "--tb=line")
_TESTS_FAILED = 1
"""The exit status of pytest for tests that ran and failed; every other one but 0 is an error of the run."""

_SOUND_LIMIT = 1_800.0

PAGE = ROOT / "docs/architecture/evidence/planted-bugs.md"
"""The page with the table; a run of some bugs leaves the rows of the others as they are."""

_HEAD = ("| Promise | Bug | Found by | Seconds |", "|---|---|---|---|")


class Result(NamedTuple):
    """The outcome for one bug: found, not found, does not apply, no result, or took too long; and the seconds."""

    bug: Bug
    outcome: str
    seconds: float
    detail: str = ""


class Copy:
    """A copy of the tracked files in a temporary folder, in which tests import the copied source."""

    def __init__(self, folder: Path) -> None:
        """Copy what git tracks and what it would add; ignored files stay behind."""
        self.root = folder / "tree"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
        for name in filter(None, listed.split("\0")):
            source, target = ROOT / name, self.root / name
            if source.is_file() and not source.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        paths = [str(self.root / "src"), str(self.root)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FILMGATE_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self.env = kept | {
            "PYTHONPATH": os.pathsep.join(paths),
            # By size and hash, not by time: a bug and its undoing may come within one second.
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }
        found = self._python("-c", "import filmgate; print(filmgate.__file__)").strip()
        if not Path(found).is_relative_to(self.root):
            raise RuntimeError(f"tests of the copy would import {found}")

    def run(self, tests: Sequence[str], limit: float, *options: str) -> tuple[int | None, str]:
        """Run tests; return the exit status of pytest, or None where the time is up, and the end of its output."""
        each = max(30, int(limit) - 10)
        command = [sys.executable, *_PYTEST, f"--timeout={each}", *options, *tests]
        with tempfile.TemporaryFile("w+") as output:
            running = subprocess.Popen(
                command, cwd=self.root, env=self.env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                status: int | None = running.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # Services that the tests have started are in sessions of their own and end with them.
                if running.poll() is None:
                    os.killpg(running.pid, signal.SIGKILL)
                    running.wait()
            output.seek(0)
            return status, output.read()[-3_000:]

    def _python(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=self.env, capture_output=True, text=True, check=True
        ).stdout


def plant(copy: Copy, bug: Bug) -> Result:
    """Plant a bug, run its tests, and remove it again."""
    start = time.monotonic()
    try:
        changed = bug.apply(copy.root)
    except PatchError as error:
        return Result(bug, "does not apply", 0.0, str(error))
    before = {path: path.read_bytes() for path in changed}
    try:
        for path, text in changed.items():
            path.write_text(text, encoding="utf-8")
        status, output = copy.run(bug.tests, bug.limit, "-x")
    finally:
        for path, data in before.items():
            path.write_bytes(data)
            os.utime(path, (time.time(), time.time() + 1))
    seconds = time.monotonic() - start
    if status == _TESTS_FAILED:
        return Result(bug, "found", seconds)
    outcome = "not found" if status == 0 else "took too long" if status is None else "no result"
    return Result(bug, outcome, seconds, output)


def check_sound(copy: Copy, bugs: Sequence[Bug]) -> str:
    """Run all tests without any bug, those that fail once more; return what failed again, empty if all passed."""
    tests = list(dict.fromkeys(test for bug in bugs for test in bug.tests))
    status, output = copy.run(tests, _SOUND_LIMIT, "-n", "2", "--dist", "loadgroup")
    if status == _TESTS_FAILED and (failed := re.findall(r"^FAILED (.+?)(?: - .*)?$", output, re.MULTILINE)):
        # A machine with much else to do makes a test late that measures; a bug is there twice.
        status, output = copy.run([name.partition("@")[0] for name in failed], _SOUND_LIMIT)
    return "" if status == 0 else output


def show_table(results: Sequence[Result]) -> str:
    """Return the results as a table in Markdown."""
    return "\n".join((*_HEAD, *map(_row, results)))


def _row(result: Result) -> str:
    bug = result.bug
    tests = ", ".join(dict.fromkeys(f"`{test.partition('::')[0]}`" for test in bug.tests))
    found_by = tests if result.outcome == "found" else result.outcome.upper()
    return f"{_place(bug)} {found_by} | {max(1.0, result.seconds):.0f} |"


def _place(bug: Bug) -> str:
    """Return the beginning of the row of a bug, by which it is known on the page."""
    return f"| {', '.join(filter(None, (str(bug.promise), bug.pool)))} | {bug.wrong} |"


def write_page(page: str, bugs: Sequence[Bug], results: Sequence[Result], today: str) -> str:
    """Return the page with the results, in the order of all bugs; a bug that was never planted has no row."""
    rows = {_place(bug): line for bug in bugs for line in page.splitlines() if line.startswith(_place(bug))}
    rows |= {_place(result.bug): _row(result) for result in results}
    kept = [rows[_place(bug)] for bug in bugs if _place(bug) in rows]
    missed = sum(not line.split(" | ")[-2].startswith("`") for line in kept)
    seconds = sum(int(line.split(" | ")[-1].strip(" |")) for line in kept)
    found, minutes = len(kept) - missed, max(1, round(seconds / 60))
    said = f"On {today} the tests found {found} of {len(kept)} bugs, in {minutes} minutes of test runs."
    for mark, text in {"bugs": "\n".join((*_HEAD, *kept)), "figures": said}.items():
        before, _, rest = page.partition(f"<!-- {mark} -->\n")
        page = f"{before}<!-- {mark} -->\n{text}\n<!-- /{mark} -->{rest.partition(f'<!-- /{mark} -->')[2]}"
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant the bugs that are asked for and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a bug, by its name; repeatable")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="plant so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0, help="what the sample is drawn by (0)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, not a table")
    parser.add_argument("--write", action="store_true", help="note the figures in the documentation")
    parser.add_argument("--unchecked", action="store_true", help="do not run the tests without any bug first")
    parser.add_argument("--list", action="store_true", help="list the names and end")
    given = parser.parse_args(arguments)
    bugs = load()
    if given.list:
        print("\n".join(bug.name for bug in bugs))
        return 0
    unknown = sorted({*given.only} - {bug.name for bug in bugs})
    if unknown:
        parser.error(f"no bug is named {', '.join(unknown)}; --list lists the names")
    chosen = choose(bugs, given.only, sample=given.sample, seed=given.seed)
    with tempfile.TemporaryDirectory(prefix="filmgate-mutants-") as folder:
        copy = Copy(Path(folder))
        if not given.unchecked:
            print(f"running the tests of {len(chosen)} bugs without any of them", file=sys.stderr, flush=True)
            if failed := check_sound(copy, chosen):
                print(f"a test fails without any bug:\n{failed}", file=sys.stderr)
                return 2
        results = []
        for number, bug in enumerate(chosen, 1):
            result = plant(copy, bug)
            results.append(result)
            progress = f"[{number}/{len(chosen)}] {bug.name}: {result.outcome} in {result.seconds:.0f} s"
            print(progress, file=sys.stderr, flush=True)
            if result.outcome != "found":
                print(result.detail, file=sys.stderr, flush=True)
    if given.write:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        PAGE.write_text(write_page(PAGE.read_text("utf-8"), bugs, results, today), "utf-8")
    if given.json:
        rows = [
            {"name": bug.name, "promise": bug.promise, "pool": bug.pool, "outcome": outcome, "seconds": round(took, 1)}
            for bug, outcome, took, _ in results
        ]
        print(json.dumps(rows, indent=1))
    else:
        print(show_table(results))
    return int(any(result.outcome != "found" for result in results))


if __name__ == "__main__":
    sys.exit(main())
