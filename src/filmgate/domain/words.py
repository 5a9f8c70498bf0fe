"""The words of a prompt as their author wrote them, for engines that say which of them they ignored."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

MAX_WORDS: Final = 40
"""Words listed, at most."""

MAX_LENGTH: Final = 60
"""Characters of a listed word, at most; a longer one is cut and ends in an ellipsis."""

_STOP_WORDS = """a an the and or of in on at to from by for with as into onto over under up upon down out off near
    is are was were be been being am has have had do does did will would can could should may might must
    i you he she it we they me him us them my your his her its our their this that these those there here
    who which what when where while then than so very just also some any each through during between around about
    s t re ve ll d m"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words that nobody expects to see. `no`, `not` and `without` are none of them: they change what is meant."""

_APOSTROPHES: Final = "'\u2019"


def words_in(text: str) -> Iterator[str]:
    """Yield the words of a text as they are written, without punctuation, symbols and control characters.

    Numbers are words; an apostrophe inside a word belongs to it, a hyphen parts two.
    """
    word = ""
    for letter in f"{text} ":
        if unicodedata.category(letter)[0] in "LMN" or (word and letter in _APOSTROPHES):
            word += letter
        elif word:
            yield word.rstrip(_APOSTROPHES)
            word = ""


def is_stop_word(word: str) -> bool:
    """Return whether a word says nothing by itself."""
    return all(part in STOP_WORDS for part in word.lower().replace("\u2019", "'").split("'"))


def bounded_list(words: Iterable[str], *, unless: Callable[[str], bool] = is_stop_word) -> list[str]:
    """Return words in order, each once, bounded in number and length; without those that `unless` picks out."""
    found: dict[str, str] = {}
    for word in words:
        if len(found) == MAX_WORDS:
            break
        if not unless(word):
            found.setdefault(word.casefold(), word)
    return [word if len(word) <= MAX_LENGTH else word[: MAX_LENGTH - 1] + "…" for word in found.values()]
