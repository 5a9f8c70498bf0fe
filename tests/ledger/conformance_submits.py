"""What every ledger does with submits that are sent again."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from filmgate.domain.errors import InFlight
from filmgate.domain.task import Task
from filmgate.ports.idempotency import IdempotencyMatch, IdempotencyRecord
from filmgate.ports.ledger import Ledger

from .conformance import Tenants
from .examples import ECHO, A, B, task

DAY = 86_400.0


def mark(body: str = "body", key: str | None = None, tries: int = 0, lasts: float = 60.0) -> IdempotencyRecord:
    """Return what a submit of some body is known by."""
    return IdempotencyRecord(hashlib.sha256(body.encode()).digest(), lasts, key, tries)


async def sent(ledger: Ledger, known_by: IdempotencyRecord, **fields: object) -> Task:
    """Submit a new task with what its submit is known by; it is created at the time 1,000 unless told otherwise."""
    accepted = task(**{"created_at": 1_000.0, **fields})
    await ledger.submit(accepted, ECHO, (), mark=known_by)
    return accepted


class SubmitConformance(Tenants):
    """Keys and retries."""

    async def test_a_key_is_found_until_it_expires(self, ledger: Ledger):
        """The submit of a key is found by its application, as long as it is remembered."""
        known_by = mark(key="k", lasts=DAY)
        made = await sent(ledger, known_by)
        assert await ledger.find_idempotent(A.id, "k", 1_000 + DAY - 1) == IdempotencyMatch(made.id, known_by.digest)
        assert await ledger.find_idempotent(A.id, "k", 1_000 + DAY) is None
        assert await ledger.find_idempotent(A.id, "other", 1_000) is None
        assert await ledger.find_idempotent(B.id, "k", 1_000) is None

    async def test_a_key_is_given_once(self, ledger: Ledger):
        """Of several submits with one key one is accepted, and nothing of the others; an expired key is free."""
        known_by = mark(key="k", lasts=DAY)
        tasks = [task(created_at=1_000.0) for _ in range(5)]
        acts = [ledger.submit(each, ECHO, (), mark=known_by) for each in tasks]
        outcomes = await asyncio.gather(*acts, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InFlight"] * 4 + ["NoneType"]
        assert len(await ledger.get_many(A.id, [each.id for each in tasks])) == 1
        later = await sent(ledger, known_by, created_at=1_000 + DAY)
        assert await ledger.find_idempotent(A.id, "k", 1_000 + DAY) == IdempotencyMatch(later.id, known_by.digest)
        with pytest.raises(InFlight):
            await sent(ledger, known_by, created_at=1_001 + DAY)

    async def test_a_key_outlives_its_task(self, ledger: Ledger):
        """The key of a deleted task stays taken."""
        made = await sent(ledger, mark(key="k", lasts=DAY))
        assert await ledger.delete(A.id, made.id, 1_001)
        assert (await ledger.find_idempotent(A.id, "k", 1_002)) is not None

    async def test_records_that_are_over_are_removed(self, ledger: Ledger):
        """Only those, some at a time, oldest first; the rest is found as before."""
        for n in range(5):
            await sent(ledger, mark(key=f"k{n}", lasts=DAY), created_at=1_000.0 + n)
        assert await ledger.retention.forget_submits(1_002 + DAY, 2) == 2
        assert await ledger.retention.forget_submits(1_002 + DAY, 2) == 1
        assert await ledger.retention.forget_submits(1_002 + DAY, 2) == 0
        found = [await ledger.find_idempotent(A.id, f"k{n}", 1_000) for n in range(5)]
        assert [each is not None for each in found] == [False, False, False, True, True]

    async def test_keys_last_as_long_when_the_clock_is_set(self, ledger: Ledger):
        """Set forward or back, a key is remembered for as long as it was to be."""
        made = await sent(ledger, mark(key="k", lasts=DAY))
        await ledger.clock_moved(7_200.0)
        assert await ledger.find_idempotent(A.id, "k", 1_000 + DAY + 7_199) == IdempotencyMatch(made.id, mark().digest)
        await ledger.clock_moved(-7_200.0)
        assert await ledger.find_idempotent(A.id, "k", 1_000 + DAY) is None

    async def test_a_retry_joins_what_was_sent_less_often(self, ledger: Ledger):
        """It joins the newest such submit, of the same holder with the same digest, and none twice."""
        old = await sent(ledger, mark(), created_at=1_000.0)
        new = await sent(ledger, mark(), created_at=1_010.0)
        assert await ledger.rejoin("key", mark(tries=0), 1_020) is None
        assert await ledger.rejoin("other", mark(tries=1), 1_020) is None
        assert await ledger.rejoin("key", mark("other", tries=1), 1_020) is None
        found = [await ledger.rejoin("key", mark(tries=1), 1_020) for _ in range(3)]
        assert found == [new.id, old.id, None]
        assert await ledger.rejoin("key", mark(tries=2), 1_020) in (old.id, new.id)

    async def test_retries_at_once_join_different_submits(self, ledger: Ledger):
        """Equal retries that come at the same moment share the equal submits among them."""
        made = [await sent(ledger, mark()) for _ in range(3)]
        found = await asyncio.gather(*(ledger.rejoin("key", mark(tries=1), 1_001) for _ in range(4)))
        assert sorted(each or "" for each in found) == sorted(["", *(each.id for each in made)])

    async def test_a_retry_is_joined_for_a_time(self, ledger: Ledger):
        """What was joined is remembered anew from then; what was not is forgotten."""
        made = await sent(ledger, mark(lasts=60))
        assert await ledger.rejoin("key", mark(tries=1, lasts=60), 1_050) == made.id
        assert await ledger.rejoin("key", mark(tries=2, lasts=60), 1_100) == made.id
        assert await ledger.rejoin("key", mark(tries=3, lasts=60), 1_160) is None

    async def test_a_key_is_no_retry(self, ledger: Ledger):
        """What has a key is found by it alone."""
        made = await sent(ledger, mark(key="k"))
        await ledger.expect(made, mark(tries=-1), 1_000)
        assert await ledger.rejoin("key", mark(tries=1), 1_001) is None

    async def test_what_is_expected_is_joined_once(self, ledger: Ledger):
        """A submit that is expected again is joined by the next one that is the same, whether it counts or not."""
        counted, plain = await sent(ledger, mark("counted")), task(created_at=1_000.0)
        await ledger.submit(plain, ECHO, ())
        for made, body in ((counted, "counted"), (plain, "plain")):
            await ledger.expect(made, mark(body, tries=-1, lasts=30), 1_100)
            assert await ledger.rejoin("key", mark(body), 1_130) is None
            assert await ledger.rejoin("key", mark(body), 1_129) == made.id
            assert await ledger.rejoin("key", mark(body), 1_129) is None
