"""The parts of a dialect, and the services that its routes work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.core.admin import AdminService
from filmgate.core.media.uploads import Uploads
from filmgate.core.providers.importer import Importer
from filmgate.core.providers.models import Models
from filmgate.core.query.cache import Query, Serializer, TaskQuery
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.events import Events
from filmgate.core.tasks.idempotency import Idempotency
from filmgate.core.tasks.service import TaskService
from filmgate.core.tasks.usage import UsageService
from filmgate.core.webhooks.service import WebhookService
from filmgate.domain.errors import ErrorWriter
from filmgate.domain.media import Media
from filmgate.domain.settings import Settings
from filmgate.ports.context import RequestContext


class Authenticator(Protocol):
    """Authenticates requests, counts them, and reads their bodies within the limit."""

    async def enter(self, request: Request, action: Action) -> RequestContext:
        """Return the context of a request. Raises Unauthorized, Forbidden, HostNotAllowed, TooManyRequests."""

    async def recheck(self, request: Request) -> RequestContext:
        """Authenticate a request again without counting it. Raises Unauthorized."""

    async def body(
        self, request: Request, *, files: bool = False, raw: bool = False, application: str | None = None
    ) -> bytes:
        """Read the whole body: a small one, or one that has or (`raw`) is a file. Raises PayloadTooLarge, Unavailable.

        Its memory is that of the application, of the request if none is named.
        """

    def release(self, request: Request) -> None:
        """Release the memory of a body before the request ends."""


Answer = Callable[
    [RequestContext, TaskQuery, str | None, str | None], Awaitable[tuple[int, list[tuple[bytes, bytes]], bytes]]
]


class Services(NamedTuple):
    """The services that routes work with.

    `answer` returns the status, headers and body for a query by id, given the parameter `wait` and the header
    `Prefer`. `serve` answers a request with a stored file, in parts if it asks for one.
    """

    tasks: TaskService
    idempotency: Idempotency
    events: Events
    query: Query
    answer: Answer
    models: Models
    auth: Authenticator
    settings: Settings
    uploads: Uploads
    serve: Callable[[Request, Media], Awaitable[Response]]
    admin: AdminService
    importer: Importer
    webhooks: WebhookService
    usage: UsageService


class Read(NamedTuple):
    """A query by id, `GET prefix + id`: the writers of the task and of errors, and the headers of a good answer."""

    prefix: str
    form: Serializer
    error: ErrorWriter
    headers: tuple[tuple[bytes, bytes], ...] = ()


class BodyRead(NamedTuple):
    """`POST path` may be a query by id; `parse` returns None where the framework's route has to look at it."""

    path: str
    parse: Callable[[bytes, Settings], TaskQuery | None]


class Dialect(NamedTuple):
    """One wire format.

    `errors` maps the prefixes of its paths to what writes an error there, the longest prefix winning over all
    dialects; `webhook` is the form in which its webhooks tell of a task. `announces` says whether owners
    are called back when the work on a task begins, too.
    """

    name: str
    errors: Mapping[str, ErrorWriter]
    router: Callable[[Services], APIRouter]
    webhook: Serializer
    reads: tuple[Read, ...] = ()
    body_reads: tuple[BodyRead, ...] = ()
    announces: bool = False


def json_response(body: bytes | msgspec.Struct | Mapping[str, Any] | list[Any], status: int = 200) -> Response:
    """Answer with JSON, given as bytes or as a value."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status, media_type="application/json")
