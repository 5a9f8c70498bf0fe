"""Changes of tasks as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from filmgate.adapters.dialects.native import responses
from filmgate.adapters.dialects.serving.dialect import Services
from filmgate.adapters.dialects.serving.openapi import failures, in_path
from filmgate.api import NativeError
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.events import Event, News
from filmgate.domain.errors import InvalidRequest, Unauthorized
from filmgate.ports.context import RequestContext, wants_head

_RETRY: Final = b"retry: 1000\n"
_ALIVE: Final = b":\n\n"
_MOST_DIGITS: Final = 18
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events without end: `task` has a task as a query answers it, `deleted` the id of one.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_LAST: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was read: the stream goes on behind it.",
    "schema": {"type": "string", "pattern": rf"^[0-9]{{1,{_MOST_DIGITS}}}$"},
}


class EventStream(Response):
    """A stream of blocks that the web application sends when the framework is done: thousands may be open at once.

    An error of the first block is answered as such.
    """

    def __init__(self, blocks: AsyncGenerator[bytes, None]) -> None:
        super().__init__()
        self._blocks = blocks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the stream to the web application."""
        del receive, send
        scope["state"]["stream"] = partial(look if wants_head(scope) else serve, self._blocks)


async def look(blocks: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Send the head of a stream that can be had, and end it."""
    del receive
    async with aclosing(blocks):
        await anext(blocks)
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
    await send({"type": "http.response.body", "body": b""})


async def serve(blocks: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Send blocks until there are no more or the reader has gone."""
    try:
        async with asyncio.timeout(None) as life:
            watching = asyncio.create_task(_end_with_reader(receive, life))
            try:
                await _write(blocks, send)
            finally:
                watching.cancel()
                await asyncio.wait([watching])
    except TimeoutError:
        return  # the reader has gone


async def _write(blocks: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(blocks):
        block = await anext(blocks)
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        await _send(send, block)
        del block  # as below
        async for block in blocks:
            await _send(send, block)
            del block
        await send({"type": "http.response.body", "body": b""})


def add_events(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the streams below a prefix."""

    @routes.get(
        f"{prefix}/tasks/{{task_id}}/events",
        operation_id="follow_task",
        summary="Follow one task",
        description="The task as it is and after every change, as server-sent events; the stream ends with the task. "
        "204 if there is nothing to come behind `Last-Event-ID`.",
        response_class=Response,
        responses=failures(NativeError, 404) | _STREAM | {204: {"description": "The last event has been read."}},
        openapi_extra={"parameters": [in_path("task_id", "The id of a task."), _LAST]},
    )
    async def of_task(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        task_id, after = request.path_params["task_id"], _place(request)
        if after is not None and await services.events.is_over(context, task_id, after):
            return Response(status_code=204)
        return EventStream(_blocks(services, request, context, services.events.of_task(context, task_id, after)))

    @routes.get(
        f"{prefix}/events",
        operation_id="follow_tasks",
        summary="Follow all tasks",
        description="Every change of a task of the application, as server-sent events, from now on or from behind "
        "`Last-Event-ID`. Of states that came in quick succession only the last may be told.",
        response_class=Response,
        responses=failures(NativeError) | _STREAM,
        openapi_extra={"parameters": [_LAST]},
    )
    async def of_application(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        stream = services.events.of_application(context, _place(request))
        return EventStream(_blocks(services, request, context, stream))


async def _blocks(
    services: Services, request: Request, context: RequestContext, events: AsyncGenerator[Event | None, None]
) -> AsyncGenerator[bytes, None]:
    """Write events, as long as the key is good."""
    # The stream may last for hours: of the request it holds what the key is read from, not what the framework added.
    asked = Request({name: request.scope[name] for name in ("type", "scheme", "headers", "state")})
    del request
    async with aclosing(events):
        async for event in events:
            try:
                await services.auth.recheck(asked)
            except Unauthorized:
                return
            block = _ALIVE if event is None else await _block(services, context, event)
            del event  # thousands may wait for the next one
            yield block
            del block


async def _block(services: Services, context: RequestContext, event: Event) -> bytes:
    place = b"" if event.number is None else b"id: %d\n" % event.number
    if event.kind is News.OPENED:
        return _RETRY + place + b"\n"
    if event.task is None:
        data = msgspec.json.encode({"id": event.task_id})
    else:
        data = await services.query.write(context, event.task, responses.FORM)
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.kind.encode(), data)


def _place(request: Request) -> int | None:
    given = request.headers.get("last-event-id")
    if given is None or given == "":
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS):
        raise InvalidRequest("Last-Event-ID must be the id of an event of this stream", field="Last-Event-ID")
    return int(given)


async def _send(send: Send, block: bytes) -> None:
    await send({"type": "http.response.body", "body": block, "more_body": True})


async def _end_with_reader(receive: Receive, life: asyncio.Timeout) -> None:
    """End what runs for a reader when it has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    life.reschedule(asyncio.get_running_loop().time())
