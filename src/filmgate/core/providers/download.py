"""Fetching what a provider made, and making it ours."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from filmgate.core.media.post_processing import PostProcessing
from filmgate.core.providers.account import Account
from filmgate.core.work.attempt import Attempt, shield
from filmgate.domain.backoff import exponential
from filmgate.domain.errors import DecoderCrashed, EngineFailed, InvalidMedia
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Kind
from filmgate.domain.media import Role, files
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue, WorkKind, queue_of
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.fetcher import Fetcher, FetchError
from filmgate.ports.media import MediaStore, MediaTools, StoredMedia

log = logging.getLogger(__name__)

_TRIES = 3
"""So many unusable files of one task are fetched before it fails."""

_PAUSE = 2.0
_LONGEST_PAUSE = 120.0


class Downloading:
    """The last stage at a provider: its file is fetched, decoded to the end, written anew and given our links."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        fetcher: Fetcher,
        store: MediaStore,
        tools: MediaTools,
        developing: PostProcessing,
        clock: Clock,
        *,
        max_video: int,
        max_image: int,
    ) -> None:
        self._accounts = accounts
        self._fetcher = fetcher
        self._store = store
        self._tools = tools
        self._developing = developing
        self._clock = clock
        self._most = {Role.VIDEO: max_video or sys.maxsize, Role.IMAGE: max_image or sys.maxsize}
        self.stages = {Stage.INGEST: self._ingest}

    async def _ingest(self, attempt: Attempt, folder: Path) -> None:
        """Bring the file here, then develop it. A broken transport is tried again until the task's time is up."""
        try:
            if attempt.task.work.product is None:
                await self._fetch(attempt, folder)
            await self._develop(attempt, folder)
        except FetchError as error:
            await self._later(attempt, error)
        except (InvalidMedia, FileNotFoundError) as error:
            code = FailureCode.ENGINE_CRASHED if isinstance(error, DecoderCrashed) else FailureCode.OUTPUT_MISSING
            await self._unusable(attempt, f"The provider's file is not usable: {error}", code)

    async def _fetch(self, attempt: Attempt, folder: Path) -> None:
        task = attempt.task
        role = Role.IMAGE if task.generation.kind is Kind.IMAGE else Role.VIDEO
        line = self._accounts[task.engine].provider.line
        url, headers = line.address(task.work.links[role])
        source, target = folder / "fetched", folder / f"{role}{self._suffix(attempt, role)}"
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(line.base))
        await self._fetcher.download(
            url, source, max_bytes=self._most[role], application=None, headers=headers, trusted=origin
        )
        accept = self._tools.accept_image if role is Role.IMAGE else self._tools.accept_video
        await accept(source, target, application=task.application_id)
        reach(Point.FETCHED)
        key = f"{task.id}/{role}-{task.fence}{target.suffix}"
        await shield(self._store.put(key, target))
        await attempt.commit(work=msgspec.structs.replace(task.work, product=key))

    def _suffix(self, attempt: Attempt, role: Role) -> str:
        return f".{attempt.task.generation.image_format}" if role is Role.IMAGE else ".mp4"

    async def _develop(self, attempt: Attempt, folder: Path) -> None:
        task = attempt.task
        output = await self._developing.output(task, folder)
        now = self._clock()
        media = tuple(StoredMedia(each, task.application_id, task.id, now) for each in files(output))
        await attempt.commit(stage=Stage.SETTLE, output=output, media=media)

    async def _later(self, attempt: Attempt, error: FetchError) -> None:
        log.info("task %s: the file at %s: %s", attempt.task.id, attempt.task.engine, error.message)
        if error.retryable:
            pause = exponential(attempt.claim.tries, _PAUSE, _LONGEST_PAUSE)
            await attempt.again(pause)
        else:
            # The link may have run out: the provider is asked for a new one.
            await self._unusable(attempt, error.message)

    async def _unusable(self, attempt: Attempt, reason: str, code: FailureCode = FailureCode.OUTPUT_MISSING) -> None:
        """Ask the provider for its file again, a limited number of times, then fail; links and id stay in the row."""
        # What breaks when the disk is full is not the file.
        await self._store.ready()
        task, attempts = attempt.task, attempt.task.attempts + 1
        if attempts >= _TRIES:
            log.error("task %s: paid for generation %s of %s", task.id, task.upstream_id, task.engine)
            raise EngineFailed(Failure(code, reason))
        work = msgspec.structs.replace(attempt.task.work, product=None, links={})
        queue = queue_of(Queue.POLL, attempt.task.engine)
        await attempt.enqueue(WorkKind.POLL, queue, stage=Stage.POLL, work=work, attempts=attempts)
