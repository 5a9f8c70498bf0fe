"""Defects that the kill tests must notice: each is planted in a service that is killed, by changing it in memory.

Nothing of this is shipped. `python -m tests.kill.mutants` tries all of them, and prints what noticed each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from filmgate.faults import Point

_MOMENT = 0.2


class Mutant(NamedTuple):
    """A defect: what is wrong, what plants it, where the service is killed, what its clients do, what is to notice it.

    An empty fault is a kill at a random moment.
    """

    wrong: str
    plant: Callable[[], None]
    faults: tuple[str, ...]
    acts: tuple[str, ...]
    kinds: frozenset[str]
    backups: bool = False


class Notice(NamedTuple):
    """What has noticed a defect, after how many kills. Nothing if it was not."""

    kinds: tuple[str, ...]
    kills: int


def _repeat_after_crash() -> None:
    from filmgate.core.providers.submit import ProviderSubmit
    from filmgate.domain.states import Stage

    async def again(_: ProviderSubmit, attempt: Any, _folder: Path) -> None:
        await attempt.commit(stage=Stage.SUBMIT)

    ProviderSubmit._resume_interrupted = again  # type: ignore[method-assign]


def _believe_every_refusal() -> None:
    from filmgate.core.providers.account import Account
    from filmgate.ports.provider import ProviderError

    submit = Account.submit

    async def sure(self: Account, submission: Any) -> Any:
        try:
            return await submit(self, submission)
        except ProviderError as trouble:
            trouble.accepted = False
            raise

    Account.submit = sure  # type: ignore[method-assign]


def _answer_before_commit() -> None:
    from filmgate.adapters.ledger.sqlite import SqliteLedger

    submit = SqliteLedger.submit
    later: set[asyncio.Task[None]] = set()

    async def soon(self: SqliteLedger, *arguments: Any, **more: Any) -> None:
        async def commit() -> None:
            await asyncio.sleep(_MOMENT)
            await submit(self, *arguments, **more)

        later.add(asyncio.ensure_future(commit()))

    SqliteLedger.submit = soon  # type: ignore[method-assign]


def _answer_group_before_commit() -> None:
    from filmgate.adapters.ledger.sqlite.writer import Writer
    from filmgate.faults import reach

    commit = Writer._commit

    def early(self: Writer, group: list[Any]) -> list[Any]:
        if len(group) == 1:
            return commit(self, group)
        self._connection.execute("BEGIN IMMEDIATE")
        outcomes = [self._attempt(operation) for operation, _ in group]
        self._deliver(group, outcomes)
        time.sleep(_MOMENT)
        reach(Point.GROUP_BEGUN)
        self._connection.execute("COMMIT")
        return outcomes

    Writer._commit = early  # type: ignore[method-assign]


def _remember_keys_apart() -> None:
    from functools import partial

    from filmgate.adapters.ledger.sqlite import SqliteLedger, submits
    from filmgate.core.tasks.service import TaskService

    commit, accept = SqliteLedger.submit, TaskService.submit

    async def without(self: SqliteLedger, *arguments: Any, mark: Any = None, **more: Any) -> None:
        del mark
        await commit(self, *arguments, **more)

    async def then_with(self: TaskService, context: Any, order: Any, mark: Any = None) -> Any:
        task = await accept(self, context, order)
        if mark is not None:
            ledger: Any = self._ledger
            await ledger._write(partial(submits.mark, task=task, known_by=mark))
        return task

    SqliteLedger.submit = without  # type: ignore[method-assign]
    TaskService.submit = then_with  # type: ignore[method-assign]


def _name_webhooks_anew() -> None:
    from filmgate.ports.webhooks import WebhookEvent

    WebhookEvent.id = property(lambda self: f"msg_{self.task_id}_{os.getpid()}_{self.state}")  # type: ignore[assignment]


def _tell_ends_apart() -> None:
    from filmgate.core.work.attempt import Attempt

    commit = Attempt.commit

    async def apart(self: Attempt, due: tuple[Any, ...] = (), **changes: Any) -> None:
        if "finished_at" not in changes:
            await commit(self, due, **changes)
            return
        await commit(self, **changes)
        for each in due:
            await self._work_context.ledger.enqueue(each)
            self._work_context.dispatcher.wake(each.queue)

    Attempt.commit = apart  # type: ignore[method-assign]


def _import_what_is_known() -> None:
    from filmgate.adapters.ledger.sqlite import SqliteLedger, provider_ids

    async def nothing(*_: Any, **__: Any) -> dict[str, str]:
        return {}

    SqliteLedger.find_upstream = nothing  # type: ignore[method-assign]
    provider_ids.take = lambda *_, **__: None


def _forget_ids_of_deleted() -> None:
    from filmgate.adapters.ledger.sqlite import provider_ids

    def forget(connection: Any, task_id: str, now: float) -> None:
        del now
        connection.execute("DELETE FROM provider_ids WHERE task_id = ?", (task_id,))

    provider_ids.release = forget


def _sweep_what_is_referenced() -> None:
    from filmgate.core.work.garbage_collection import GarbageCollector

    async def sweep(self: GarbageCollector, folders: Any) -> int:
        for folder in folders:
            for key in await self._store.keys(folder):
                if "thumbnail" in key:
                    await self._store.remove(key)
        return 0

    GarbageCollector.sweep = sweep  # type: ignore[method-assign]


def _recall_nothing() -> None:
    from filmgate.adapters.ledger.sqlite import tasks

    tasks._recall = lambda *_: []
    tasks._seek = lambda *_: []


def _show_everything() -> None:
    from filmgate.adapters.ledger.sqlite import SqliteLedger

    get = SqliteLedger.get

    async def any_get(self: SqliteLedger, application_id: str, task_id: str) -> Any:
        rows = self._store.reader.rows("SELECT application_id FROM tasks WHERE id = ?", (task_id,))
        return await get(self, rows[0][0] if rows else application_id, task_id)

    async def any_get_many(self: SqliteLedger, application_id: str, task_ids: Any) -> list[Any]:
        found = [await any_get(self, application_id, task_id) for task_id in task_ids]
        return [task for task in found if task is not None]

    SqliteLedger.get = any_get  # type: ignore[method-assign]
    SqliteLedger.get_many = any_get_many  # type: ignore[method-assign]


def _leave_files_out_of_backups() -> None:
    from filmgate.ops import backup

    keep = backup._Backup._keep

    def some(self: Any, file: Any) -> None:
        if "thumbnail" not in file.key:
            keep(self, file)

    backup._Backup._keep = some  # type: ignore[method-assign]


_PAID = ("unkeyed paid", "paid", "look")
_TWICE = frozenset({"submits at the wire doubled", "unknown outcomes repeated"})
_LOST = frozenset({"lost", "lost in group commits"})
_STRANGE = frozenset({"foreign visible", "imports wrong"})
MUTANTS = {
    "repeat after crash": Mutant(
        "A paid submit that a crash has interrupted is sent again, without a key.",
        _repeat_after_crash, (f"{Point.PROVIDER_ANSWERED}:1",), _PAID, _TWICE,
    ),
    "believe every refusal": Mutant(
        "Every error of a provider counts as not accepted.", _believe_every_refusal, ("",), _PAID, _TWICE,
    ),
    "answer before commit": Mutant(
        "A request is answered a moment before its task is committed.",
        _answer_before_commit, (f"{Point.SUBMIT_READY}:3",), ("unkeyed",), _LOST,
    ),
    "answer group before commit": Mutant(
        "A group of several is answered before it is committed.",
        _answer_group_before_commit, (f"{Point.GROUP_BEGUN}:2", f"{Point.GROUP_BEGUN}:3"), ("burst",), _LOST,
    ),
    "remember keys apart": Mutant(
        "The idempotency record is written in a transaction of its own.",
        _remember_keys_apart, (f"{Point.SUBMIT_ACCEPTED}:1",), ("quick",), frozenset({"doubled"}),
    ),
    "name webhooks anew": Mutant(
        "A webhook has another id after a restart.",
        _name_webhooks_anew, (f"{Point.CALLBACK_SENT}:1",), ("quick",), frozenset({"webhook ids wrong"}),
    ),
    "tell ends apart": Mutant(
        "The webhook of an end is written in a transaction of its own.",
        _tell_ends_apart, (f"{Point.STAGE_DONE}:1",), ("quick",), frozenset({"webhooks missing"}),
    ),
    "import what is known": Mutant(
        "A job can be imported although it is another task's.",
        _import_what_is_known, ("",), ("gate", "foreign"), _STRANGE,
    ),
    "forget ids of deleted": Mutant(
        "A provider's id is forgotten with its task.",
        _forget_ids_of_deleted, ("",), ("gate", "delete end", "grave"), _STRANGE,
    ),
    "sweep what is referenced": Mutant(
        "The start removes files that are still referenced.",
        _sweep_what_is_referenced, (f"{Point.STAGE_DONE}:1",), ("scripted",), frozenset({"files wrong"}),
    ),
    "recall nothing": Mutant(
        "A cancel is not passed on to the provider.",
        _recall_nothing, ("",), ("marked", "cancel", "delete"), frozenset({"recalls missing"}),
    ),
    "show everything": Mutant(
        "Queries do not ask whose a task is.", _show_everything, ("",), ("quick", "foreign"), _STRANGE,
    ),
    "leave files out of backups": Mutant(
        "A backup lacks files.",
        _leave_files_out_of_backups, (f"{Point.STAGE_DONE}:2",), ("scripted",), frozenset({"backups wrong"}),
        backups=True,
    ),
}  # fmt: skip
"""By name."""

MOST = 8
"""Kills within which each has to be noticed."""


def notice(folder: Path, name: str, seed: int, most: int = MOST) -> Notice:
    """Kill a service that has a defect until something notices it, so often at most."""
    from tests.kill.chaos import Chaos

    mutant = MUTANTS[name]
    with Chaos(folder, seed, mutant=name, acts=mutant.acts) as chaos:
        return until_noticed(chaos, mutant, most)


def until_noticed(chaos: Any, mutant: Mutant, most: int) -> Notice:
    """Kill a service as a defect wants it, until something is wrong, so often at most."""
    chaos.patience = 40.0
    before = len(chaos.rounds)
    for number in range(1, most + 1):
        chaos.suffer(1, faults=mutant.faults)
        if not chaos.broken & mutant.kinds:
            chaos.look_at_everything()
        if mutant.backups:
            chaos.backups.begin()
            chaos.backups.check()
        if chaos.broken & mutant.kinds:
            return Notice(tuple(sorted(chaos.broken & mutant.kinds)), number)
    return Notice((), len(chaos.rounds) - before)


def main() -> int:
    """Try all defects, or those named, and print a table; return 1 if one was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(MUTANTS), help="some of the defects (all)")
    parser.add_argument("--seed", type=int, default=1, help="what all random moments come from (1)")
    asked = parser.parse_args()
    missed = 0
    print("| planted | noticed as | kills |\n|---|---|---|")
    for name in asked.names:
        found = notice(Path(tempfile.mkdtemp(prefix="filmgate-mutant-")), name, asked.seed)
        missed += not found.kinds
        noticed = ", ".join(f"`{kind}`" for kind in found.kinds) or "NOTHING"
        print(f"| {MUTANTS[name].wrong} | {noticed} | {found.kills} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
