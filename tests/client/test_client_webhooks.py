"""What owners ask the client about callbacks."""

from __future__ import annotations

import pytest

from filmgate.client import AsyncFilmgate, Filmgate, FilmgateClientError, InvalidInput, NotFound
from tests.service.receiver import receiver
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("cli-callbacks")


def test_callbacks(service: RunningService) -> None:
    """A callback is found by its task, shown with its deliveries, and sent again."""
    with receiver(410) as hook, Filmgate(service.url, service.key) as filmgate:
        task = filmgate.submit("[fail]", callback_url=hook.url, duration=1)
        until(lambda: filmgate.webhooks(task=task, status="failed").total, lambda total: total == 1)
        (listed,) = filmgate.webhooks(task=task).webhooks
        shown = filmgate.webhook(task.id)
        assert (listed.deliveries, len(shown.deliveries), shown.deliveries[0].answer) == ((), 1, 410)
        assert filmgate.resend_webhook(listed.id).status == "pending"
        found = until(lambda: filmgate.webhook(listed.id), lambda found: found.status == "delivered")
        assert (found.tries, len(found.deliveries)) == (1, 2)


def test_errors(service: RunningService) -> None:
    """An unknown id, none at all, and a status that there is not are the client's own errors."""
    with Filmgate(service.url, service.key) as filmgate:
        with pytest.raises(NotFound, match="no such webhook"):
            filmgate.webhook("msg_x_failed")
        with pytest.raises(InvalidInput):
            filmgate.webhook(" ")
        with pytest.raises(FilmgateClientError, match="status must be one of"):
            filmgate.webhooks(status="lost")


async def test_callbacks_in_asyncio(service: RunningService) -> None:
    """The client for asyncio has the same methods."""
    async with AsyncFilmgate(service.url, service.key) as filmgate:
        page = await filmgate.webhooks(limit=1)
        assert page.limit == 1
        with pytest.raises(NotFound):
            await filmgate.webhook("msg_x_failed")
        with pytest.raises(NotFound):
            await filmgate.resend_webhook("msg_x_failed")
        before = await filmgate.webhook_secrets()
        new, *former = await filmgate.rotate_webhook_secret()
        assert former[0].secret == before[0].secret
        assert (await filmgate.webhook_secrets())[0] == new
