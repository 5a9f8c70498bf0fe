"""Bugs as data: what is wrong, the text that is replaced, and the smallest tests that must fail with it."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).with_name("bugs.toml")

PROMISES = tuple(range(1, 12))
"""The numbers of the promises in the architecture."""

POOLS = (
    "name resolution", "downloads", "decoding", "engine slots", "parsing memory", "list reads", "webhook deliveries",
    "connections", "upload announcements",
)  # fmt: skip
"""What applications share, as promise 9 lists it."""


class PatchError(Exception):
    """A patch does not apply: its file is not there, or its old text is not there exactly once."""


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A replacement in one file, whose old text has to be there exactly once."""

    file: str
    old: str
    new: str

    def apply(self, text: str) -> str:
        """Return the text of the file with the bug. Raises PatchError."""
        found = text.count(self.old)
        if found != 1:
            raise PatchError(f"{self.file} has the old text {found} times, not once: {self.old.strip()[:80]!r}")
        if self.old == self.new:
            raise PatchError(f"{self.file}: the new text is the old one")
        return text.replace(self.old, self.new)


class Bug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bug: a name, the promise it breaks, a sentence, its edits, and the test ids that must fail with it.

    `pool` names the shared pool for a bug of promise 9. `limit` is how many seconds the tests may take.
    """

    name: str
    promise: int
    wrong: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    pool: str = ""
    limit: float = 120.0

    def apply(self, root: Path) -> dict[Path, str]:
        """Return the files of a tree that the bug changes, with their new text. Raises PatchError."""
        changed: dict[Path, str] = {}
        for edit in self.edits:
            path = root / edit.file
            if not path.is_file():
                raise PatchError(f"{edit.file} is not there")
            changed[path] = edit.apply(changed.get(path) or path.read_text(encoding="utf-8"))
        return changed


def load(path: Path = DATA) -> list[Bug]:
    """Return all bugs in the order of the file. Raises msgspec.ValidationError for a wrong entry."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return msgspec.convert(data["bug"], list[Bug])


def choose(bugs: Sequence[Bug], names: Sequence[str] = (), *, sample: int = 0, seed: int = 0) -> list[Bug]:
    """Return the bugs with these names, or a sample of so many drawn by a seed, or all. Raises KeyError."""
    if names:
        by_name = {bug.name: bug for bug in bugs}
        return [by_name[name] for name in names]
    if sample:
        drawn = {bug.name for bug in random.Random(seed).sample(list(bugs), min(sample, len(bugs)))}
        return [bug for bug in bugs if bug.name in drawn]
    return list(bugs)
