"""The collector, on a real ledger and a real store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.media.store import LocalStore
from filmgate.core.collecting import AT_ONCE, GRACE, MOST_STRAYS, Collector
from filmgate.core.feed import Feed
from filmgate.core.query import Query
from filmgate.domain.limits import OwnLimits
from filmgate.domain.media import Role
from filmgate.ports.ledger import StoredMedia
from tests.ledger.examples import CANCELLED, ECHO, A, media, task
from tests.support.clock import Clock


class Place:
    """A collector with all that it works on; the clock goes by hand, the files come now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = SqliteLedger(folder / "ledger.db")
        self.store = LocalStore(folder / "media")
        self.clock = Clock(time.time())
        query = Query(self.ledger, cache_bytes=0, max_batch=0)
        dispatcher = EmbeddedDispatcher(self.ledger, self.clock)
        self.collector = Collector(self.ledger, self.store, query, Feed(), dispatcher, self.clock, every=1.0)

    async def put(self, key: str) -> None:
        """Put a file into the store."""
        source = self.folder / "source"
        source.write_bytes(b"x")
        await self.store.put(key, source)

    async def upload(self) -> StoredMedia:
        """Put a file of no task into the store, with its row."""
        row = media(None, Role.INPUT)
        row = replace(
            row, created_at=self.clock(), media=replace(row.media, key=f"uploads/{row.media.token}/input.png")
        )
        await self.put(row.media.key)
        await self.ledger.add_media(row)
        return row


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Open a ledger and a store with one application."""
    made = Place(tmp_path)
    await made.ledger.open()
    await made.ledger.add_application(A)
    yield made
    await made.ledger.close()


async def test_files_that_belong_to_nothing_go(place: Place):
    """After a grace a sweep removes what a crash has left behind, and nothing that a row or an unfinished task has."""
    running, upload = task(), await place.upload()
    await place.ledger.submit(running, ECHO, ())
    for key in (f"{running.id}/video-3.mp4", "gone/video-1.mp4", "uploads/gone/input.png"):
        await place.put(key)
    half = place.folder / "media" / "gone" / f".{uuid4().hex}.part"
    half.write_bytes(b"x")
    foreign = place.folder / "media" / "lost+found" / "gone" / "video-1.mp4"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"x")
    assert await place.collector.sweep() == 0
    place.clock.pass_by(GRACE + 60)
    assert await place.collector.sweep() == 2
    assert await place.store.keys(running.id) == [f"{running.id}/video-3.mp4"]
    assert await place.store.keys("uploads") == [upload.media.key]
    assert (half.exists(), foreign.exists()) == (False, True)
    await place.ledger.cancel(A.id, running.id, CANCELLED, place.clock())
    assert await place.collector.sweep() == 1


async def test_a_ledger_that_knows_hardly_any_file_removes_none(place: Place, caplog: pytest.LogCaptureFixture):
    """Where nearly all files belong to nothing, the ledger was lost or is another one's: the files are kept."""
    folder = place.folder / "media" / "somebody"
    folder.mkdir(parents=True)
    for number in range(MOST_STRAYS + 1):
        (folder / f"video-{number}.mp4").write_bytes(b"")
    place.clock.pass_by(GRACE + 60)
    assert await place.collector.sweep() == 0
    assert "none is removed" in caplog.text
    assert len(await place.store.keys("")) == MOST_STRAYS + 1
    (folder / "video-0.mp4").unlink()
    assert await place.collector.sweep() == MOST_STRAYS


async def test_a_copy_of_an_old_file_is_new(place: Place):
    """A file that was put as a link to an old one came when it was put, not when the old one was written."""
    await place.put("old/video-1.mp4")
    before = time.time() + 0.01
    while time.time() < before + 0.01:
        await place.store.get("old/video-1.mp4", place.folder / "copy")
    await place.store.put("new/input.mp4", place.folder / "copy")
    batches = [keys async for keys in place.store.older(before)]
    assert "new/input.mp4" not in [key for keys in batches for key in keys]


async def test_many_files_come_some_at_a_time(place: Place):
    """A store of any size is walked through in batches, and each file is seen."""
    (place.folder / "media").mkdir()
    for number in range(1_200):
        (place.folder / "media" / f"file-{number}").write_bytes(b"")
    batches = [keys async for keys in place.store.older(time.time() + 60)]
    assert len(batches) == 3
    assert len({key for keys in batches for key in keys}) == 1_200
    assert [keys async for keys in LocalStore(place.folder / "none").older(time.time())] == []


async def test_old_uploads_go_with_their_files(place: Place):
    """A file of no task goes after its days, row and bytes."""
    upload = await place.upload()
    await place.ledger.accounts.set_limits(A.id, OwnLimits(media_days=1.0))
    assert not await place.collector.collect()
    assert await place.store.keys("") == [upload.media.key]
    place.clock.pass_by(86_400 + 60)
    await place.collector.collect()
    assert await place.store.keys("") == []
    assert await place.ledger.media(upload.media.token) is None


async def test_much_is_removed_bit_by_bit(place: Place):
    """A round says whether there may be more, so that the next one comes soon."""
    for _ in range(AT_ONCE + 1):
        await place.ledger.add_media(media())
    await place.ledger.accounts.set_limits(A.id, OwnLimits(media_days=1.0))
    assert await place.collector.collect()
    assert not await place.collector.collect()
    assert await place.ledger.uploads(A.id, limit=5) == []
