"""Which engine makes a task, and why."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeGuard

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.providers.models import Models
from filmgate.domain.adjustments import Adjustment, Terms, describe, remaining_changes
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.limits import standard_price
from filmgate.domain.settings import DEFAULT_ENGINE, EngineSettings
from filmgate.domain.task import Task
from filmgate.ports.engine import Engine
from filmgate.ports.provider import InputMode
from filmgate.ports.tasks import TaskReads

ANY_TERMS = Terms()
"""Those of a request that names no values: everything may be changed."""


class Verdict(StrEnum):
    """What speaks for or against an engine."""

    CHOSEN = "chosen"
    STANDBY = "standby"
    TROUBLED = "troubled"
    REFUSES = "refuses"


class Candidate(msgspec.Struct, frozen=True):
    """An engine that was looked at for a generation; `credits` is the price there."""

    engine: str
    verdict: Verdict
    reason: str
    credits: float = 0.0


class Router:
    """Orders the engines of a model: usable before troubled, then by whose clip is gone on from, priority, weight."""

    def __init__(
        self,
        ledger: TaskReads,
        settings: Mapping[str, EngineSettings],
        engines: Mapping[str, Engine],
        accounts: Mapping[str, Account],
        *,
        default_engine: str | None = DEFAULT_ENGINE,
        default_model: str | None = None,
    ) -> None:
        self.models = Models(settings, engines, accounts, default_engine=default_engine, default_model=default_model)
        self._ledger = ledger
        self._settings = settings
        self._engines = engines
        self._accounts = accounts

    def choose(self, generation: Generation, origin: str | None, terms: Terms = ANY_TERMS) -> str:
        """Choose the engine of a new task. If all refuse, it is the first, and its reason ends the task.

        Raises InvalidRequest if they refuse strict terms.
        """
        found = self.candidates(generation, origin, terms)
        if terms.strict and found[0].verdict is Verdict.REFUSES:
            raise self._strictly_refused(found, generation, terms)
        return found[0].engine

    def next_engine(
        self, generation: Generation, origin: str | None, tried: Collection[str], terms: Terms = ANY_TERMS
    ) -> str | None:
        """Choose an engine that was not tried yet and is in no trouble, None if there is none."""
        usable = (Verdict.CHOSEN, Verdict.STANDBY)
        found = self.candidates(generation, origin, terms)
        return next((each.engine for each in found if each.verdict in usable and each.engine not in tried), None)

    def candidates(self, generation: Generation, origin: str | None, terms: Terms = ANY_TERMS) -> list[Candidate]:
        """Return the engines of the generation's model, the best first, each with what speaks for or against it.

        There are none for a model that is not known (any more).
        """
        names = self.models.makers(generation.model)
        refusals = {name: self._refusal(name, generation, origin, terms) for name in names}
        able = sorted((name for name in names if refusals[name] is None), key=lambda name: self._rank(name, origin))
        refusing = [Candidate(name, Verdict.REFUSES, refusals[name] or "") for name in names if refusals[name]]
        return [self._able(name, place, generation, origin) for place, name in enumerate(able)] + refusing

    async def origin(self, task: Task) -> str | None:
        """Return which engine made the clip that a task goes on from, if it goes on from one of ours."""
        return await self.origin_of(task.generation, task.application_id)

    async def origin_of(self, generation: Generation, application_id: str) -> str | None:
        """Return which engine made the clip that a generation goes on from, if it goes on from one of ours."""
        for side in filter(_is_task, (generation.start, generation.end)):
            earlier = await self._ledger.get(application_id, side.value)
            if earlier is not None:
                return earlier.engine
        return None

    def price(self, engine: str, generation: Generation) -> float:
        """Return what a task costs at an engine, in credits."""
        price = self.models.settings(engine, generation.model).credits
        return standard_price(generation) if price is None else price

    def remarks(self, engine: str, generation: Generation, terms: Terms) -> dict[str, Any]:
        """Return the notes of a task for an engine: whether it makes previews, and the values it changes."""
        preview = engine not in self._accounts and self._engines[engine].preview
        return {"preview": preview, "adjustments": self.changes(engine, generation, terms)}

    def changes(self, engine: str, generation: Generation, terms: Terms) -> tuple[Adjustment, ...]:
        """Return which values an engine would not use as they were asked for."""
        account = self._accounts.get(engine)
        maker = self._engines[engine] if account is None else account.provider
        return remaining_changes(terms, maker.changes(generation))

    def upstream_model(self, engine: str, model: str | None) -> str | None:
        """Return an engine's own name of a model."""
        return self.models.settings(engine, model).name or model

    def _rank(self, name: str, origin: str | None) -> tuple[bool, bool, int, float]:
        engine = self._settings[name]
        # Weighted at random without repeating: the greatest of u^(1/w) is a fair draw.
        draw = random.random() ** (1 / engine.weight)  # noqa: S311 - spreads load, hides nothing
        return self._trouble(name) is not None, origin is not None and origin != name, engine.priority, -draw

    def _able(self, name: str, place: int, generation: Generation, origin: str | None) -> Candidate:
        trouble = self._trouble(name)
        price = self.price(name, generation)
        if trouble is not None:
            return Candidate(name, Verdict.TROUBLED, trouble, price)
        engine = self._settings[name]
        why = f"makes {generation.model or 'every model'}, priority {engine.priority}, weight {engine.weight:g}"
        if origin == name:
            why += ", made the clip it goes on from"
        return Candidate(name, Verdict.CHOSEN if place == 0 else Verdict.STANDBY, why, price)

    def _trouble(self, name: str) -> str | None:
        account = self._accounts.get(name)
        return None if account is None else account.trouble

    def _strictly_refused(self, found: list[Candidate], generation: Generation, terms: Terms) -> InvalidRequest:
        changes = [change for each in found for change in self.changes(each.engine, generation, terms)]
        field = terms.names.get(changes[0].field, changes[0].field) if changes else None
        reasons = " ".join(dict.fromkeys(each.reason for each in found))
        return InvalidRequest(f"Nothing here makes this exactly as asked (strict). {reasons}", field=field)

    def _refusal(self, name: str, generation: Generation, origin: str | None, terms: Terms) -> str | None:
        """Return why an engine cannot make a generation on these terms, None if it can."""
        refusal = self._unable(name, generation, origin)
        if refusal is None and terms.strict:
            return describe(self.changes(name, generation, terms), terms.names) or None
        return refusal

    def _unable(self, name: str, generation: Generation, origin: str | None) -> str | None:
        wanted = self._settings[name].operations
        if wanted and generation.operation not in wanted:
            return f"is used for {', '.join(wanted)} only"
        account = self._accounts.get(name)
        if account is None:
            refusal = self._engines[name].refuse(generation)
            return None if refusal is None else refusal.message
        if generation.kind not in self.models.capabilities(name, generation.model).kinds:
            return f"makes no {generation.kind}s with the model {generation.model}"
        refusal = account.provider.refuse(generation)
        if refusal is not None:
            return refusal.message
        means = account.provider.means
        ways = {*means.get(ReferenceKind.TASK, ()), *means.get(ReferenceKind.VIDEO, ())}
        if any(map(_is_task, (generation.start, generation.end))) and origin != name and not ways - {InputMode.TASK}:
            return "can only go on from a video that it made itself"
        return None


def _is_task(reference: Reference | None) -> TypeGuard[Reference]:
    return reference is not None and reference.kind is ReferenceKind.TASK
