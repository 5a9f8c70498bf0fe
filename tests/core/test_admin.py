"""What an admin sees and decides."""

from __future__ import annotations

import pytest

from filmgate.core.admin import Decision
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.provider import Status, TaskRef
from tests.core.small_core import LOCAL, OWNER, PROVIDER, Core, busy
from tests.core.test_task_service import DATA


async def unknown(core: Core, **fields: object) -> Task:
    """Submit a task whose submit has no known outcome."""
    core.provider.troubles = [busy("cut", accepted=True)]
    task = await core.to_provider(**fields)
    assert task.stage is Stage.SUBMIT_UNKNOWN
    return task


async def test_engines_are_shown_with_their_load(core: Core):
    """In the order of the configuration, one at a provider with its address and its trouble."""
    await core.submit()
    await unknown(core)
    await core.to_provider()
    local, provider = await core.admin.engines()
    assert (local.name, local.address, local.slots, local.waiting, local.healthy) == (LOCAL, None, 2, 1, True)
    assert (provider.name, provider.address, provider.slots) == (PROVIDER, "http://provider.test/v1", None)
    assert (provider.unknown, provider.in_flight) == (1, 1)


async def test_a_route_is_explained(core: Core):
    """The engine that would take it comes first."""
    found = await core.admin.route(Generation("a lake", model="theirs"), OWNER.caller.application_id, Terms())
    assert [each.engine for each in found] == [PROVIDER]


async def test_an_accepted_decision_follows_the_given_id(core: Core):
    """The task is polled as if its submit had been answered, with the engine's time from now."""
    task = await unknown(core)
    core.clock.pass_by(100)
    (seen,) = await core.admin.unknown_submits()
    assert seen.age == 100
    decided = await core.admin.decide(task.id, Decision.ACCEPTED, "their-id-1")
    assert (decided.stage, decided.upstream_id) == (Stage.POLL, "their-id-1")
    assert decided.deadline_at == core.clock() + core.table[PROVIDER].deadline
    assert await core.ledger.next_work(queue_of(Queue.POLL, PROVIDER)) == core.clock()
    assert await core.ledger.next_work(Queue.EXPIRE) == decided.deadline_at
    with pytest.raises(NotFound):
        await core.admin.decide(task.id, Decision.FAIL)


async def test_a_decision_may_send_it_once_more(core: Core):
    """Under a new key; whoever worked on it before is shut out."""
    task = await unknown(core)
    decided = await core.admin.decide(task.id, Decision.SUBMIT_AGAIN)
    assert (decided.stage, decided.work.asked) == (Stage.SUBMIT, None)
    assert decided.fence > task.fence
    assert await core.work(PROVIDER) == 1
    first, second = core.provider.submissions
    assert first.key != second.key


@pytest.mark.parametrize("callback", [None, "http://owner.test/hook"])
async def test_a_decision_may_end_it(core: Core, callback: str | None):
    """The owner is told, and its inputs are purged."""
    task = await unknown(core, callback=callback, start=Reference(ReferenceKind.IMAGE, DATA))
    decided = await core.admin.decide(task.id, Decision.FAIL)
    assert decided.failure is not None
    assert (decided.state, decided.failure.code) == (State.FAILED, "submit_unknown")
    assert len(await core.claim(Queue.WEBHOOK)) == bool(callback)
    assert await core.ledger.next_work(Queue.PURGE) is not None


async def test_decisions_that_do_not_fit_are_refused(core: Core, monkeypatch: pytest.MonkeyPatch):
    """An id is needed for one of them, and wanted for no other; what moved on is looked at again."""
    task = await unknown(core)
    for decision, upstream_id in ((Decision.ACCEPTED, None), (Decision.FAIL, "their-id-1")):
        with pytest.raises(InvalidRequest) as refused:
            await core.admin.decide(task.id, decision, upstream_id)
        assert refused.value.field == "upstream_id"
    taken = await core.to_provider()
    with pytest.raises(Conflict):
        await core.admin.decide(task.id, Decision.ACCEPTED, taken.upstream_id)

    async def gone(*_: object) -> None:
        return None

    monkeypatch.setattr(core.ledger, "commit", gone)
    with pytest.raises(Conflict, match="look again"):
        await core.admin.decide(task.id, Decision.FAIL)


async def test_what_resembles_a_submit_is_shown_unless_it_is_taken(core: Core):
    """The admin chooses; what another task has got since cannot be chosen."""
    core.provider.searches = True
    task = await unknown(core)
    core.provider.known = [
        Status(TaskRef(name), State.PROCESSING, asked=task.generation, created_at=core.clock())
        for name in ("alike-id-1", "alike-id-2")
    ]
    lookup = queue_of(Queue.LOOKUP, PROVIDER)
    due = await core.ledger.next_work(lookup)
    assert due is not None
    core.clock.now = due
    await core.work(lookup)
    (seen,) = await core.admin.unknown_submits()
    assert {each.id for each in seen.alike} == {"alike-id-1", "alike-id-2"}
    other = await unknown(core)
    await core.admin.decide(other.id, Decision.ACCEPTED, "alike-id-1")
    (seen,) = await core.admin.unknown_submits()
    assert {each.id for each in seen.alike} == {"alike-id-2"}
