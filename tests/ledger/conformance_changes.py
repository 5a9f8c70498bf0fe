"""What every ledger does with the numbers of changes."""

from __future__ import annotations

import asyncio

from filmgate.domain.states import State
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change, TaskChange

from .conformance import Tenants
from .examples import CANCELLED, NOW, A, B, submitted


class ChangeConformance(Tenants):
    """Every change of a task has a number, greater than all before it."""

    async def test_changes_are_in_the_order_of_their_commits(self, ledger: Ledger):
        """The list has each task once, at its last change, as it is now, whatever the clock said."""
        first, second = await submitted(ledger), await submitted(ledger)
        started = await ledger.last_change(A.id)
        changed = await ledger.commit(Change(task_id=first.id, fence=0, now=1.0, percent=5))
        listed = await ledger.changes(A.id, 0, 10)
        assert [(each.task_id, each.task) for each in listed] == [(second.id, second), (first.id, changed)]
        assert [each.number for each in listed] == sorted({each.number for each in listed})
        assert await ledger.changes(A.id, started, 10) == listed[1:] == [await ledger.change(A.id, first.id)]
        assert await ledger.last_change(A.id) == listed[-1].number

    async def test_every_way_to_change_a_task_is_a_change(self, ledger: Ledger):
        """Submit, commit, cancel and delete; not what was refused, and not a claim."""
        numbers = [await ledger.last_change(A.id)]
        task = await submitted(ledger)
        numbers.append(await ledger.last_change(A.id))
        (claim,) = await ledger.claim(task.engine, "w", NOW, 60.0)
        assert await ledger.last_change(A.id) == numbers[-1]
        assert claim.task is not None
        await ledger.commit(Change(task_id=task.id, fence=claim.task.fence, now=NOW, state=State.PROCESSING))
        numbers.append(await ledger.last_change(A.id))
        assert await ledger.commit(Change(task_id=task.id, fence=99, now=NOW, percent=1)) is None
        assert await ledger.last_change(A.id) == numbers[-1]
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        numbers.append(await ledger.last_change(A.id))
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        assert await ledger.last_change(A.id) == numbers[-1]
        await ledger.delete(A.id, task.id, NOW)
        numbers.append(await ledger.last_change(A.id))
        assert numbers[0] == 0
        assert numbers == sorted(set(numbers))

    async def test_changes_are_the_owner_s(self, ledger: Ledger):
        """Another application's changes are not listed, nor is its task found."""
        task = await submitted(ledger, B)
        assert await ledger.changes(A.id, 0, 10) == []
        assert await ledger.last_change(A.id) == 0
        assert (await ledger.change(A.id, task.id)).task is None

    async def test_pages_of_changes(self, ledger: Ledger):
        """A list goes on behind the last number of the page before."""
        await asyncio.gather(*(submitted(ledger) for _ in range(7)))
        whole = await ledger.changes(A.id, 0, 10)
        pages = [await ledger.changes(A.id, 0, 3)]
        while pages[-1]:
            pages.append(await ledger.changes(A.id, pages[-1][-1].number, 3))
        assert [each for page in pages for each in page] == whole
        assert [len(page) for page in pages] == [3, 3, 1, 0]

    async def test_a_deletion_is_remembered_for_a_day(self, ledger: Ledger):
        """A deleted task is listed without itself, until another is deleted a day later; no number comes again."""
        gone, later = await submitted(ledger), await submitted(ledger)
        await ledger.delete(A.id, gone.id, NOW)
        last = await ledger.last_change(A.id)
        assert (await ledger.changes(A.id, 0, 10))[-1] == TaskChange(last, gone.id, None)
        await ledger.delete(A.id, later.id, NOW + 86_401)
        (only,) = await ledger.changes(A.id, 0, 10)
        assert (only.task_id, only.task) == (later.id, None)
        assert only.number > last
