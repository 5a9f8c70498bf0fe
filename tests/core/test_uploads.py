"""Files that are kept for later requests."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from filmgate.adapters.http.fetcher import CheckedFetcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.media import LocalStore, SandboxedTools
from filmgate.core import uploads
from filmgate.core.intake import Intake
from filmgate.core.links import Links
from filmgate.core.uploads import Uploads
from filmgate.domain.errors import InvalidMedia, InvalidRequest, NotFound
from filmgate.ports.context import Caller, RequestContext
from filmgate.ports.ledger import Application
from tests.http.sites import no_names

OWNER = RequestContext(Caller("a", "user", "key"), "trace", "http://127.0.0.1:8484")
STRANGER = RequestContext(Caller("b", "user", "key"), "trace", "http://127.0.0.1:8484")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the uploads."""
    return Clock()


@pytest.fixture
async def kept(tmp_path: Path, clock: Clock) -> AsyncIterator[Uploads]:
    """Uploads with a real ledger, store and sandbox."""
    ledger, store = SqliteLedger(tmp_path / "ledger.db"), LocalStore(tmp_path / "media")
    tools, fetcher = SandboxedTools(), CheckedFetcher((), resolve=no_names)
    await ledger.open()
    for name in ("a", "b"):
        await ledger.add_application(Application(name, name, "user", 1.0))
    links = Links(None, (), "127.0.0.1")
    intake = Intake(ledger, store, tools, fetcher, links, clock, work=tmp_path, max_image=10**6, max_video=10**6)
    yield Uploads(ledger, store, intake, clock)
    await fetcher.close()
    await tools.close()
    await ledger.close()


def picture() -> bytes:
    """Give a small picture."""
    data = io.BytesIO()
    Image.new("RGB", (16, 9)).save(data, "PNG")
    return data.getvalue()


async def test_an_announced_file_is_waited_for_an_hour(kept: Uploads, clock: Clock) -> None:
    """Until then its owner sees it; afterwards it was never there."""
    file = kept.announce(OWNER, "image/png", 5)
    clock.now += uploads.ANNOUNCED_SECONDS
    assert await kept.get(OWNER, file.id) == kept.expected(file.id) == file
    clock.now += 1
    with pytest.raises(NotFound):
        await kept.get(OWNER, file.id)
    with pytest.raises(NotFound):
        await kept.receive(file.id, b"12345")


async def test_announcements_have_a_limit(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many, the oldest is forgotten."""
    monkeypatch.setattr(uploads, "_MAX_ANNOUNCED", 2)
    files = [kept.announce(OWNER, "image/png", 5) for _ in range(3)]
    with pytest.raises(NotFound):
        kept.expected(files[0].id)
    assert [kept.expected(file.id) for file in files[1:]] == files[1:]


async def test_a_file_that_cannot_be_used_may_be_sent_again(kept: Uploads) -> None:
    """What is not kept is still waited for; what is kept has the id that was announced."""
    data = picture()
    file = kept.announce(OWNER, "image/png", len(data))
    with pytest.raises(InvalidRequest):
        await kept.receive(file.id, data[:-1])
    with pytest.raises(InvalidMedia):
        await kept.receive(file.id, bytes(len(data)))
    stored = await kept.receive(file.id, data)
    assert stored.media.token == file.id
    assert await kept.get(OWNER, file.id) == stored
    with pytest.raises(NotFound):
        await kept.receive(file.id, data)


async def test_only_the_owner_finds_and_deletes(kept: Uploads) -> None:
    """To a stranger there is nothing; what was deleted is gone for its owner too."""
    stored = await kept.keep(OWNER, "image/png", picture())
    announced = kept.announce(OWNER, "video/mp4", 5)
    for file_id in (stored.media.token, announced.id, "unknown"):
        with pytest.raises(NotFound):
            await kept.get(STRANGER, file_id)
        with pytest.raises(NotFound):
            await kept.delete(STRANGER, file_id)
    assert await kept.find(STRANGER, limit=9) == []
    assert await kept.find(OWNER, limit=9) == [stored]
    for file_id in (stored.media.token, announced.id):
        await kept.delete(OWNER, file_id)
        with pytest.raises(NotFound):
            await kept.delete(OWNER, file_id)
    assert await kept.find(OWNER, limit=9) == []


@pytest.mark.parametrize("media_type", ["", "text/plain", "imagery", "application/octet-stream"])
async def test_other_types_are_not_kept(kept: Uploads, media_type: str) -> None:
    """Only pictures and clips are."""
    with pytest.raises(InvalidMedia):
        kept.announce(OWNER, media_type, 5)
    with pytest.raises(InvalidMedia):
        await kept.keep(OWNER, media_type, picture())
