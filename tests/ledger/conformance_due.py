"""What every ledger does with due work: fair claims, leases, and giving back."""

from __future__ import annotations

import asyncio

import msgspec

from filmgate.domain.states import State
from filmgate.domain.work import LEASE_SECONDS, Queue, WorkItem, WorkKind, work_for
from filmgate.ports.keys import Application
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change, TaskFilter
from filmgate.ports.work import Claim

from .conformance import Tenants
from .examples import CANCELLED, ECHO, ENGINE, NOW, A, B, advance, output, submitted, task


async def claimed(ledger: Ledger, queue: str = ENGINE, worker: str = "w", lease: float = 60.0) -> Claim:
    """Claim work that must be there."""
    (claim,) = await ledger.claim(queue, worker, NOW, lease)
    return claim


class ClaimConformance(Tenants):
    """Who gets which work when."""

    async def test_claiming_the_next_stage_raises_the_fence(self, ledger: Ledger):
        """The claim has the work, the task with its new fence, and how often it was claimed before."""
        before = await submitted(ledger, not_before=NOW)
        fenced = msgspec.structs.replace(before, fence=1)
        claim = await claimed(ledger)
        assert claim == Claim(claim.id, advance(before, NOW), 0, fenced)
        assert await ledger.get(A.id, before.id) == fenced
        assert await ledger.claim(ENGINE, "other", NOW, 60.0) == []

    async def test_other_work_leaves_the_fence(self, ledger: Ledger):
        """Claiming a callback gives the task as it is, also when it is final."""
        before = await submitted(ledger, callback_url="http://example.test/hook")
        ended = await ledger.cancel(A.id, before.id, CANCELLED, NOW)
        claim = await claimed(ledger, Queue.WEBHOOK)
        assert (claim.task, claim.tries) == (ended, 0)
        assert await ledger.get(A.id, before.id) == ended

    async def test_work_is_not_claimed_before_its_time(self, ledger: Ledger):
        """Work is due from its time on, the earliest first, in its own queue only."""
        late, early = await submitted(ledger, not_before=NOW), await submitted(ledger, not_before=NOW - 1)
        assert await ledger.claim(ENGINE, "w", NOW - 2, 60.0) == []
        assert await ledger.claim("another queue", "w", NOW, 60.0) == []
        assert [(await claimed(ledger)).due.task_id for _ in range(2)] == [early.id, late.id]

    async def test_the_next_attempts_are_those_that_nobody_is_at(self, ledger: Ledger):
        """They are told of the tasks that are named, in the ledger's own time, until they are claimed."""
        late, claimed_one, other = [await submitted(ledger, not_before=NOW + each) for each in (60, -1, 0)]
        await claimed(ledger)
        ids = [late.id, claimed_one.id, "no-such-task"]
        assert await ledger.next_attempts(ids) == {late.id: NOW + 60}
        assert await ledger.next_attempts([other.id]) == {other.id: NOW}
        await ledger.clock_moved(-30.0)
        assert await ledger.next_attempts(ids) == {late.id: NOW + 30}

    async def test_what_is_due_moves_with_the_clock(self, ledger: Ledger):
        """A clock that is set back makes nothing wait; one that is set ahead makes no limit shorter."""
        waiting = await submitted(ledger, not_before=NOW)
        limit = WorkItem(WorkKind.EXPIRE, Queue.EXPIRE, waiting.id, A.id, NOW + 60)
        assert await ledger.commit(Change(task_id=waiting.id, fence=0, now=NOW, deadline_at=NOW + 60), [limit])
        await ledger.clock_moved(-600.0)
        assert (await ledger.next_work(ENGINE), await ledger.next_work(Queue.EXPIRE)) == (NOW - 600, NOW - 540)
        await ledger.clock_moved(1_000.0)
        assert (await ledger.next_work(ENGINE), await ledger.next_work(Queue.EXPIRE)) == (NOW - 600, NOW + 460)
        moved = await ledger.get(A.id, waiting.id)
        assert moved is not None
        assert moved.deadline_at == NOW + 460

    async def test_one_task_does_not_wait_behind_a_thousand(self, ledger: Ledger):
        """The one task of a tenant is claimed second at the latest, however many another has."""
        await asyncio.gather(*(submitted(ledger, A) for _ in range(1_000)))
        single = await submitted(ledger, B)
        turns = [(await claimed(ledger)).due for _ in range(4)]
        assert single.id in [due.task_id for due in turns[:2]]
        assert [due.application_id for due in turns].count(A.id) == 3

    async def test_claims_rotate_over_applications(self, ledger: Ledger):
        """Each application with due work is served once before any is served twice."""
        tenants = [A, B, await ledger.add_application(Application("app-c", "gamma", "user-c", 3.0))]
        for tenant in tenants:
            for _ in range(3):
                await submitted(ledger, tenant)
        turns = [(await claimed(ledger)).due.application_id for _ in range(9)]
        assert [len(set(turns[turn : turn + 3])) for turn in (0, 3, 6)] == [3, 3, 3]

    async def test_claims_rotate_over_the_keys_of_an_application(self, ledger: Ledger):
        """The one task of a key does not wait behind those of another key, and costs the next application no turn."""
        for _ in range(50):
            await submitted(ledger, A, credential_id="batch")
        single = await submitted(ledger, A, credential_id="person")
        for _ in range(3):
            await submitted(ledger, B, credential_id="other")
        turns = [(await claimed(ledger)).due for _ in range(6)]
        assert [due.application_id for due in turns].count(B.id) == 3
        of_a = [due.task_id for due in turns if due.application_id == A.id]
        assert single.id in of_a[:2]
        # A key that comes back has not saved up turns: it takes every second one.
        more = {(await submitted(ledger, A, credential_id="person")).id for _ in range(5)}
        later = [(await claimed(ledger, ENGINE)).due.task_id for _ in range(4)]
        assert len(more & set(later)) == 2

    async def test_the_keys_of_one_application_get_equal_turns(self, ledger: Ledger):
        """Of three keys each is served once before any is served twice, up to a share of the queue too."""
        for key in ("one", "two", "three"):
            for _ in range(3):
                await submitted(ledger, A, credential_id=key)
        claims = await ledger.claim(ENGINE, "w", NOW, 60.0, limit=9, share=6)
        keys = [claim.task.credential_id for claim in claims if claim.task is not None]
        assert [len(set(keys[turn : turn + 3])) for turn in (0, 3)] == [3, 3]
        assert len(keys) == 6

    async def test_turns_are_of_one_queue(self, ledger: Ledger):
        """Whose callbacks are claimed in between loses no turn of its stages."""
        for tenant in (A, B):
            for _ in range(4):
                await submitted(ledger, tenant)
        for _ in range(4):
            told = await submitted(ledger, callback_url="http://example.test/hook", not_before=NOW + 1)
            await ledger.cancel(A.id, told.id, CANCELLED, NOW)
        turns = []
        for _ in range(4):
            turns.append((await claimed(ledger)).due.application_id)
            await claimed(ledger, Queue.WEBHOOK)
        assert sorted(turns) == [A.id, A.id, B.id, B.id]

    async def test_two_workers_never_get_the_same_work(self, ledger: Ledger):
        """Many claims at once take each row once, and the rest get nothing."""
        tasks = [await submitted(ledger, tenant) for tenant in (A, B) for _ in range(20)]
        claims = await asyncio.gather(*(ledger.claim(ENGINE, f"w{n % 2}", NOW, 60.0) for n in range(60)))
        taken = [claim.due.task_id for one in claims for claim in one]
        assert sorted(taken) == sorted(each.id for each in tasks)

    async def test_several_are_claimed_at_once_in_fair_order(self, ledger: Ledger):
        """A limit takes as many as there are, and still rotates over the applications."""
        for tenant in (A, A, A, B):
            await submitted(ledger, tenant)
        claims = await ledger.claim(ENGINE, "w", NOW, 60.0, limit=3)
        assert [claim.due.application_id for claim in claims[:2]] in ([A.id, B.id], [B.id, A.id])
        assert [claim.due.application_id for claim in claims[2:]] == [A.id]
        assert len(await ledger.claim(ENGINE, "w", NOW, 60.0, limit=3)) == 1

    async def test_a_share_bounds_what_one_application_has(self, ledger: Ledger):
        """Of an application that has its share claimed nothing more is taken, nor due, until a claim has ended."""
        for tenant in (A, A, A, A, B):
            await submitted(ledger, tenant, not_before=NOW - 9)
        claims = await ledger.claim(ENGINE, "w", NOW, 60.0, limit=9, share=2)
        assert sorted(claim.due.application_id for claim in claims) == [A.id, A.id, B.id]
        assert await ledger.claim(ENGINE, "w", NOW, 60.0, limit=9, share=2) == []
        # What is left out is B's next work, due when its lease ends.
        assert await ledger.next_work(ENGINE, NOW, share=2) == NOW + 60
        assert await ledger.next_work(ENGINE, NOW) == NOW - 9
        given_back = next(claim for claim in claims if claim.due.application_id == A.id)
        await ledger.postpone(given_back, NOW + 5)
        assert await ledger.next_work(ENGINE, NOW, share=2) == NOW - 9
        (next_one,) = await ledger.claim(ENGINE, "w", NOW, 60.0, limit=9, share=2)
        assert next_one.due.application_id == A.id
        assert next_one.due.task_id not in {claim.due.task_id for claim in claims}

    async def test_a_share_is_of_one_queue_and_of_leases_that_hold(self, ledger: Ledger):
        """Claims in other queues do not count, and neither does one whose lease is over."""
        for _ in range(3):
            told = await submitted(ledger, callback_url="http://example.test/hook")
        await ledger.cancel(A.id, told.id, CANCELLED, NOW)
        await claimed(ledger, Queue.WEBHOOK)
        assert len(await ledger.claim(ENGINE, "w", NOW, 60.0, limit=9, share=1)) == 1
        assert await ledger.claim(ENGINE, "other", NOW + 59, 60.0, limit=9, share=1) == []
        assert len(await ledger.claim(ENGINE, "other", NOW + 60, 60.0, limit=9, share=1)) == 1

    async def test_work_without_its_task_is_dropped(self, ledger: Ledger):
        """A stage of a final or unknown task is skipped, removed, and never claimed."""
        ended = await submitted(ledger)
        await ledger.commit(
            Change(task_id=ended.id, fence=0, now=NOW, state=State.COMPLETED, output=output()),
        )
        unknown = task()
        other = await submitted(ledger, B, not_before=2.0)
        stray = [advance(ended), advance(unknown)]
        await ledger.commit(Change(task_id=other.id, fence=0, now=NOW), stray)
        assert (await claimed(ledger)).due.task_id == other.id
        assert await ledger.claim(ENGINE, "w", NOW, 60.0) == []
        await ledger.release_leases("w")
        again = await claimed(ledger)
        assert again.due.task_id == other.id
        await ledger.finish(again)
        assert await ledger.next_work(ENGINE) is None

    async def test_a_lease_that_ended_can_be_claimed_anew(self, ledger: Ledger):
        """After the lease another worker takes over: the first one's fence, finish and postpone are void."""
        before = await submitted(ledger)
        first = await claimed(ledger, lease=60.0)
        assert await ledger.claim(ENGINE, "second", NOW + 59.0, 60.0) == []
        (second,) = await ledger.claim(ENGINE, "second", NOW + 60.0, 60.0)
        assert (second.id, second.tries) == (first.id, 1)
        assert await ledger.commit(Change(task_id=before.id, fence=1, now=NOW, percent=9)) is None
        await ledger.finish(first)
        await ledger.postpone(first, NOW)
        assert await ledger.next_work(ENGINE) == NOW + 120.0
        assert await ledger.commit(Change(task_id=before.id, fence=2, now=NOW, percent=9)) is not None

    async def test_a_renewed_lease_ends_later(self, ledger: Ledger):
        """It is as long as it was from then on; a claim that is void by then is not renewed."""
        await submitted(ledger)
        first = await claimed(ledger, lease=60.0)
        await ledger.renew([first], NOW + 40, 60.0)
        assert await ledger.next_work(ENGINE) == NOW + 100
        assert await ledger.claim(ENGINE, "second", NOW + 99, 60.0) == []
        (second,) = await ledger.claim(ENGINE, "second", NOW + 100, 60.0)
        await ledger.renew([first], NOW + 101, 600.0)
        assert await ledger.next_work(ENGINE) == NOW + 160
        await ledger.postpone(second, NOW + 110)
        await ledger.renew([first, second], NOW + 101, 600.0)
        assert await ledger.next_work(ENGINE) == NOW + 110

    async def test_nobody_gets_twice_what_he_holds(self, ledger: Ledger):
        """A lease of one's own that has run out begins anew, and other work of the queue is claimed behind it."""
        await submitted(ledger)
        first = await claimed(ledger, worker="mine", lease=60.0)
        assert await ledger.claim(ENGINE, "mine", NOW + 3600, 60.0, limit=9) == []
        assert await ledger.next_work(ENGINE) == NOW + 3660
        after = await submitted(ledger, not_before=NOW)
        claims = await ledger.claim(ENGINE, "mine", NOW + 7200, 60.0, limit=9)
        assert [(claim.due.task_id, claim.tries) for claim in claims] == [(after.id, 0)]
        assert await ledger.commit(Change(task_id=first.due.task_id, fence=1, now=NOW, finished=first.id)) is not None

    async def test_leases_move_with_the_clock(self, ledger: Ledger):
        """They stay as long as they were, whichever way the clock was set."""
        await submitted(ledger)
        await claimed(ledger, lease=60.0)
        for jump, end in ((3600.0, NOW + 3660), (-7200.0, NOW - 3540)):
            await ledger.clock_moved(jump)
            assert await ledger.next_work(ENGINE) == end

    async def test_work_that_is_taken_is_counted_apart(self, ledger: Ledger):
        """The figures tell what is due, what is due later and what somebody holds, until his lease has run out."""
        for not_before in (NOW - 9, NOW - 9, NOW + 1, NOW + 9_999):
            await submitted(ledger, not_before=not_before)
        await claimed(ledger, lease=LEASE_SECONDS)
        for now, counts in ((NOW, (1, 2, 1, NOW - 9)), (NOW + LEASE_SECONDS, (3, 1, 0, NOW - 9))):
            (found,) = (await ledger.figures.standing(now)).backlogs
            assert (found.due, found.later, found.taken, found.oldest) == counts


