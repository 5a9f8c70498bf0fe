"""Rate buckets, and keys that are no good."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.tasks.access import KEY_TTL, AccessControl, Action, Buckets
from filmgate.core.tasks.keys import new_key
from filmgate.domain.errors import TooManyRequests, Unauthorized
from filmgate.ports.keys import ApiKey


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_minute_of_requests_may_come_at_once() -> None:
    """A full bucket lets its whole limit through, then says when to come back."""
    clock = Clock()
    buckets = Buckets(300, clock)
    left = [buckets.take("key") for _ in range(300)]
    assert left[0] is not None
    assert left[0].remaining == 299
    assert left[-1] is not None
    assert left[-1].remaining == 0
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("key")
    assert caught.value.retry_after == 1


def test_tokens_come_back_with_time() -> None:
    """After the time it named, the bucket lets one more through."""
    clock = Clock()
    buckets = Buckets(6, clock)
    for _ in range(6):
        buckets.take("key")
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("key")
    assert caught.value.retry_after == 10
    clock.now += caught.value.retry_after
    assert buckets.take("key") is not None


def test_retry_after_stays_within_what_clients_obey() -> None:
    """Clients ignore a Retry-After of more than a minute, so it is never longer."""
    buckets = Buckets(1, Clock())
    buckets.take("key")
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("key")
    assert 1 <= caught.value.retry_after <= 60


def test_keys_do_not_share_a_bucket() -> None:
    """One key's haste is not another's wait, and a limit of 0 is none."""
    buckets = Buckets(1, Clock())
    buckets.take("one")
    assert buckets.take("other") is not None
    unlimited = Buckets(0, Clock())
    assert [unlimited.take("one") for _ in range(1_000)] == [None] * 1_000


class Counting(SqliteLedger):
    """A ledger that counts how often it was asked for a key."""

    asked = 0

    async def key(self, digest: bytes) -> ApiKey | None:
        """Count, and look."""
        self.asked += 1
        return await super().key(digest)


async def test_a_wrong_key_does_not_ask_the_ledger_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be a key is refused without asking, what is unknown asks once in a while, and little is kept."""
    clock, ledger = Clock(), Counting(tmp_path / "filmgate.db")
    await ledger.open()
    access = AccessControl(ledger, rates=dict.fromkeys(Action, Buckets(0, clock)), clock=clock)

    async def refused(key: str) -> int:
        with pytest.raises(Unauthorized):
            await access.caller(key.encode())
        return ledger.asked

    assert {await refused(key) for key in ("x", "fg_x", "fg_" + "0" * 36, "x" * 100_000, "\xff")} == {0}
    known = new_key()
    assert [await refused(known) for _ in range(100)] == [1] * 100
    clock.now += KEY_TTL
    assert [await refused(known) for _ in range(100)] == [2] * 100
    monkeypatch.setattr("filmgate.core.tasks.access._KNOWN_KEYS", 100)
    for _ in range(150):
        await refused(new_key())
    assert len(access._unknown) == 100
    assert not access._known
    await ledger.close()
