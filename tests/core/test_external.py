"""Inputs that lie elsewhere: fetched once, before an engine takes the task."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.store import LocalStore
from filmgate.core.media.inputs import MediaInputs
from filmgate.core.media.links import Links
from filmgate.core.providers.account import Account
from filmgate.core.query.feed import Feed
from filmgate.core.work import external_inputs
from filmgate.core.work.attempt import Attempt, WorkContext
from filmgate.core.work.external_inputs import ExternalInputs, needed_references
from filmgate.core.work.start import TaskStart
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import EngineFailed
from filmgate.domain.generation import OWN, Generation, Guide, GuideRole, Reference, ReferenceKind
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State, WaitsFor
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.faults import Point
from filmgate.ports.provider import InputMode
from filmgate.ports.tasks import RawRequest
from tests.core.providers.small import Small
from tests.http.sites import Site, no_names, site
from tests.ledger.examples import ENGINE, A, B, task
from tests.support.clock import Clock

PROVIDER = "provider"
FILES = {
    ReferenceKind.IMAGE: (InputMode.TASK, InputMode.FILE),
    ReferenceKind.VIDEO: (InputMode.ADDRESS, InputMode.FILE),
}


class Died(BaseException):
    """The process died here."""


class Elsewhere:
    """A server of pictures: `open` ones are answered, others begin an answer that never ends."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.news = asyncio.Event()
        self.shut: set[str] = set()
        data = io.BytesIO()
        Image.new("RGB", (16, 9)).save(data, "PNG")
        self._picture = data.getvalue()

    async def answer(self, path: str, headers: Mapping[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer with a picture, or with its first byte."""
        del headers, body
        self.asked.append(path)
        self.news.set()
        picture = self._picture
        writer.write(f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(picture)}\r\n\r\n".encode())
        if path in self.shut:
            writer.write(picture[:1])
            await writer.drain()
            await asyncio.Event().wait()
        writer.write(picture)


class World:
    """A ledger, a store and a server of pictures; attempts are made by hand."""

    def __init__(
        self, folder: Path, ledger: SqliteLedger, tools: SandboxedTools, here: Site, remote: Elsewhere
    ) -> None:
        self.ledger, self.site, self.remote = ledger, here, remote
        self.store = LocalStore(folder / "media")
        clock = Clock()
        self.work_context = WorkContext(ledger, Feed(), EmbeddedDispatcher(ledger, clock), clock)
        self.fetcher = CheckedFetcher(("127.0.0.0/8",), resolve=no_names)
        self._folder, self._tools, self._clock = folder, tools, clock
        small = Small()
        small.means = FILES
        self.accounts = {PROVIDER: Account(PROVIDER, cast("Any", small), AccountSettings(), clock)}
        self.inputs = self.with_options()

    def with_options(self, **options: Any) -> ExternalInputs:
        """Make what fetches, with options of the intake."""
        media_inputs = MediaInputs(
            self.ledger, self.store, self._tools, self.fetcher, Links(None, (), "127.0.0.1"), self._clock,
            work=self._folder, max_image=10**6, max_video=10**6, **options,
        )  # fmt: skip
        table = {ENGINE: EngineSettings(type="scripted"), PROVIDER: EngineSettings(type="agents")}
        starting = TaskStart(self.ledger, table, (), self._clock)
        return ExternalInputs({}, self.accounts, starting, self.store, media_inputs)

    def picture(self, path: str) -> Reference:
        """Refer to a picture of the server."""
        return Reference(ReferenceKind.IMAGE, self.site.url(path))

    async def submitted(self, **fields: Any) -> Task:
        """Accept a task whose inputs are to be fetched."""
        accepted = task(stage=Stage.INPUTS, **fields)
        due = WorkItem(WorkKind.ADVANCE, Queue.INPUTS, accepted.id, accepted.application_id, 0.0)
        await self.ledger.submit(accepted, RawRequest("native", b"{}"), [due])
        return accepted

    async def claimed(self, queue: str = Queue.INPUTS) -> Attempt:
        """Claim the next work of a queue, as a process does that has just begun."""
        await self.ledger.release_leases("worker")
        (claim,) = await self.ledger.claim(queue, "worker", self._clock(), 60.0)
        return self.work_context.attempt(claim)

    async def fetch(self, inputs: ExternalInputs | None = None) -> Attempt:
        """Fetch the inputs of the next task."""
        attempt = await self.claimed()
        await (inputs or self.inputs).stages[Stage.INPUTS](attempt, self._folder)
        return attempt


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world in a folder."""
    ledger, tools, remote = SqliteLedger(tmp_path / "ledger.db"), SandboxedTools(), Elsewhere()
    await ledger.open()
    for application in (A, B):
        await ledger.add_application(application)
    async with asyncio.timeout(60), site(remote.answer) as here:
        made = World(tmp_path, ledger, tools, here, remote)
        yield made
        await made.fetcher.close()
    await tools.close()
    await ledger.close()


async def test_inputs_are_fetched_and_left_to_the_engine(world: World):
    """Each is committed with its key in the store; then the task waits for its engine, which it had not begun with."""
    generation = Generation("a boat", start=world.picture("/a.png"), end=world.picture("/b.png"))
    accepted = await world.submitted(generation=generation)
    assert accepted.waiting_for is WaitsFor.INPUTS
    attempt = await world.fetch()
    assert attempt.over
    now = attempt.task
    assert (now.state, now.stage, now.waiting_for) == (State.PENDING, Stage.SUBMIT, WaitsFor.ENGINE)
    assert now.started_at is None
    assert sorted(now.work.inputs) == ["end", "start"]
    assert {given.key for given in now.work.inputs.values()} == set(await world.store.keys(now.id))
    assert world.remote.asked == ["/a.png", "/b.png"]
    assert await world.ledger.next_work(Queue.INPUTS) is None
    assert not await world.inputs.defer(await world.claimed(ENGINE))


@pytest.mark.parametrize("point", [Point.INPUT_STORED, Point.STAGE_INPUTS, Point.STAGE_SUBMIT])
async def test_what_was_stored_is_not_fetched_again(world: World, monkeypatch: pytest.MonkeyPatch, point: Point):
    """Wherever the process dies after a file is in the store, the next one does not ask for that file."""

    def dies(here: Point) -> None:
        if here is point:
            raise Died

    with monkeypatch.context() as dying:
        dying.setattr(external_inputs, "reach", dies)
        dying.setattr("filmgate.core.work.attempt.reach", dies)
        generation = Generation("a boat", start=world.picture("/a.png"), end=world.picture("/b.png"))
        accepted = await world.submitted(generation=generation)
        with pytest.raises(Died):
            await world.fetch()
    before = await world.ledger.get(A.id, accepted.id)
    assert before is not None
    if point is not Point.STAGE_SUBMIT:
        await world.fetch()
    found = await world.ledger.get(A.id, accepted.id)
    assert found is not None
    assert (found.stage, sorted(found.work.inputs)) == (Stage.SUBMIT, ["end", "start"])
    assert world.remote.asked == ["/a.png", "/b.png"]
    assert await world.ledger.next_work(Queue.INPUTS) is None
    assert await world.ledger.next_work(ENGINE) is not None


async def test_one_that_cannot_be_had_ends_the_task(world: World):
    """A host that never ends its answer is given up after all the time there is for a file."""
    world.remote.shut = {"/slow.png"}
    await world.submitted(generation=Generation("a boat", start=world.picture("/slow.png")))
    with pytest.raises(EngineFailed, match="did not serve its file within") as failed:
        await world.fetch(world.with_options(fetch_seconds=0.2))
    assert failed.value.failure.code == "input_unreachable"
    assert world.site.host in failed.value.message


async def test_nothing_is_fetched_for_what_is_refused(world: World):
    """A task that no engine would take ends before anybody is asked for its picture."""
    generation = Generation("a boat", start=world.picture("/a.png"), unsupported="Not that.")
    await world.submitted(generation=generation)
    with pytest.raises(EngineFailed, match="Not that"):
        await world.fetch()
    assert world.remote.asked == []


async def test_the_downloads_of_one_application_do_not_stop_another(world: World):
    """While one has as many under way as it may, which never end, another's file comes; a further one waits."""
    world.remote.shut = {"/1.png", "/2.png"}
    inputs = world.with_options(max_fetches=2)
    tasks = []
    for path in ("/1.png", "/2.png", "/3.png"):
        await world.submitted(generation=Generation("a boat", start=world.picture(path)))
        (claim,) = await world.ledger.claim(Queue.INPUTS, "worker", 1.0, 60.0)
        attempt = world.work_context.attempt(claim)
        tasks.append(asyncio.create_task(cast("Any", inputs.stages[Stage.INPUTS](attempt, Path()))))
        while len(world.remote.asked) < min(2, len(tasks)):
            world.remote.news.clear()
            await world.remote.news.wait()
    await world.submitted(application=B, generation=Generation("a boat", start=world.picture("/b.png")))
    (claim,) = await world.ledger.claim(Queue.INPUTS, "worker", 1.0, 60.0)
    await inputs.stages[Stage.INPUTS](world.work_context.attempt(claim), Path())
    assert world.remote.asked == ["/1.png", "/2.png", "/b.png"]
    for running in tasks:
        running.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_task_without_its_inputs_is_deferred(world: World):
    """What comes to an engine without them, as from an earlier version, goes to the queue of inputs, and back."""
    accepted = task(generation=Generation("a boat", start=world.picture("/a.png")))
    await world.ledger.submit(
        accepted, RawRequest("native", b"{}"), [WorkItem(WorkKind.ADVANCE, ENGINE, accepted.id, A.id, 0.0)]
    )
    attempt = await world.claimed(ENGINE)
    assert await world.inputs.defer(attempt)
    assert (attempt.over, attempt.task.stage) == (True, Stage.INPUTS)
    assert await world.ledger.next_work(ENGINE) is None
    await world.fetch()
    assert (await world.claimed(ENGINE)).task.work.inputs.keys() == {"start"}


async def test_what_has_to_be_fetched(world: World):
    """Files of ours and earlier tasks are here, and a provider that takes addresses fetches by itself."""
    picture, clip = world.picture("/a.png"), Reference(ReferenceKind.VIDEO, world.site.url("/a.mp4"))
    own, earlier = Reference(ReferenceKind.IMAGE, OWN + "token"), Reference(ReferenceKind.TASK, "an-id")
    guides = (Guide(GuideRole.STYLE, OWN + "token"), Guide(GuideRole.STYLE, picture.value))
    for engine, generation, names in (
        (ENGINE, Generation("x"), []),
        (ENGINE, Generation("x", start=own, end=earlier), []),
        (ENGINE, Generation("x", start=picture, end=clip, guides=guides), ["start", "end"]),
        (PROVIDER, Generation("x", start=picture, end=clip, guides=guides), ["start", "guide-1"]),
        (PROVIDER, Generation("x", start=earlier, end=own), []),
    ):
        assert list(needed_references(world.accounts, engine, generation)) == names
