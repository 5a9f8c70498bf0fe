"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx2

from filmgate.client import calls, identity, target
from filmgate.client.downloads import CHUNK, Part, video_of
from filmgate.client.errors import ConnectionFailed, FilmgateClientError, UnreadableAnswer
from filmgate.client.events import Event, Following
from filmgate.client.references import Options
from filmgate.client.results import (
    Account,
    Decision,
    Engine,
    EngineStatus,
    ModelList,
    Route,
    Task,
    TaskPage,
    UnknownSubmit,
    id_of,
)
from filmgate.client.retries import Retries, attempts
from filmgate.client.usage import Changes, Standing, Usage
from filmgate.client.wait import Waiting
from filmgate.client.webhooks import Webhook, WebhookPage, WebhookSecret

T = TypeVar("T")


class AsyncFilmgate:
    """Asks a Filmgate service; every method raises FilmgateClientError where it is refused or not answered.

    `url` and `key` default to FILMGATE_URL and FILMGATE_API_KEY, else to the service on this machine and its first key,
    which it gets once it has proved to be the service of the data folder.
    `timeout` is the seconds without a sign of life after which the service counts as gone. Close it, or
    use `async with`.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._target = target.find(url, key)
        self._timeout = timeout
        self._http = httpx2.AsyncClient(
            trust_env=not self._target.local, transport=identity.async_transport(self._target)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(self, prompt: str, **options: Unpack[Options]) -> Task:
        """Submit a generation and return the accepted task at once.

        It has a key of its own, so it is sent again where the answer was lost, and makes one task. OutcomeUnknown says
        that this went wrong too, and the task may have been accepted.
        """
        return await self._send(await asyncio.to_thread(calls.submit, prompt, options))

    async def extend(self, task: Task | str, prompt: str, **options: Unpack[Options]) -> Task:
        """Submit the continuation of a completed clip and return the accepted task."""
        return await self._send(await asyncio.to_thread(calls.extend, task, prompt, options))

    async def get(self, task_id: str) -> Task:
        """Return a task as it is now. Raises NotFound."""
        return await self._send(calls.get(task_id))

    async def wait(
        self, task: Task | str, timeout: float | None = None, on_progress: Callable[[Task], object] | None = None
    ) -> Task:
        """Return a task at its end, be it completed or failed; `on_progress` gets it as it is about twice a second.

        It outlasts a restart of the service. Raises WaitTimeout after `timeout` seconds; the task goes on.
        """
        waiting = Waiting(id_of(task), timeout, watched=on_progress is not None)
        while True:
            current = await self._send(waiting.next())
            if on_progress is not None:
                on_progress(current)
            if current.final:
                return current
            waiting.check()

    async def cancel(self, task: Task | str) -> Task:
        """End an unfinished task; one that had ended is given as it is. Raises NotFound."""
        return await self._send(calls.cancel(id_of(task)))

    async def delete(self, task: Task | str) -> None:
        """Delete a task and its files. Raises NotFound."""
        await self._send(calls.delete(id_of(task)))

    async def download(self, task: Task | str, path: str | Path) -> Path:
        """Save a completed task's video, whole or not at all. Raises DownloadFailed, or OSError from the disk."""
        video = video_of(await self.get(task) if isinstance(task, str) else task)
        call, goal = calls.file(video.url), Path(path)
        async for attempt in attempts(Retries(call)):
            with attempt, calls.connection(self._target, call):
                await self._save(call, Part(goal, video.bytes))
        return goal

    async def engines(self) -> tuple[Engine, ...]:
        """List the engines of the service."""
        return await self._send(calls.engines())

    async def models(self) -> ModelList:
        """List the models of the service, with what each can be asked for."""
        return await self._send(calls.models())

    async def me(self) -> Account:
        """Return the account of the key."""
        return await self._send(calls.account())

    async def list(
        self, *, limit: int = 20, offset: int = 0, state: str | None = None, newest: bool = True
    ) -> TaskPage:
        """List tasks, newest first or oldest first, of one state or of all."""
        return await self._send(calls.listing(limit=limit, offset=offset, state=state, newest=newest))

    async def tasks(self, *, state: str | None = None, newest: bool = True, page: int = 100) -> AsyncIterator[Task]:
        """Yield all tasks, newest first or oldest first, of one state or of all; pages are requested as they are read.

        Tasks that are added meanwhile do not make others appear twice. A deletion meanwhile can hide another task.
        """
        offset, seen = 0, set[str]()
        while True:
            found = await self._send(calls.listing(limit=page, offset=offset, state=state, newest=newest))
            for task in found.tasks:
                if task.id not in seen:
                    seen.add(task.id)
                    yield task
            offset += len(found.tasks)
            if not found.has_more or not found.tasks:
                return

    async def events(self, task: Task | str | None = None, *, after: int | None = None) -> AsyncIterator[Event]:
        """Yield changes as they happen: of one task up to its end, or of all tasks without end.

        `after` is the id of an event to go on behind; without it the stream of all tasks begins now. A connection that
        breaks is opened again behind the last event, for a minute. States in quick succession may be skipped. Raises
        NotFound.
        """
        following = Following(None if task is None else id_of(task), after)
        while True:
            call = following.next()
            try:
                with calls.connection(self._target, call):
                    request = calls.request(self._http, self._target, call, self._timeout)
                    response = await self._http.send(request, stream=True)
                    try:
                        if response.status_code == 204:
                            return
                        if not response.is_success:
                            await response.aread()
                            raise calls.error_of(response)
                        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                            raise UnreadableAnswer("the service does not answer with a stream of events")
                        async for chunk in response.aiter_bytes():
                            for event in following.read(chunk):
                                following.mark(event)
                                yield event
                                if following.over:
                                    return
                    finally:
                        await response.aclose()
            except FilmgateClientError as error:
                pause = following.pause(error)
            else:
                pause = following.pause()
            await asyncio.sleep(pause)

    async def upload(self, source: str | Path | bytes, *, media_type: str | None = None) -> str:
        """Keep a picture or clip at the service and return its link: a `start` or `end`, for a clip {"video": link}.

        `source` is a path or bytes. `media_type` defaults to that of the file's name; bytes are a picture unless it
        says "video/mp4". Raises InvalidInput for a file that is empty, too large or not readable.
        """
        return await self._send(await asyncio.to_thread(calls.upload, source, media_type))

    async def webhooks(
        self, *, task: Task | str | None = None, status: str | None = None, limit: int = 20, offset: int = 0
    ) -> WebhookPage:
        """List webhooks, newest first: of one task or of all, with one status or with any."""
        return await self._send(calls.webhooks(task=task, status=status, limit=limit, offset=offset))

    async def webhook(self, webhook_id: str) -> Webhook:
        """Return a webhook with its deliveries; the id of a task means its newest one. Raises NotFound."""
        return await self._send(calls.webhook(webhook_id))

    async def resend_webhook(self, webhook_id: str) -> Webhook:
        """Resend a webhook at once, with three days of tries. Raises NotFound."""
        return await self._send(calls.resend_webhook(webhook_id))

    async def webhook_secrets(self) -> tuple[WebhookSecret, ...]:
        """Return what signs webhooks now, newest first."""
        return await self._send(calls.webhook_secrets())

    async def rotate_webhook_secret(self, *, at_once: bool = False) -> tuple[WebhookSecret, ...]:
        """Sign webhooks with a new secret; the earlier one signs for 24 hours more, unless `at_once`."""
        return await self._send(calls.rotate_webhook_secret(at_once=at_once))

    async def usage(self, *, since: str | None = None, until: str | None = None) -> Usage:
        """Return what the application has used, this month or from one day to another, such as "2026-11-22"."""
        return await self._send(calls.usage(since, until))

    async def all_usage(self, *, since: str | None = None, until: str | None = None) -> tuple[Usage, ...]:
        """Return what every application has used. For admins, as all below."""
        return await self._send(calls.all_usage(since, until))

    async def limits(self) -> tuple[Standing, ...]:
        """Return the rules of every application, and how it stands."""
        return await self._send(calls.limits())

    async def set_limits(self, application: str, **changes: Unpack[Changes]) -> Standing:
        """Set rules of an application, by its name or id; the others stay. Raises NotFound."""
        return await self._send(calls.set_limits(application, {**changes}))

    async def engine_status(self) -> tuple[EngineStatus, ...]:
        """Return how every engine is."""
        return await self._send(calls.engine_status())

    async def route(self, prompt: str, **options: Unpack[Options]) -> Route:
        """Return where a generation would go now, and why; nothing is submitted."""
        return await self._send(await asyncio.to_thread(calls.route, prompt, options))

    async def unknown_submits(self) -> tuple[UnknownSubmit, ...]:
        """List the submits that a provider did not answer, of all applications, oldest first."""
        return await self._send(calls.unknown_submits())

    async def decide(self, task: Task | str, decision: Decision, upstream_id: str | None = None) -> Task:
        """Decide about such a submit: with "accepted" the provider has it as `upstream_id`. Raises NotFound.

        "submit_again" sends it once more, which may be charged twice; "fail" ends the task.
        """
        return await self._send(calls.decide(id_of(task), decision, upstream_id))

    async def import_tasks(self, engine: str, ids: Sequence[str]) -> tuple[Task, ...]:
        """Import tasks that a provider made before, by its own ids; one that is here already is returned as it is.

        Raises NotFound for an id that the provider does not know; the ids before it have been imported then.
        """
        return await self._send(calls.import_tasks(engine, ids))

    async def _send(self, call: calls.Call[T]) -> T:
        retries = Retries(call)
        try:
            async for attempt in attempts(retries):
                with attempt, calls.connection(self._target, call):
                    request = calls.request(self._http, self._target, call, self._timeout)
                    return calls.read(call, await self._http.send(request))
        except ConnectionFailed as error:
            retries.judge(error)
            raise
        raise AssertionError("the last attempt returns or raises")

    async def _save(self, call: calls.Call[None], part: Part) -> None:
        request = calls.request(self._http, self._target, call, self._timeout)
        response = await self._http.send(request, stream=True, follow_redirects=True)
        try:
            if not response.is_success:
                await response.aread()
                raise calls.error_of(response)
            with part:
                async for chunk in response.aiter_bytes(CHUNK):
                    await asyncio.to_thread(part.write, chunk)
        finally:
            await response.aclose()
