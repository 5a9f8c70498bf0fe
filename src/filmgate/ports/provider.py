"""The port of providers: services elsewhere that make videos, each an account with them.

A provider translates and asks; it decides nothing. What its answers mean for a task is decided in the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from filmgate.domain.adjustments import Adjustment
from filmgate.domain.capabilities import Capabilities
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Guide, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.transport import ProviderClient

LONGEST_HOLD = 600.0
"""Seconds of a provider's Retry-After that are obeyed at most."""


class InputMode(StrEnum):
    """How a provider can be given a picture, a clip or an earlier task to work with."""

    TASK = "task"
    """By the id that the same account gave an earlier task."""

    ADDRESS = "address"
    """By an address that it can reach."""

    FILE = "file"
    """By the bytes themselves: inline, or as part of the request."""


class TaskRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a provider calls a task it has accepted; `video_id` is its name for the video, where that is another."""

    id: str
    video_id: str | None = None


class Input(msgspec.Struct, frozen=True):
    """An input in the first of the provider's means that can be had: exactly one of the three is there.

    `file` is a PNG or an MP4 that we wrote, `earlier` a task of the same account.
    """

    kind: ReferenceKind
    earlier: TaskRef | None = None
    address: str | None = None
    file: Path | None = None


class Submission(msgspec.Struct, frozen=True):
    """What is asked of a provider, once. `key` is ours and unique; `model` is the provider's own name of the model.

    `callback_url` is an address of ours that contains the key, if we have a public one.
    """

    key: str
    generation: Generation
    model: str | None = None
    start: Input | None = None
    end: Input | None = None
    guides: tuple[tuple[Guide, Input], ...] = ()
    callback_url: str | None = None


class Status(msgspec.Struct, frozen=True):
    """What a provider says of a task. `state` is None where its word is not known: that means wait.

    `links` are the addresses of the files it made; the account's line makes them full.
    `asked` is what it says was asked for, as far as it says so, and `created_at` when, in unix seconds. `marked` is
    True only where it carries the mark of the submission that was looked for: the submit key. `notes` are there if it
    says that what it made is a preview, as another Filmgate does: in an engine's words.
    """

    receipt: TaskRef
    state: State | None
    percent: int | None = None
    failure: Failure | None = None
    links: Mapping[Role, str] = {}
    asked: Generation | None = None
    created_at: float | None = None
    marked: bool = False
    notes: Mapping[str, Any] = {}


class ProviderError(Exception):
    """A provider gave no usable answer.

    `accepted` is False if it is certain that nothing was accepted, True if it may have been. `account` tells trouble
    of the whole account (its key, its balance, its address) from trouble of this request. `retry_after` is what the
    provider asked for, in seconds, `LONGEST_HOLD` at most: whoever obeys it has the same bound.
    """

    def __init__(
        self, message: str, *, accepted: bool = False, account: bool = False, retry_after: float | None = None
    ) -> None:
        """Take a sentence that names no secret."""
        super().__init__(message)
        self.message = message
        self.accepted = accepted
        self.account = account
        self.retry_after = None if retry_after is None else min(LONGEST_HOLD, max(0.0, retry_after))


class Provider(Protocol):
    """One account of a provider, spoken to in its dialect."""

    type: str

    line: ProviderClient

    batch: int
    """Ids in one query, at most; 1 where there is no batch query."""

    means: Mapping[ReferenceKind, tuple[InputMode, ...]]
    """How inputs can be given, the best way first."""

    searches: bool
    """Whether `find` can look up a submit whose answer was lost."""

    discards: bool
    """Whether a task can be taken back."""

    def capabilities(self, model: str | None) -> Capabilities:
        """Return what a model, by the provider's own name, can be asked for in this dialect."""

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the values of a generation that its requests cannot carry, each with its replacement."""

    def refuse(self, generation: Generation) -> Failure | None:
        """Return why this generation can never be asked for in this dialect, or None if it can."""

    async def submit(self, submission: Submission) -> TaskRef:
        """Ask for a generation, once. Raises EngineFailed with a definite verdict, ProviderError."""

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Ask about at most `batch` tasks and leave out those that the provider says it does not know.

        An answer that does not say so in the dialect's own words is trouble. Raises ProviderError.
        """

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """List tasks made since a time, in unix seconds, that this submission may have become, the likeliest first.

        What carries the mark of this submission is `marked`; what carries another mark is left out. Raises
        ProviderError.
        """

    async def discard(self, task_id: str) -> None:
        """Stop and discard a task at the provider; one it does not know is no trouble. Raises ProviderError."""
