"""The pages for users are written for reading: short sentences, snippets, and the reader as "you"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from .pages import ROOT, USER_PAGES, prose

GUIDES = [path for path in USER_PAGES if {"tutorial", "how-to"} & {*path.parts}]
PICTURES = sorted((ROOT / "docs/pictures").glob("*.svg"))


def sentences(path: Path) -> Iterator[str]:
    """Return the sentences of a page, without tables, headings and blocks."""
    text = re.sub(r"<!--.*?-->", "", prose(path.read_text("utf-8")), flags=re.DOTALL)
    text = re.sub(r"^\s*\|.*$|^#.*$|^( {4}|\t).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for block in re.split(r"\n\s*\n|\n\s*[-*]\s", text):
        for sentence in re.split(r'(?<=[.!?])\s+(?=[A-Z`"*\[])', re.sub(r"\s+", " ", block).strip()):
            if len(sentence.split()) > 3:
                yield sentence


def test_sentences_are_short():
    """A sentence has 14 words or fewer on average."""
    lengths = [len(sentence.split()) for path in USER_PAGES for sentence in sentences(path)]
    assert sum(lengths) / len(lengths) <= 14


def test_guides_address_the_reader():
    """In a fifth of the sentences of the tutorial and the guides at least, the reader is "you"."""
    found = list(chain.from_iterable(map(sentences, GUIDES)))
    addressed = [sentence for sentence in found if re.search(r"\byou(r|rs|rself)?\b", sentence, re.IGNORECASE)]
    assert len(found) > 300
    assert len(addressed) >= len(found) / 5


def test_pages_have_snippets():
    """There are 8 blocks or more for every 1,000 words."""
    texts = [path.read_text("utf-8") for path in USER_PAGES]
    blocks = sum(text.count("```") // 2 for text in texts)
    assert 1000 * blocks / sum(len(text.split()) for text in texts) >= 8


def test_diagrams_can_be_read_in_light_and_dark():
    """Each diagram has a title, a description, its words as text, and colours for a dark system."""
    assert len(PICTURES) == 4
    for path in PICTURES:
        text = path.read_text("utf-8")
        for part in ("<title>", "<desc>", "<text ", "prefers-color-scheme: dark"):
            assert part in text, (path.name, part)
