"""The collector, on a real ledger and a real store."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.store.local import LocalStore
from filmgate.core.query.cache import Query
from filmgate.core.query.feed import Feed
from filmgate.core.work.garbage_collection import AT_ONCE, MOST_STRAYS, GarbageCollector
from filmgate.domain.limits import OwnLimits
from filmgate.domain.media import Role
from filmgate.ports.media import StoredMedia
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
        self.collector = GarbageCollector(self.ledger, self.store, query, Feed(), dispatcher, self.clock, every=1.0)

    def source(self) -> Path:
        """Write a file."""
        source = self.folder / "source"
        source.write_bytes(b"x")
        return source

    async def put(self, key: str) -> None:
        """Put a file into the store."""
        await self.store.put(key, self.source())

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
    """A sweep removes what a crash has left behind, and nothing that a row or an unfinished task has."""
    running, upload = task(), await place.upload()
    await place.ledger.submit(running, ECHO, ())
    gone, lost = str(uuid.uuid4()), f"uploads/{uuid.uuid4()}"
    media_folder = place.folder / "media"
    for key in (f"{running.id}/video-3.mp4", f"{gone}/video-1.mp4", f"{lost}/input.png", "lost-found/file"):
        await place.put(key)
    (media_folder / gone / f".{uuid.uuid4().hex}.part").write_bytes(b"x")
    (media_folder / running.id / f".{uuid.uuid4().hex}.part").write_bytes(b"x")
    (media_folder / str(uuid.uuid4())).mkdir()
    assert await place.collector.sweep(await place.collector.earlier()) == 2
    assert await place.store.keys("") == sorted([f"{running.id}/video-3.mp4", upload.media.key, "lost-found/file"])
    assert sorted(path.name for path in media_folder.iterdir()) == sorted([running.id, "lost-found", "uploads"])
    await place.ledger.cancel(A.id, running.id, CANCELLED, place.clock())
    assert await place.collector.sweep(await place.collector.earlier()) == 1
    assert not (media_folder / running.id).exists()


async def test_a_ledger_that_knows_hardly_any_file_removes_none(place: Place, caplog: pytest.LogCaptureFixture):
    """Where nearly all files belong to nothing, the ledger was lost or is another one's: the files are kept."""
    folder = place.folder / "media" / str(uuid.uuid4())
    folder.mkdir(parents=True)
    for number in range(MOST_STRAYS + 1):
        (folder / f"video-{number}.mp4").write_bytes(b"")
    assert await place.collector.sweep(await place.collector.earlier()) == 0
    assert "none is removed" in caplog.text
    assert len(await place.store.keys("")) == MOST_STRAYS + 1
    (folder / "video-0.mp4").unlink()
    assert await place.collector.sweep(await place.collector.earlier()) == MOST_STRAYS
    assert not folder.exists()


async def test_what_came_since_is_not_looked_at(place: Place):
    """A file that was stored after the look at the folders is somebody's, though no row refers to it yet."""
    earlier = await place.collector.earlier()
    new = f"{uuid.uuid4()}/input.png"
    await place.put(new)
    assert await place.collector.sweep(earlier) == 0
    assert await place.store.keys("") == [new]


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
