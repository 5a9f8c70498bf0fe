"""What an account asks its provider, and when."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from filmgate.core.providers.account import Account
from filmgate.domain.accounts import AccountSettings
from filmgate.ports.provider import LONGEST_HOLD, Provider, ProviderError, Status
from tests.core.providers.small import ORDER, Small

EARLY = 0.005
"""Seconds that a timer of the loop may be off."""

Open = Callable[..., Account]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open accounts with small providers, with settings of their own."""
    async with AsyncExitStack() as stack, asyncio.timeout(20):

        def make(provider: Small, **settings: Any) -> Account:
            accepted: Provider = provider
            account = Account("small", accepted, AccountSettings(**settings))
            account.start()
            stack.push_async_callback(account.close)
            return account

        yield make


def asking(account: Account, *ids: str, pause: float = 0.0) -> list[asyncio.Task[Status | None]]:
    """Ask about tasks, each by an asker of its own."""
    return [asyncio.ensure_future(account.ask(each, pause)) for each in ids]


async def answers(asked: list[asyncio.Task[Status | None]]) -> list[str | None]:
    """Return the ids that the answers are about, None for a task that is not known."""
    return [report and report.receipt.id for report in await asyncio.gather(*asked)]


async def test_a_batch_is_filled(opened: Open):
    """Seven questions are three requests where three ids fit into one, and everybody gets the answer to their own."""
    provider = Small(batch=3)
    provider.strange = {"e"}
    account = opened(provider)
    assert await answers(asking(account, *"abcdefg")) == ["a", "b", "c", "d", None, "f", "g"]
    assert provider.queries == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert (account.requests, account.followed) == (3, 0)


async def test_a_batch_takes_along_what_is_due_soon(opened: Open):
    """What would be asked a quarter of the time between two questions later comes along, what is further off not."""
    provider = Small(batch=5)
    account = opened(provider, poll=1)
    soon = asking(account, "first", pause=0.05) + asking(account, "soon", pause=0.2)
    later = asking(account, "later", pause=60)
    assert await answers(soon) == ["first", "soon"]
    assert provider.queries == [["first", "soon"]]
    assert account.followed == 1
    later[0].cancel()


async def test_without_a_batch_query_nothing_comes_along(opened: Open):
    """Each task is asked about at its own time."""
    provider = Small()
    account = opened(provider, poll=10)
    begun = time.monotonic()
    await answers(asking(account, "first", pause=0.05) + asking(account, "second", pause=0.15))
    assert provider.queries == [["first"], ["second"]]
    assert provider.asked[1].at - begun > 0.15 - EARLY


async def test_a_hurried_question_is_asked_now_and_once(opened: Open):
    """News shorten the wait of whoever waits for them; nobody else is asked about."""
    provider = Small(batch=5)
    account = opened(provider)
    waiting = asking(account, "news", "none", pause=60)
    await asyncio.sleep(0)
    assert account.poll_now("news")
    assert account.poll_now("news")
    assert not account.poll_now("strange")
    assert await answers(waiting[:1]) == ["news"]
    assert provider.queries == [["news"]]
    assert not account.poll_now("news")
    waiting[1].cancel()


async def test_who_has_gone_away_is_left_out(opened: Open):
    """A cancelled follower costs no question, and can be followed anew."""
    provider = Small(batch=5)
    account = opened(provider)
    gone, stays = asking(account, "gone", "stays", pause=0.1)
    await asyncio.sleep(0)
    gone.cancel()
    assert await answers([stays]) == ["stays"]
    assert provider.queries == [["stays"]]
    assert await answers(asking(account, "gone")) == ["gone"]


async def test_who_has_gone_away_takes_no_turn(opened: Open):
    """Where questions are spaced, those whom nobody waits for any more do not hold up the others."""
    provider = Small()
    account = opened(provider, query_rate=60)
    gone = asking(account, *"abcdef", pause=0.05)
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    begun = time.monotonic()
    assert await answers(asking(account, "stays", pause=0.2)) == ["stays"]
    assert time.monotonic() - begun < 3
    assert provider.queries == [["stays"]]


async def test_questions_are_spaced(opened: Open):
    """No more questions go out than the rate allows, however many are due."""
    provider = Small()
    account = opened(provider, query_rate=1_200)
    await answers(asking(account, *"abcd"))
    assert provider.asked[-1].at - provider.asked[0].at > 3 * 0.05 - EARLY


async def test_a_provider_that_asks_for_quiet_gets_it(opened: Open):
    """Retry-After holds all questions back, goes to nobody's account as trouble, and who asked is told."""
    provider = Small()
    provider.troubles = [ProviderError("too many", retry_after=0.3)]
    account = opened(provider)
    with pytest.raises(ProviderError, match="too many") as caught:
        await account.ask("first", 0)
    told = time.monotonic()
    assert caught.value.retry_after == 0.3
    await answers(asking(account, "second", "third"))
    assert min(each.at for each in provider.asked[1:]) - told > 0.3 - 2 * EARLY
    assert account.submits.trouble is None


