"""Every planted bug applies to the source as it is, and each promise and shared pool has some."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.mutants.__main__ import Result, write_page
from tests.mutants.bugs import POOLS, PROMISES, ROOT, Bug, Edit, PatchError, choose, load

BUGS = load()

_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_patch_applies_and_its_files_parse(bug: Bug):
    """The old text of each edit is there once, and what is Python stays Python."""
    for path, text in bug.apply(ROOT).items():
        assert path.is_relative_to(ROOT / "src/filmgate"), "a bug is in the source, not in a test"
        if path.suffix == ".py":
            ast.parse(text)


@cache
def _names(path: Path) -> frozenset[str]:
    """Return the names of the functions and classes at the top of a file."""
    return frozenset(each.name for each in ast.parse(path.read_text()).body if isinstance(each, _NAMED))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_tests_of_a_bug_are_there(bug: Bug):
    """Each test id names a file, and a function or class at its top; a method may be inherited."""
    assert bug.tests
    for node in bug.tests:
        path, *names = node.partition("[")[0].split("::")
        found = _names(ROOT / path)
        if names:
            assert names[0] in found, node
        if len(names) > 1:
            places = [ROOT / path, *(ROOT / path).parent.glob("conformance*.py")]
            assert any(f"def {names[1]}(" in place.read_text() for place in places), node


def test_every_promise_and_pool_has_bugs():
    """There are thirty bugs at least, two for each promise and each shared pool, each with a name of its own."""
    assert len(BUGS) >= 30
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert {number: count >= 2 for number, count in Counter(bug.promise for bug in BUGS).items()} == dict.fromkeys(
        PROMISES, True
    )
    pools = Counter(bug.pool for bug in BUGS if bug.promise == 9)
    assert {pool: count >= 2 for pool, count in pools.items()} == dict.fromkeys(POOLS, True)
    assert {bug.pool for bug in BUGS if bug.promise != 9} == {""}


@pytest.mark.parametrize(("file", "old"), [("none.py", "one"), ("some.py", "two"), ("some.py", "one")])
def test_a_patch_that_does_not_apply_is_an_error(tmp_path: Path, file: str, old: str):
    """A missing file, a missing text and one that is there twice are errors, not bugs that were not found."""
    (tmp_path / "some.py").write_text("one\none\n")
    bug = Bug("a bug", 1, "Wrong.", (Edit(file, old, "three"),), ("tests/none.py",))
    with pytest.raises(PatchError):
        bug.apply(tmp_path)


def test_a_sample_follows_from_its_seed():
    """The same seed draws the same bugs, and names choose those named."""
    assert choose(BUGS, sample=3, seed=7) == choose(BUGS, sample=3, seed=7)
    assert len(choose(BUGS, sample=3, seed=7)) == 3
    assert len({bug.name for seed in range(100) for bug in choose(BUGS, sample=3, seed=seed)}) > len(BUGS) / 2
    assert choose(BUGS, [BUGS[1].name]) == [BUGS[1]]


def test_figures_of_some_bugs_leave_those_of_others():
    """The page has the rows in the order of the bugs; what was removed goes, what was planted again is replaced."""
    one, two, gone = (
        Bug(name, 9 if name == "two" else 1, f"{name} is wrong.", (), ("tests/a.py::test_b",), pool)
        for name, pool in (("one", ""), ("two", "downloads"), ("gone", ""))
    )
    page = "# Page\n<!-- figures -->\n<!-- /figures -->\ntext\n<!-- bugs -->\n<!-- /bugs -->\nend\n"
    page = write_page(page, [two, gone], [Result(gone, "found", 60.4), Result(two, "found", 0.2)], "2026-01-01")
    page = write_page(page, [one, two], [Result(one, "not found", 59.0)], "2026-01-02")
    assert page.splitlines() == [
        "# Page", "<!-- figures -->",
        "On 2026-01-02 the tests found 1 of 2 bugs, in 1 minutes of test runs.",
        "<!-- /figures -->", "text", "<!-- bugs -->", "| Promise | Bug | Found by | Seconds |", "|---|---|---|---|",
        "| 1 | one is wrong. | NOT FOUND | 59 |", "| 9, downloads | two is wrong. | `tests/a.py` | 1 |",
        "<!-- /bugs -->", "end",
    ]  # fmt: skip
