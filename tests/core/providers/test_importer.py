"""Taking over tasks that a provider made before the service knew of them."""

from __future__ import annotations

import asyncio

import pytest

from filmgate.core.providers import importer as module
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound, Unavailable
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import Stage, State
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.provider import Status, TaskRef
from tests.core.small_core import OWNER, PROVIDER, STRANGER, Core, busy, until

THEIRS = "their-task-1"
SECOND = "their-task-2"


def known(core: Core, *ids: str, **fields: object) -> None:
    """Let the provider know tasks."""
    for each in ids:
        core.provider.reports[each] = [Status(TaskRef(each, f"video-{each}"), State.PROCESSING, **fields)]  # type: ignore[arg-type]


async def test_a_task_of_a_provider_becomes_ours(core: Core):
    """Under its own id, with its prompt and its time, and it is polled from then on."""
    asked = Generation("a lake", start=Reference(ReferenceKind.IMAGE, "http://theirs.test/a.png"))
    known(core, THEIRS, asked=asked, created_at=900.0)
    task = await core.importer.import_task(OWNER, PROVIDER, THEIRS)
    assert (task.id, task.upstream_id, task.stage) == (THEIRS, THEIRS, Stage.POLL)
    assert (task.created_at, task.started_at, task.generation) == (900.0, 900.0, Generation("a lake"))
    assert task.deadline_at == core.clock() + core.table[PROVIDER].deadline
    assert await core.tasks.get(OWNER, THEIRS) == task
    assert await core.ledger.next_work(queue_of(Queue.POLL, PROVIDER)) is not None
    assert await core.importer.import_task(OWNER, PROVIDER, THEIRS) == task


async def test_a_time_that_lies_ahead_is_not_believed(core: Core):
    """Its clock may be wrong."""
    known(core, THEIRS, created_at=10**12)
    assert (await core.importer.import_task(OWNER, PROVIDER, THEIRS)).created_at == core.clock()


async def test_what_cannot_be_taken_over_is_said(core: Core):
    """Unknown engines and tasks, ids that cannot be one, and a provider that does not answer."""
    with pytest.raises(NotFound, match="no provider 'elsewhere' here: provider"):
        await core.importer.import_task(OWNER, "elsewhere", THEIRS)
    with pytest.raises(InvalidRequest, match="8 to 128"):
        await core.importer.import_task(OWNER, PROVIDER, "../etc")
    with pytest.raises(NotFound, match="knows no task"):
        await core.importer.import_task(OWNER, PROVIDER, THEIRS)
    core.provider.reports[THEIRS] = [busy("not now")]
    with pytest.raises(Unavailable, match="not now"):
        await core.importer.import_task(OWNER, PROVIDER, THEIRS)
    assert core.importer.is_wanted


async def test_a_provider_that_is_asked_by_too_many_is_given_up(core: Core, monkeypatch: pytest.MonkeyPatch):
    """The admin gets an answer in any case."""

    async def never(_: object) -> list[Status]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(module, "_LONGEST_TURN", 0.01)
    monkeypatch.setattr(core.provider, "query", never)
    with pytest.raises(Unavailable, match="others are"):
        await core.importer.import_task(OWNER, PROVIDER, THEIRS)


async def test_a_task_of_another_application_is_not_taken_over(core: Core):
    """Neither is one that another task of ours is at the provider."""
    known(core, THEIRS)
    await core.importer.import_task(OWNER, PROVIDER, THEIRS)
    with pytest.raises(Conflict):
        await core.importer.import_task(STRANGER, PROVIDER, THEIRS)
    task = await core.to_provider()
    assert task.upstream_id is not None
    known(core, task.upstream_id)
    with pytest.raises(Conflict, match="another task here"):
        await core.importer.import_task(OWNER, PROVIDER, task.upstream_id)


async def test_queries_take_over_what_the_provider_knows(core: Core):
    """Of several ids those that are known; the others are not asked about again for a minute."""
    known(core, THEIRS)
    assert await core.importer.for_query(OWNER, [THEIRS, SECOND, "short"])
    assert (await core.tasks.get(OWNER, THEIRS)).state is State.PROCESSING
    core.provider.queried.clear()
    known(core, SECOND)
    assert not await core.importer.for_query(OWNER, [SECOND])
    assert not core.provider.queried.is_set()
    assert not await core.importer.for_query(STRANGER, [SECOND])


@pytest.mark.parametrize("forgotten", [False, True])
async def test_deleted_tasks_stay_deleted(core: Core, monkeypatch: pytest.MonkeyPatch, *, forgotten: bool):
    """A query does not bring them back, nor when the ids of the provider are forgotten after their time."""

    async def find_none(*_: object) -> dict[str, str]:
        return {}

    known(core, THEIRS)
    await core.importer.for_query(OWNER, [THEIRS])
    await core.tasks.delete(OWNER, THEIRS)
    if forgotten:
        monkeypatch.setattr(core.ledger, "find_upstream", find_none)
    core.provider.queried.clear()
    assert not await core.importer.for_query(OWNER, [THEIRS])
    assert not core.provider.queried.is_set()


async def test_a_provider_without_an_answer_is_asked_again_sooner(core: Core, monkeypatch: pytest.MonkeyPatch):
    """What is not certain is forgotten sooner; a search that takes too long counts as no answer."""
    monkeypatch.setattr(module, "_FORGET_SOON", 0.0)
    core.provider.reports[THEIRS] = [busy()]
    assert not await core.importer.for_query(OWNER, [THEIRS])
    with monkeypatch.context() as hasty:
        hasty.setattr(module, "_PATIENCE", 0.0)
        known(core, THEIRS)
        assert not await core.importer.for_query(OWNER, [THEIRS])
    assert await core.importer.for_query(OWNER, [THEIRS])


async def test_equal_queries_share_one_search(core: Core, monkeypatch: pytest.MonkeyPatch):
    """One that is given up does not end that of the others."""
    known(core, THEIRS)
    go_on, asked = asyncio.Event(), 0
    query = core.provider.query

    async def slow(ids: list[str]) -> list[Status]:
        nonlocal asked
        asked += 1
        await go_on.wait()
        return await query(ids)

    monkeypatch.setattr(core.provider, "query", slow)
    first, second = (asyncio.create_task(core.importer.for_query(OWNER, [THEIRS])) for _ in range(2))
    await until(lambda: asked)
    first.cancel()
    go_on.set()
    assert await second
    assert asked == 1


async def test_strange_ids_are_remembered_within_bounds(core: Core, monkeypatch: pytest.MonkeyPatch):
    """The oldest go first."""
    monkeypatch.setattr(module, "_REMEMBERED", 1)
    await core.importer.for_query(OWNER, [THEIRS])
    await core.importer.for_query(OWNER, [SECOND])
    assert [name for _, name in core.importer._strangers] == [SECOND]


async def test_one_that_is_somebody_elses_does_not_stop_the_others(core: Core):
    """It stays unknown to whoever asks."""
    known(core, THEIRS, SECOND)
    await core.importer.import_task(STRANGER, PROVIDER, THEIRS)
    assert await core.importer.for_query(OWNER, [THEIRS, SECOND])
    with pytest.raises(NotFound):
        await core.tasks.get(OWNER, THEIRS)
    assert await core.tasks.get(OWNER, SECOND)
