"""The steps of CONTRIBUTING.md, followed word for word in a copy of the source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import ROOT, page

STEP = re.compile(
    r"^(?:Create `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`,\s(?P<how>after|before|replace) `(?P<spot>[^`]+)`):\n\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

LEDGER = """
import asyncio, sys
from pathlib import Path
from filmgate.adapters.ledger.sqlite import SqliteLedger
from tests.ledger.examples import A, ECHO, advance, task
from filmgate.ports.keys import ApiKey

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.open()
    await ledger.add_application(A)
    one = task(note="to be kept")
    await ledger.submit(one, ECHO, [advance(one)])
    found = await ledger.get(A.id, one.id)
    await ledger.close()
    print(found.note)

asyncio.run(main())
"""

STUDIO = """
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.layers import layers

scene = imagine("a red kite over the ocean", 1).scene
assert any("kite" in name for layer in layers(scene, 0.0) for name in layer.files), scene
print(*(figure.name for figure in scene.figures))
"""


def section(title: str) -> str:
    """Return the text of a section of the page."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def follow(title: str, folder: Path) -> dict[str, str]:
    """Take the steps of a section in a copy of the source; return the environment in which the copy is used."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    steps = list(STEP.finditer(section(title)))
    assert steps
    for step in steps:
        if step["new"]:
            path = folder / step["new"]
            assert not path.exists()
            path.write_text(step["text"])
            continue
        path = folder / step["file"]
        lines, spot = path.read_text().splitlines(keepends=True), step["spot"]
        if step["how"] == "replace":
            whole = "".join(lines)
            assert whole.count(spot) == 1, spot
            path.write_text(whole.replace(spot, step["text"].rstrip("\n")))
            continue
        [at] = [number for number, line in enumerate(lines) if line.rstrip("\n") == spot]
        at += step["how"] == "after"
        path.write_text("".join([*lines[:at], step["text"], *lines[at:]]))
    return os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}"}


def run(environment: dict[str, str], *arguments: str) -> str:
    """Run Python on the copy and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_command_is_added(tmp_path: Path):
    """The new command is there and does what it says."""
    environment = follow("Add a command", tmp_path)
    assert run(environment, "-m", "filmgate", "hello", "--name", "Ada") == "Hello, Ada.\n"
    assert "Greet by name." in run(environment, "-m", "filmgate", "--help")


def test_a_column_is_added(tmp_path: Path):
    """A task comes back with the new column."""
    environment = follow("Add a column to the ledger", tmp_path)
    assert run(environment, "-c", LEDGER, str(tmp_path / "ledger.db")) == "to be kept\n"


def test_a_subject_is_added(tmp_path: Path):
    """The new subject is in the scene of a prompt that names it."""
    environment = follow("Add a subject to the studio", tmp_path)
    assert run(environment, "-c", STUDIO).split() == ["kite"]


@pytest.mark.parametrize("title", ["Add a provider that speaks a known dialect", "Add a dialect"])
def test_the_files_are_there(title: str):
    """Each file that a list names exists."""
    files = re.findall(r"`([\w./]+\.\w+)`", section(title))
    assert len(files) >= 5
    for name in files:
        assert (ROOT / name).is_file(), name