class DueConformance(Tenants):
    """What happens to work after its claim, and when work is due."""

    async def test_postponed_work_comes_back(self, ledger: Ledger):
        """Work given back is due at its new time, and its claims are counted."""
        await submitted(ledger)
        first = await claimed(ledger)
        await ledger.postpone(first, NOW + 5)
        assert await ledger.claim(ENGINE, "w", NOW + 4, 60.0) == []
        (again,) = await ledger.claim(ENGINE, "w", NOW + 5, 60.0)
        assert (again.id, again.tries, again.due.not_before) == (first.id, 1, NOW + 5)

    async def test_finished_work_is_gone(self, ledger: Ledger):
        """Work that is done is never claimed again."""
        await submitted(ledger)
        await ledger.finish(await claimed(ledger))
        await ledger.release_leases("w")
        assert await ledger.claim(ENGINE, "w", NOW, 60.0) == []

    async def test_work_made_due_anew_is_not_finished_by_its_old_claim(self, ledger: Ledger):
        """What becomes due while somebody is at it stays due when he ends."""
        before = await submitted(ledger, callback_url="http://example.test/hook")
        hook = WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, before.id, A.id, NOW, "processing")
        await ledger.commit(Change(task_id=before.id, fence=0, now=NOW), [hook])
        old = await claimed(ledger, Queue.WEBHOOK)
        await ledger.commit(Change(task_id=before.id, fence=0, now=NOW), [hook])
        await ledger.finish(old)
        await ledger.postpone(old, NOW + 100)
        assert (await claimed(ledger, Queue.WEBHOOK)).due == hook

    async def test_work_of_one_name_is_due_once(self, ledger: Ledger):
        """Making work due again moves it; another detail is other work."""
        before = await submitted(ledger, not_before=NOW)
        hooks = [work_for(before, WorkKind.WEBHOOK, NOW, detail) for detail in ("processing", "completed")]
        await ledger.commit(Change(task_id=before.id, fence=0, now=NOW), [advance(before, NOW + 9), *hooks])
        assert await ledger.next_work(ENGINE) == NOW + 9
        assert {(await claimed(ledger, Queue.WEBHOOK)).due.detail for _ in range(2)} == {"processing", "completed"}

    async def test_a_change_ends_its_claim_and_makes_the_next_stage_due(self, ledger: Ledger):
        """The finished work goes, also when the next work has the same name: that one is new."""
        before = await submitted(ledger)
        claim = await claimed(ledger)
        change = Change(task_id=before.id, fence=1, now=NOW, percent=10, finished=claim.id)
        await ledger.commit(change, [advance(before, NOW + 3)])
        assert await ledger.next_work(ENGINE) == NOW + 3
        (following,) = await ledger.claim(ENGINE, "w", NOW + 3, 60.0)
        assert following.tries == 0
        assert following.task is not None
        assert following.task.fence == 2
        await ledger.commit(Change(task_id=before.id, fence=2, now=NOW, finished=following.id))
        await ledger.release_leases("w")
        assert await ledger.next_work(ENGINE) is None

    async def test_leases_of_one_worker_are_released(self, ledger: Ledger):
        """That makes the worker's work due at once and leaves the others' alone."""
        for _ in range(3):
            await submitted(ledger)
        mine = {(await claimed(ledger, worker="mine")).due.task_id for _ in range(2)}
        await claimed(ledger, worker="other")
        assert await ledger.release_leases("mine") == 2
        assert await ledger.release_leases("mine") == 0
        assert {(await claimed(ledger, worker="next")).due.task_id for _ in range(2)} == mine
        assert await ledger.claim(ENGINE, "next", NOW, 60.0) == []
        assert (await ledger.release_leases("next"), await ledger.release_leases("other")) == (2, 1)

    async def test_releasing_leaves_work_that_nobody_has(self, ledger: Ledger):
        """Work that waits for its time is not hurried."""
        await submitted(ledger, not_before=NOW + 50)
        assert await ledger.release_leases("w") == 0
        assert await ledger.next_work(ENGINE) == NOW + 50

    async def test_the_earliest_work_of_a_queue_is_known(self, ledger: Ledger):
        """The next time is the earliest over all applications; the end of a lease counts."""
        assert await ledger.next_work(ENGINE) is None
        await submitted(ledger, A, not_before=30.0)
        await submitted(ledger, B, not_before=20.0)
        await submitted(ledger, B, not_before=10.0, engine="remote")
        assert await ledger.next_work(ENGINE) == 20.0
        await claimed(ledger)
        await claimed(ledger, lease=90.0)
        assert await ledger.next_work(ENGINE) == NOW + 60.0

    async def test_what_is_claimed_survives_for_its_owner(self, ledger: Ledger):
        """Claims hide nothing from readers: the tasks are listed as before."""
        before = await submitted(ledger)
        claim = await claimed(ledger)
        assert claim.due.kind == WorkKind.ADVANCE
        page = await ledger.find(A.id, TaskFilter(ids=(before.id,)))
        assert page.tasks == [claim.task]
        assert (await ledger.echoes([before.id]))[before.id] == ECHO
