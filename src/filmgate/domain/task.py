"""A task: one accepted generation and all that is known of it."""

from __future__ import annotations

from typing import Any

import msgspec

from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.media import Facts, Media, Output
from filmgate.domain.states import FINAL, Stage, State, WaitsFor
from filmgate.domain.words import is_stop_word


class FetchedInput(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a clip starts from, ends at or is guided by, fetched and re-encoded by us.

    `notes` is None for a picture, else what the engine of the earlier clip stored with it ({} for a foreign clip).
    """

    key: str
    notes: dict[str, Any] | None = None


class Resemblance(msgspec.Struct, frozen=True, omit_defaults=True):
    """A generation at a provider that may or may not be a task's: its id there, and when it was made if that is told.

    Its prompt and time fit, and that is all: only an admin can say that it is the task's.
    """

    id: str
    created_at: float | None = None


class SubmitAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A submit to a provider, as it was committed before it was sent: under which key, and when in unix seconds.

    `latest` is the last moment it may have been sent at, where that is not `at`. `looked` counts how often a submit
    without an answer was looked up since, `alike` is what resembled it the last time.
    """

    key: str
    at: float
    looked: int = 0
    latest: float | None = None
    alike: tuple[Resemblance, ...] = ()


class FinishedStills(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an engine told of a file that it wrote itself: the facts of the file, and the stills it made beside it.

    The stills are keys in the store. A picture has no last frame.
    """

    facts: Facts
    thumbnail: str
    thumbnail_facts: Facts
    last_frame: str | None = None
    last_frame_facts: Facts | None = None


class WorkState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the work has committed so far: inputs by name ("start", "end", "guide-0"), raw product, engine's notes.

    `stills` are those of an engine that makes its own. The rest is of tasks that a provider makes: the submit, the
    provider's name for the video, the addresses of what it made by role, the engines that did not take the task, how
    often none took it, whether it was submitted again although the first submit had no known outcome, and the price in
    credits. `trace` is where the submit was in a trace, as a `traceparent` header says it. `preview` says that the
    engine makes previews, `adjustments` which values it does not use as they were asked for; on which `terms` it may do
    so came with the request.
    """

    inputs: dict[str, FetchedInput] = {}
    product: str | None = None
    stills: FinishedStills | None = None
    notes: dict[str, Any] = {}
    asked: SubmitAttempt | None = None
    video: str | None = None
    links: dict[str, str] = {}
    tried: tuple[str, ...] = ()
    rounds: int = 0
    again: bool = False
    credits: float = 0.0
    trace: str | None = None
    preview: bool = False
    terms: Terms = Terms()
    adjustments: tuple[Adjustment, ...] = ()


class Task(msgspec.Struct, frozen=True):
    """One row of the ledger. Times are unix seconds, `progress` is percent, ids are lower-case UUIDs.

    `fence` grows with every claim and every act of the owner: who holds an older number can change nothing.
    `attempts` counts the crashes of the engine. `base_url` is the base address of links when it was submitted.
    `upstream_id` is what the provider calls a task that it has accepted. `next_attempt_at` is not stored: whoever shows
    a task sets it to when the provider is asked next.
    """

    id: str
    application_id: str
    credential_id: str
    user_id: str
    trace_id: str
    video_id: str
    dialect: str
    engine: str
    generation: Generation
    base_url: str
    callback_url: str | None
    created_at: float
    updated_at: float
    state: State = State.PENDING
    stage: Stage = Stage.SUBMIT
    fence: int = 0
    attempts: int = 0
    percent: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    deadline_at: float | None = None
    cancel_requested: bool = False
    work: WorkState = WorkState()
    output: Output | None = None
    failure: Failure | None = None
    upstream_id: str | None = None
    next_attempt_at: float | None = None

    @property
    def final(self) -> bool:
        """Whether the task has reached its one end."""
        return self.state in FINAL

    @property
    def waiting_for(self) -> WaitsFor | None:
        """What it waits for: its inputs to be fetched, a turn at its engine, or the provider that has it."""
        if self.final:
            return None
        if self.stage is Stage.INPUTS:
            return WaitsFor.INPUTS
        if self.stage is Stage.SUBMIT:
            return WaitsFor.ENGINE
        at_provider = self.stage is Stage.SUBMIT_UNKNOWN or (self.stage is Stage.POLL and bool(self.upstream_id))
        return WaitsFor.PROVIDER if at_provider else None

    @property
    def preview(self) -> bool:
        """Whether its engine only draws a scene from some words of the prompt."""
        return self.work.preview or self.work.notes.get("preview") is True

    @property
    def ignored_words(self) -> list[str]:
        """Return the words of the prompt that a preview ignored, as they were written; known once it is made."""
        words = self.work.notes.get("words_ignored")
        if not self.preview or not isinstance(words, list):
            return []
        return [word for word in words if isinstance(word, str) and not is_stop_word(word)]

    def link(self, media: Media | None, base: str) -> str | None:
        """Return the absolute address of one of its files below a base address."""
        return None if media is None else base + media.path
