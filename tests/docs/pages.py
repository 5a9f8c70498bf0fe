"""The pages of the documentation, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_MARKED = re.compile(r"^<!-- (?P<mark>\w+) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]*)`")


class Snippet(NamedTuple):
    """A fenced block with a mark, an HTML comment, in the line before it."""

    page: str
    line: int
    mark: str
    language: str
    text: str


def page(name: str) -> str:
    """Read a page by its path below the root."""
    return (ROOT / name).read_text("utf-8")


def name_of(path: Path) -> str:
    """Give the path below the root."""
    return path.relative_to(ROOT).as_posix()


def snippets(mark: str) -> list[Snippet]:
    """Give all blocks of all pages that have this mark."""
    found = []
    for path in PAGES:
        text = path.read_text("utf-8")
        for match in _MARKED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            snippet = Snippet(name_of(path), line, match["mark"], match["language"], match["text"])
            found += [snippet] if snippet.mark == mark else []
    return found


def prose(text: str) -> str:
    """Give a page without its fenced blocks."""
    return _FENCED.sub("", text)


def links(text: str) -> list[str]:
    """Give the targets of the links outside of fenced blocks."""
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """Give the anchors of the headings."""
    words = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in _HEADING.findall(prose(text)))
    return {re.sub(r"\s", "-", word.strip()) for word in words}


def rows(text: str) -> Iterator[list[str]]:
    """Give the cells of all table rows outside of fenced blocks."""
    for line in prose(text).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def code(cell: str) -> list[str]:
    """Give what a cell has between backticks."""
    return _CODE.findall(cell)
