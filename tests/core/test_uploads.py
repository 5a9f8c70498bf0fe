"""Files that are kept for later requests."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.store import LocalStore
from filmgate.core.media import announcements
from filmgate.core.media.announcements import LocalAnnouncements
from filmgate.core.media.inputs import MediaInputs
from filmgate.core.media.links import Links
from filmgate.core.media.uploads import ANNOUNCED_SECONDS, Uploads
from filmgate.domain.errors import InvalidMedia, InvalidRequest, NotFound, PayloadTooLarge, TooManyRequests
from filmgate.ports.context import Caller, RequestContext
from filmgate.ports.keys import Application
from tests.http.sites import no_names

MAX_BYTES = 1_000_000
OWNER = RequestContext(Caller("a", "user", "key"), "trace", "http://127.0.0.1:8484")
SECOND_KEY = RequestContext(Caller("a", "user", "second"), "trace", "http://127.0.0.1:8484")
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
    media_inputs = MediaInputs(
        ledger, store, tools, fetcher, links, clock, work=tmp_path, max_image=10**6, max_video=10**6
    )
    yield Uploads(ledger, store, media_inputs, LocalAnnouncements(), clock, max_bytes=MAX_BYTES)
    await fetcher.close()
    await tools.close()
    await ledger.close()


def picture() -> bytes:
    """Return a small picture."""
    data = io.BytesIO()
    Image.new("RGB", (16, 9)).save(data, "PNG")
    return data.getvalue()


async def test_an_announced_file_is_waited_for_an_hour(kept: Uploads, clock: Clock) -> None:
    """Until then its owner sees it; afterwards it was never there."""
    file = await kept.announce(OWNER, "image/png", 5)
    clock.now += ANNOUNCED_SECONDS
    assert await kept.get(OWNER, file.id) == await kept.find_announced(file.id) == file
    clock.now += 1
    with pytest.raises(NotFound):
        await kept.get(OWNER, file.id)
    with pytest.raises(NotFound):
        await kept.receive(file.id, b"12345")


async def test_announcements_are_bounded_for_each_application(kept: Uploads, clock: Clock) -> None:
    """One that has announced too many is refused, and nothing is forgotten: not of it, and not of another."""
    theirs = await kept.announce(STRANGER, "image/png", 5)
    files = [await kept.announce(OWNER, "image/png", 5) for _ in range(96)]
    with pytest.raises(TooManyRequests, match="96 files that this key announced") as refused:
        await kept.announce(OWNER, "image/png", 5)
    assert refused.value.retry_after == 60
    files += [await kept.announce(SECOND_KEY, "image/png", 5) for _ in range(32)]
    with pytest.raises(TooManyRequests, match="128 files that this application announced"):
        await kept.announce(SECOND_KEY, "image/png", 5)
    assert [await kept.find_announced(file.id) for file in (theirs, *files)] == [theirs, *files]
    assert await kept.announce(STRANGER, "image/png", 5)
    await kept.delete(OWNER, files[0].id)
    assert await kept.announce(OWNER, "image/png", 5)
    clock.now += ANNOUNCED_SECONDS + 1
    assert len([await kept.announce(OWNER, "image/png", 5) for _ in range(96)]) == 96


async def test_announced_bytes_are_bounded(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few large files count like many small ones; one that could never be sent is refused at once."""
    monkeypatch.setattr(announcements, "MAX_ANNOUNCED_BYTES", 4_000_000)
    with pytest.raises(PayloadTooLarge):
        await kept.announce(OWNER, "video/mp4", MAX_BYTES + 1)
    for _ in range(3):
        await kept.announce(OWNER, "video/mp4", MAX_BYTES)
    with pytest.raises(TooManyRequests):
        await kept.announce(OWNER, "video/mp4", 1)
    await kept.announce(SECOND_KEY, "video/mp4", MAX_BYTES)
    with pytest.raises(TooManyRequests):
        await kept.announce(SECOND_KEY, "video/mp4", 1)
    assert await kept.announce(STRANGER, "video/mp4", MAX_BYTES)


async def test_a_file_larger_than_the_bound_may_be_announced_alone(
    kept: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose size is allowed can always be announced, once nothing else is waited for."""
    monkeypatch.setattr(announcements, "MAX_ANNOUNCED_BYTES", 10)
    first = await kept.announce(OWNER, "video/mp4", 1_000)
    with pytest.raises(TooManyRequests):
        await kept.announce(OWNER, "video/mp4", 1_000)
    await kept.delete(OWNER, first.id)
    assert await kept.announce(OWNER, "video/mp4", 1_000)


async def test_announcements_are_bounded_in_all(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all room is taken, an application that has announced little may announce a few more."""
    monkeypatch.setattr(announcements, "TOTAL_ANNOUNCED", 20)
    for _ in range(20):
        await kept.announce(OWNER, "image/png", 5)
    with pytest.raises(TooManyRequests):
        await kept.announce(OWNER, "image/png", 5)
    for _ in range(announcements.ALWAYS_ANNOUNCED):
        await kept.announce(STRANGER, "image/png", 5)
    with pytest.raises(TooManyRequests):
        await kept.announce(STRANGER, "image/png", 5)


async def test_a_file_that_cannot_be_used_may_be_sent_again(kept: Uploads) -> None:
    """What is not kept is still waited for; what is kept has the id that was announced."""
    data = picture()
    file = await kept.announce(OWNER, "image/png", len(data))
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
    announced = await kept.announce(OWNER, "video/mp4", 5)
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
        await kept.announce(OWNER, media_type, 5)
    with pytest.raises(InvalidMedia):
        await kept.keep(OWNER, media_type, picture())
