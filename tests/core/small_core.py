"""The core on a ledger in memory, with small ports that misbehave when a test tells them to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.store import LocalStore
from filmgate.core.admin import AdminService
from filmgate.core.media.inputs import MediaInputs
from filmgate.core.media.links import Links
from filmgate.core.media.post_processing import PostProcessing
from filmgate.core.providers.account import Account
from filmgate.core.providers.cancel import ProviderCancel
from filmgate.core.providers.download import Downloading
from filmgate.core.providers.importer import Importer
from filmgate.core.providers.inputs import InputTranslator
from filmgate.core.providers.poll import Polling
from filmgate.core.providers.request_builder import RequestBuilder
from filmgate.core.providers.routing import ANY_TERMS, Router
from filmgate.core.providers.submit import ProviderSubmit
from filmgate.core.query.cache import Query
from filmgate.core.query.feed import Feed
from filmgate.core.tasks.events import Events
from filmgate.core.tasks.expiry import Expiry
from filmgate.core.tasks.flights import LocalFlights
from filmgate.core.tasks.idempotency import Idempotency
from filmgate.core.tasks.service import SubmitRequest, TaskService
from filmgate.core.tasks.usage import UsageService
from filmgate.core.webhooks.service import WebhookService
from filmgate.core.work.attempt import WorkContext
from filmgate.core.work.execution import Execution
from filmgate.core.work.external_inputs import ExternalInputs, needed_references
from filmgate.core.work.local_stages import LocalStages
from filmgate.core.work.start import TaskStart
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.capabilities import STARTS, Capabilities
from filmgate.domain.errors import DecoderCrashed, DecoderLost, InvalidMedia, InvalidRequest
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Kind, Operation, ReferenceKind
from filmgate.domain.media import Facts
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.context import Caller, RequestContext
from filmgate.ports.engine import Job, Product, Report
from filmgate.ports.fetcher import FetchError, Response
from filmgate.ports.media import Print, Stills
from filmgate.ports.provider import InputMode, ProviderError, Status, Submission, TaskRef
from filmgate.ports.work import Claim
from tests.core.providers.small import Small
from tests.ledger.examples import A, B
from tests.support.clock import Clock

LOCAL = "local"
PROVIDER = "provider"
BASE = "http://127.0.0.1:8484"

OWNER = RequestContext(Caller(A.id, A.user_id, "key"), "trace-a", BASE)
STRANGER = RequestContext(Caller(B.id, B.user_id, "other"), "trace-b", BASE)

CLIP = Facts("video/mp4", 1360, 752, 5.041667, 121, "palette")
PICTURE = Facts("image/png", 1360, 752)
STILL = Facts("image/jpeg", 640, 354)

EVERYTHING = Capabilities(
    kinds=(Kind.VIDEO, Kind.IMAGE), operations=tuple(Operation), inputs=STARTS, needs_prompt=False
)  # fmt: skip


@contextlib.contextmanager
def memory_folder(other: Path) -> Any:
    """Yield a folder in memory where the system has one, so that no test waits for a disk; else the other one."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield other
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="filmgate-core-") as folder:
        yield Path(folder)


