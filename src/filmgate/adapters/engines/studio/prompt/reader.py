"""One prompt as it is read: its words, and which of them were of use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from filmgate.adapters.engines.studio.prompt.vocabulary import FILLERS, meaning, words_of
from filmgate.domain.words import STOP_WORDS, bounded_list, is_stop_word, words_in

T = TypeVar("T")


class Reading:
    """The words of one prompt. Asking for the meaning of words marks those that have one as used."""

    def __init__(self, prompt: str) -> None:
        """Take the prompt as it was written."""
        self.words = words_of(prompt)
        self._prompt = prompt
        self._text = " ".join(prompt.lower().split())
        self._used: set[str] = set()
        self._taken: set[str] = set()

    def every(self, known: dict[str, T]) -> list[T]:
        """Return the meanings of all words the table knows, in order."""
        found = [(word, meaning(word, known)) for word in self.words if word not in self._taken]
        self._used.update(word for word, value in found if value is not None)
        return [value for _, value in found if value is not None]

    def first(self, known: dict[str, T]) -> T | None:
        """Return the meaning of the first word the table knows; the others that mean something count as used, too."""
        return next(iter(self.every(known)), None)

    def phrase(self, known: dict[str, T]) -> T | None:
        """Return the meaning of the first phrase of several words that the prompt holds."""
        held = [phrase for phrase in known if phrase in self._text]
        self.mark(word for phrase in held for word in phrase.split())
        return known[held[0]] if held else None

    def mark(self, words: Iterable[str]) -> None:
        """Count words as used."""
        self._used.update(words)

    def take(self, words: Iterable[str]) -> None:
        """Count words as used, and let nobody else have them: the colour of a cat is not that of the sky."""
        taken = set(words)
        self._used |= taken
        self._taken |= taken

    def used(self) -> list[str]:
        """Return the words that made a difference, in order."""
        return [word for word in self.words if word in self._used]

    def ignored_words(self) -> list[str]:
        """Return the words that made none, as they were written, but for those nobody expects to."""
        return bounded_list(words_in(self._prompt), unless=self._of_use)

    def _of_use(self, word: str) -> bool:
        """Return whether every part of a word that has a sense of its own made a difference, or says nothing."""
        known = self._used | STOP_WORDS | FILLERS
        counts = any(map(str.isnumeric, word))
        return is_stop_word(word) or (not counts and all(part in known for part in words_of(word)))