async def test_trouble_goes_to_everybody_in_the_batch_and_opens_the_breaker(opened: Open):
    """Each asker gets an error of its own; a refused key stops submits too."""
    provider = Small(batch=3)
    provider.troubles = [ProviderError("The key is refused.", account=True)]
    account = opened(provider)
    told = await asyncio.gather(*asking(account, *"abc"), return_exceptions=True)
    assert [str(each) for each in told] == ["The key is refused."] * 3
    assert len({id(each) for each in told}) == 3
    assert account.trouble == "The key is refused."


async def test_a_defect_of_a_dialect_does_not_end_the_following(opened: Open, caplog: pytest.LogCaptureFixture):
    """An answer that is not understood is trouble like any other; the next question is asked."""
    provider = Small()
    provider.troubles = [KeyError("state"), KeyError("state")]
    account = opened(provider)
    with caplog.at_level(logging.CRITICAL):
        for ask in (account.ask("a", 0), account.look(["a"])):
            with pytest.raises(ProviderError, match="KeyError"):
                await ask
        assert await answers(asking(account, "a")) == ["a"]


async def test_no_more_than_thirty_two_questions_are_open_at_once(opened: Open):
    """A slow provider is not flooded, and in the end everybody has an answer."""
    provider = Small()
    provider.answering.clear()
    account = opened(provider)
    asked = asking(account, *map(str, range(60)))
    looks = [asyncio.ensure_future(account.look([f"look-{number}"])) for number in range(4)]
    await provider.crowded.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert provider.at_once == 32
    provider.answering.set()
    assert await answers(asked) == [str(number) for number in range(60)]
    await asyncio.gather(*looks)
    assert provider.most == 32


async def test_a_look_keeps_the_rate_and_knows_what_is_not_there(opened: Open):
    """Questions about tasks that nobody follows are paced like all others."""
    provider = Small(batch=2)
    provider.strange = {"b"}
    account = opened(provider, query_rate=1_200)
    assert [*await account.look(["a", "b"])] == ["a"]
    assert [*await account.look(["c"])] == ["c"]
    assert provider.asked[1].at - provider.asked[0].at > 0.05 - EARLY


async def test_lists_and_deletes_keep_the_rate_and_obey_the_provider(opened: Open):
    """They wait for their turn like questions; what goes wrong with them says nothing about submits."""
    provider = Small()
    account = opened(provider, query_rate=1_200)
    begun = time.monotonic()
    assert await account.find(ORDER, 0.0) == []
    await account.discard("a")
    assert time.monotonic() - begun > 0.05 - EARLY
    provider.troubles = [ProviderError("no list", account=True), ProviderError("busy", retry_after=0.3)]
    for request in (account.find(ORDER, 0.0), account.discard("a")):
        with pytest.raises(ProviderError):
            await request
    told = time.monotonic()
    await account.look(["a"])
    assert time.monotonic() - told > 0.3 - 2 * EARLY
    assert account.trouble is None


async def test_submits_are_spaced_and_asked_for_quiet(opened: Open):
    """A 429 is no trouble of the account, but as long as it lasts nothing is submitted there."""
    provider = Small()
    account = opened(provider, submit_rate=1_200)
    begun = time.monotonic()
    await account.turn()
    await account.turn()
    assert time.monotonic() - begun > 0.05 - EARLY
    provider.troubles = [ProviderError("busy", retry_after=10_000)]
    with pytest.raises(ProviderError, match="busy"):
        await account.submit(ORDER)
    assert account.submits.trouble is None
    assert account.trouble == f"asked for {LONGEST_HOLD:.0f} s of quiet"
    assert LONGEST_HOLD - 1 < account.wait <= LONGEST_HOLD


async def test_lost_answers_open_the_breaker_and_a_good_one_closes_it(opened: Open):
    """Five submits in a row that may be accepted are enough; a refusal of a request counts for nothing."""
    provider = Small()
    account = opened(provider)
    provider.troubles = [ProviderError("not now")] * 10 + [ProviderError("lost", accepted=True)] * 5
    while provider.troubles:
        assert account.trouble is None
        with pytest.raises(ProviderError):
            await account.submit(ORDER)
    assert account.trouble == "lost"
    assert 4 < account.wait <= 5
    assert (await account.submit(ORDER)).id == ORDER.key
    assert (account.trouble, account.wait) == (None, 0)


async def test_the_reason_of_an_account_shows_no_prompt(opened: Open):
    """A provider that repeats a prompt in its error puts it into no reason that others than its owner see."""
    provider = Small()
    prompt = ORDER.generation.prompt
    provider.troubles = [ProviderError(f"No balance for {prompt!r}.", account=True)]
    account = opened(provider)
    with pytest.raises(ProviderError) as told:
        await account.submit(ORDER)
    assert account.trouble is not None
    assert prompt not in account.trouble
    assert prompt not in told.value.message
    assert "(the prompt)" in account.trouble