class SmallTools:
    """Tools for files of plain text: `broken` cannot be used, `crash` ends the decoder, `lost` all of them."""

    def __init__(self) -> None:
        self.applications: list[str | None] = []

    def _check(self, source: Path, application: str | None) -> bytes:
        self.applications.append(application)
        data = source.read_bytes()
        if data == b"broken":
            raise InvalidMedia("it is broken")
        if data == b"crash":
            raise DecoderCrashed()
        if data == b"lost":
            raise DecoderLost()
        return data

    async def _copy(self, facts: Facts, source: Path, target: Path, *, application: str | None = None) -> Facts:
        target.write_bytes(self._check(source, application))  # noqa: ASYNC240 - a few bytes in memory
        return facts

    async def normalise_image(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Copy a picture."""
        return await self._copy(PICTURE, source, target, application=application)

    async def normalise_video(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Copy a clip."""
        return await self._copy(CLIP, source, target, application=application)

    accept_image, accept_video = normalise_image, normalise_video

    async def develop(self, clip: Path, folder: Path, *, application: str | None = None) -> Stills:
        """Write two stills."""
        self._check(clip, application)
        for name in ("thumbnail.jpg", "last_frame.jpg"):
            (folder / name).write_bytes(name.encode())
        return Stills(CLIP, folder / "thumbnail.jpg", STILL, folder / "last_frame.jpg", STILL)

    async def develop_image(self, picture: Path, folder: Path, *, application: str | None = None) -> Print:
        """Write a thumbnail."""
        self._check(picture, application)
        (folder / "thumbnail.jpg").write_bytes(b"thumbnail")
        return Print(PICTURE, folder / "thumbnail.jpg", STILL)

    async def preview(self, picture: Path, folder: Path, *, application: str | None = None) -> bytes:
        """Return the picture as it is."""
        del folder
        return self._check(picture, application)

    async def close(self) -> None:
        """End nothing."""


class SmallFetcher:
    """Serves `files` by address; each of the `troubles` is raised once. Addresses with `private` are refused."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.troubles: list[Exception] = []
        self.asked: list[tuple[str, str | None, Mapping[str, str], str | None]] = []

    def check(self, url: str) -> None:
        """Refuse addresses of private places."""
        if "private" in url:
            raise InvalidRequest("that address is private")

    async def download(
        self, url: str, target: Path, *, max_bytes: int, application: str | None,
        headers: Mapping[str, str] | None = None, trusted: str | None = None,
    ) -> None:  # fmt: skip
        self.asked.append((url, application, headers or {}, trusted))
        if self.troubles:
            raise self.troubles.pop(0)
        data = self.files.get(url)
        if data is None:
            raise FetchError(f"{url} is not there", retryable=False)
        if len(data) > max_bytes:
            raise FetchError(f"{url} is too large", retryable=False)
        target.write_bytes(data)  # noqa: ASYNC240 - a few bytes in memory

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, timeout: float, application: str | None
    ) -> Response:
        """Accept everything."""
        del url, body, headers, timeout, application
        return Response(200, {}, b"")

    async def close(self) -> None:
        """Close nothing."""


class SmallEngine:
    """Writes `data` as its product; raises each of the `troubles` first; waits while `working` is not set."""

    name = LOCAL
    type = "scripted"
    slots = 2
    preview = False

    def __init__(self) -> None:
        self.data = b"a clip"
        self.notes: dict[str, Any] = {"seed": 7}
        self.troubles: list[BaseException] = []
        self.refusal: Failure | None = None
        self.changed: list[Adjustment] = []
        self.makes_stills = False
        self.jobs: list[Job] = []
        self.percents: tuple[int, ...] = ()
        self.begun = asyncio.Event()
        self.working = asyncio.Event()
        self.working.set()

    def capabilities(self, model: str | None) -> Capabilities:
        """Return everything."""
        del model
        return EVERYTHING

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return what a test has set."""
        del generation
        return self.changed

    def refuse(self, generation: Generation) -> Failure | None:
        """Return what a test has set."""
        del generation
        return self.refusal

    async def run(self, job: Job, report: Report) -> Product:
        """Write the product, and stills if told to."""
        self.jobs.append(job)
        for percent in self.percents:
            report(percent)
        self.begun.set()
        await self.working.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        image = job.generation.kind is Kind.IMAGE
        file = job.workdir / ("made.png" if image else "made.mp4")
        file.write_bytes(self.data)
        if not self.makes_stills:
            return Product(file, self.notes)
        thumbnail, last_frame = job.workdir / "t.jpg", job.workdir / "l.jpg"
        thumbnail.write_bytes(b"t")
        if image:
            return Product(file, self.notes, Print(PICTURE, thumbnail, STILL))
        last_frame.write_bytes(b"l")
        return Product(file, self.notes, Stills(CLIP, thumbnail, STILL, last_frame, STILL))

    async def close(self) -> None:
        """End nothing."""


class SmallLine:
    """A line whose links are full addresses already, and that sends a key along."""

    base = "http://provider.test/v1"

    def address(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Return the link with the key."""
        return link, {"authorization": "Bearer key"}

    async def close(self) -> None:
        """Close nothing."""


class SmallProvider(Small):
    """Accepts what it is asked for, and tells of each task what `reports` says, one report after the other.

    The last report of a task is told again and again. A query sets `queried`.
    """

    def __init__(self) -> None:
        super().__init__(batch=10)
        self.line = cast("Any", SmallLine())
        self.means = {
            ReferenceKind.TASK: (InputMode.TASK,),
            ReferenceKind.IMAGE: (InputMode.ADDRESS, InputMode.FILE),
            ReferenceKind.VIDEO: (InputMode.FILE,),
        }
        self.submissions: list[Submission] = []
        self.reports: dict[str, list[Status | Exception]] = {}
        self.changed: list[Adjustment] = []
        self.refusal: Failure | None = None
        self.files: dict[str, bytes] = {}
        self.queried = asyncio.Event()
        self.known: list[Status] = []

    def capabilities(self, model: str | None) -> Capabilities:
        """Return everything."""
        del model
        return EVERYTHING

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return what a test has set."""
        del generation
        return self.changed

    def refuse(self, generation: Generation) -> Failure | None:
        """Return what a test has set."""
        del generation
        return self.refusal

    async def submit(self, submission: Submission) -> TaskRef:
        """Accept it, unless there is trouble; the id is told by the number of submissions."""
        self.submissions.append(submission)
        if self.troubles:
            raise self.troubles.pop(0)
        for given in (submission.start, submission.end, *(each for _, each in submission.guides)):
            if given is not None and given.file is not None:
                self.files[given.file.name] = given.file.read_bytes()
        return TaskRef(f"upstream-{len(self.submissions)}", "their-video")

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Return the next report of each task; one without reports is unknown."""
        self.queried.set()
        told = []
        for each in ids:
            reports = self.reports.get(each, [])
            report = reports.pop(0) if len(reports) > 1 else next(iter(reports), None)
            if isinstance(report, Exception):
                raise report
            if report is not None:
                told.append(report)
        return told

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """List what a test has put there."""
        del submission, since
        if self.troubles:
            raise self.troubles.pop(0)
        return self.known


class Core:
    """Everything of the core on one ledger; work is done when a test says so. `last` is what a test looks at."""

    last: Task

    def __init__(self, folder: Path, ledger: SqliteLedger, **options: Any) -> None:
        self.ledger, self.clock, self.folder = ledger, Clock(), folder
        self.store, self.tools, self.fetcher = LocalStore(folder / "media"), SmallTools(), SmallFetcher()
        self.engine, self.provider = SmallEngine(), SmallProvider()
        self.feed, self.dispatcher = Feed(), EmbeddedDispatcher(ledger, self.clock)
        work = folder / "work"
        work.mkdir()
        tools, engines = cast("Any", self.tools), {LOCAL: cast("Any", self.engine)}
        settings = AccountSettings(poll=0.01, poll_max=0.02, **options.pop("account", {}))
        self.account = Account(PROVIDER, cast("Any", self.provider), settings)
        accounts = {PROVIDER: self.account}
        self.table = {
            LOCAL: EngineSettings.model_validate({"type": "scripted", "models": ["own"], **options.pop("local", {})}),
            PROVIDER: EngineSettings.model_validate({"type": "agents", "models": ["theirs"]}),
        }
        self.links = Links(None, (), "127.0.0.1")
        self.context = WorkContext(ledger, self.feed, self.dispatcher, self.clock)
        self.media_inputs = MediaInputs(
            ledger, self.store, tools, self.fetcher, self.links, self.clock,
            work=work, max_image=1_000, max_video=1_000, fetch_seconds=20.0,
        )  # fmt: skip
        self.router = Router(ledger, self.table, engines, accounts, default_engine=LOCAL)
        builder = RequestBuilder(accounts, self.router, "https://films.example")
        self.polling = Polling(accounts, self.context)
        self.query = Query(ledger, cache_bytes=100_000, max_batch=100, upcoming=self.polling.upcoming)
        self.tasks = TaskService(
            ledger, self.store, self.media_inputs, self.query, self.feed, self.dispatcher, self.router, self.table,
            max_unfinished=10, max_small_body=1_000, inputs=partial(needed_references, accounts), clock=self.clock,
            **options,
        )  # fmt: skip
        start = TaskStart(ledger, self.table, {"announced"}, self.clock)
        post_processing = PostProcessing(self.store, tools)
        external = ExternalInputs(engines, accounts, start, self.store, self.media_inputs)
        local = LocalStages(
            engines, start, ledger, self.store, self.media_inputs, external, post_processing, self.clock
        )
        self.translator = InputTranslator(ledger, self.store, self.media_inputs, start, None)
        submit = ProviderSubmit(accounts, self.router, start, external, self.translator, self.context, builder)
        download = Downloading(
            accounts, self.fetcher, self.store, tools, post_processing, self.clock, max_video=1_000, max_image=0
        )
        stages: dict[str, Any] = {LOCAL: local.stages, PROVIDER: submit.stages | download.stages}
        self.execution = Execution(self.context, stages, external.stages, self.store, ledger.retention, work=work)
        self.work_folder = work
        self.expiry = Expiry(ledger, self.tasks, self.store, self.clock, accounts)
        self.importer = Importer(
            accounts, self.table, ledger, self.dispatcher, self.clock, asked_for={A.id: (PROVIDER,)}
        )
        self.cancel = ProviderCancel(accounts, ledger, builder, self.clock)
        self.events = Events(self.tasks, ledger, self.feed, max_streams=2)
        self.flights = LocalFlights()
        self.idempotency = Idempotency(self.tasks, ledger, self.flights, self.clock, key_seconds=100.0)
        self.usage = UsageService(ledger, self.clock)
        self.webhooks = WebhookService(ledger, self.dispatcher, self.clock)
        self.admin = AdminService(self.context, self.router, self.table, engines, accounts)

    def handler(self, queue: str) -> Callable[[Claim], Awaitable[None]]:
        """Return what works off a queue."""
        return {
            queue_of(Queue.POLL, PROVIDER): self.polling.follow,
            queue_of(Queue.RECALL, PROVIDER): self.cancel.work,
            Queue.EXPIRE: self.expiry.expire,
            Queue.PURGE: self.expiry.purge,
        }.get(queue, self.execution.advance)

    async def claim(self, queue: str) -> list[Claim]:
        """Claim what is due in a queue."""
        return await self.ledger.claim(queue, "worker", self.clock(), 60.0, 9)

    async def work(self, queue: str = LOCAL) -> int:
        """Do what is due in a queue, and return how much that was."""
        claims = await self.claim(queue)
        for claim in claims:
            await self.handler(queue)(claim)
        return len(claims)

    def order(
        self,
        prompt: str = "a lake",
        *,
        callback: str | None = None,
        dialect: str = "gateway",
        terms: Terms = ANY_TERMS,
        body: bytes = b'{"prompt":"a lake"}',
        **fields: Any,
    ) -> SubmitRequest:
        """Return a request to the engine here, unless a model says otherwise."""
        generation = Generation(prompt, **{"model": "own"} | fields)
        return SubmitRequest(generation, dialect, body, callback, terms=terms)

    async def submit(self, prompt: str = "a lake", **fields: Any) -> Task:
        """Submit a generation for the owner."""
        return await self.tasks.submit(OWNER, self.order(prompt, **fields))

    async def to_provider(self, **fields: Any) -> Task:
        """Submit a generation that the provider accepts."""
        accepted = await self.submit(model="theirs", **fields)
        assert await self.work(PROVIDER) == 1
        return await self.task(accepted)

    async def task(self, of: Task) -> Task:
        """Read a task of the owner."""
        found = await self.ledger.get(A.id, of.id)
        assert found is not None
        return found

    async def finish(self, task: Task) -> Task:
        """Work on a task until it has its end."""
        assert await self.work(task.engine) == 1
        ended = await self.task(task)
        assert ended.state is State.COMPLETED, ended.failure
        return ended


@contextlib.asynccontextmanager
async def small_core(folder: Path, **options: Any) -> AsyncIterator[Core]:
    """Open a core with two applications."""
    with memory_folder(folder) as memory:
        ledger = SqliteLedger(memory / "ledger.db")
        await ledger.open()
        for application in (A, B):
            await ledger.add_application(application)
        core = Core(memory, ledger, **options)
        try:
            async with asyncio.timeout(60):
                yield core
        finally:
            await core.account.close()
            await ledger.close()


async def until(happens: Callable[[], object]) -> None:
    """Let others run until something is so; a core gives up after a minute."""
    while not happens():  # noqa: ASYNC110 - nothing is told of it
        await asyncio.sleep(0)


def busy(message: str = "busy", **details: Any) -> ProviderError:
    """Return trouble of the provider."""
    return ProviderError(message, **details)
