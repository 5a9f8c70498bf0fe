"""The requests of the client and the parsing of their answers, without the sending: one `Call` per operation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx2
import msgspec

from filmgate import __version__, api
from filmgate.client.errors import (
    ConnectionFailed,
    FilmgateClientError,
    InFlight,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
)
from filmgate.client.references import Options, data_uri, data_uri_of, reference
from filmgate.client.results import (
    Account,
    Engine,
    EngineStatus,
    ModelList,
    Route,
    Task,
    TaskPage,
    UnknownSubmit,
    Upload,
    id_of,
)
from filmgate.client.target import Target
from filmgate.client.usage import Standing, Usage
from filmgate.client.webhooks import Webhook, WebhookPage, WebhookSecret
from filmgate.domain.retry_after import parse_retry_after

T = TypeVar("T")

_PREFIX = "/api/v1"
_ADMIN = f"{_PREFIX}/admin"
_WEBHOOKS = f"{_PREFIX}/webhooks"
_UPLOAD = "/luma/generations/file_upload"
_HEARTBEAT = 30.0
"""Seconds of silence that a stream of events may last, besides the timeout of the client."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_ERRORS: dict[int, type[FilmgateClientError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    429: TooManyRequests,
}


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One request. `path` is below the service, or an absolute address that gets no key.

    `repeatable` says that sending it twice does no harm, which a `key` of its own makes true of a submit; `hold` is how
    many seconds the service may wait with its answer, `patience` for how many seconds trouble with the connection is
    met with another try, and `backoff` how many seconds in all are spent on waiting for a rate to allow it.
    """

    method: str
    path: str
    answer: Callable[[bytes], T]
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes | None = None
    repeatable: bool = True
    key: str | None = None
    hold: float = 0.0
    patience: float = 1.5
    backoff: float = 60.0


def submit(prompt: str, options: Options) -> Call[Task]:
    """Accept a generation; sent again, it is the same one. Reads local files; raises InvalidInput."""
    body = _generation(prompt, options)
    return Call("POST", f"{_PREFIX}/tasks", _task, body=body, repeatable=False, key=uuid4().hex)


def extend(task: Task | str, prompt: str, options: Options) -> Call[Task]:
    """Accept the continuation of an earlier clip."""
    return submit(prompt, {**options, "start": {"task": id_of(task)}})


def get(task_id: str, *, hold: float = 0.0, patience: float = 1.5, backoff: float = 60.0) -> Call[Task]:
    """Ask for a task; with `hold` the answer may come up to that many seconds later, at the task's end."""
    params = {"wait": f"{hold:.3f}"} if hold else {}
    return Call("GET", _of(task_id), _task, params, hold=hold, patience=patience, backoff=backoff)


def listing(*, limit: int, offset: int, state: str | None, newest: bool) -> Call[TaskPage]:
    """Ask for some of the tasks."""
    params = {"limit": str(limit), "offset": str(offset), "newest": str(newest).lower()}
    if state is not None:
        params["state"] = state
    return Call("GET", f"{_PREFIX}/tasks", msgspec.json.Decoder(TaskPage).decode, params)


def cancel(task_id: str) -> Call[Task]:
    """End an unfinished task; once is as good as twice."""
    return Call("POST", f"{_of(task_id)}/cancel", _task)


def delete(task_id: str) -> Call[None]:
    """Remove a task and its files. A second try would find nothing and look like a mistake."""
    return Call("DELETE", _of(task_id), _nothing, repeatable=False)


def engines() -> Call[tuple[Engine, ...]]:
    """Ask for the engines there are."""
    return Call("GET", f"{_PREFIX}/engines", _engines)


def account() -> Call[Account]:
    """Ask for the account of the key."""
    return Call("GET", f"{_PREFIX}/me", msgspec.json.Decoder(Account).decode)


def webhooks(*, task: Task | str | None, status: str | None, limit: int, offset: int) -> Call[WebhookPage]:
    """Ask for some of the webhooks."""
    given = {
        "task": None if task is None else id_of(task),
        "status": status,
        "limit": str(limit),
        "offset": str(offset),
    }
    params = {name: value for name, value in given.items() if value is not None}
    return Call("GET", _WEBHOOKS, msgspec.json.Decoder(WebhookPage).decode, params)


def webhook(webhook_id: str) -> Call[Webhook]:
    """Ask for a webhook with its deliveries."""
    return Call("GET", f"{_WEBHOOKS}/{_segment(webhook_id)}", _webhook)


def resend_webhook(webhook_id: str) -> Call[Webhook]:
    """Resend a webhook; asked for twice it may be sent twice, as any webhook may."""
    return Call("POST", f"{_WEBHOOKS}/{_segment(webhook_id)}/resend", _webhook)


def webhook_secrets() -> Call[tuple[WebhookSecret, ...]]:
    """Ask for what signs webhooks."""
    return Call("GET", f"{_WEBHOOKS}/secret", _webhook_secrets)


def rotate_webhook_secret(*, at_once: bool) -> Call[tuple[WebhookSecret, ...]]:
    """Sign with a new secret. A second try would rotate out the one that the first has made."""
    body = _json({"at_once": at_once})
    return Call("POST", f"{_WEBHOOKS}/secret/rotate", _webhook_secrets, body=body, repeatable=False)


def usage(since: str | None, until: str | None) -> Call[Usage]:
    """Ask what the application has used."""
    return Call("GET", f"{_PREFIX}/usage", msgspec.json.Decoder(Usage).decode, _days(since, until))


def all_usage(since: str | None, until: str | None) -> Call[tuple[Usage, ...]]:
    """Ask what all applications have used."""
    return Call("GET", f"{_ADMIN}/usage", _usages, _days(since, until))


def limits() -> Call[tuple[Standing, ...]]:
    """Ask for the rules of all applications."""
    return Call("GET", f"{_ADMIN}/limits", _standings)


def set_limits(application: str, changes: dict[str, Any]) -> Call[Standing]:
    """Set rules of an application; once is as good as twice."""
    path = f"{_ADMIN}/limits/{_segment(application)}"
    return Call("PATCH", path, msgspec.json.Decoder(Standing).decode, body=_json(changes))


def models() -> Call[ModelList]:
    """Ask for the models there are."""
    return Call("GET", f"{_PREFIX}/models", _models)


def engine_status() -> Call[tuple[EngineStatus, ...]]:
    """Ask how the engines are."""
    return Call("GET", f"{_ADMIN}/engines", _engine_status)


def route(prompt: str, options: Options) -> Call[Route]:
    """Ask where a generation would go. Reads local files; raises InvalidInput."""
    return Call("POST", f"{_ADMIN}/route", msgspec.json.Decoder(Route).decode, body=_generation(prompt, options))


def unknown_submits() -> Call[tuple[UnknownSubmit, ...]]:
    """Ask for the requests with an unknown outcome."""
    return Call("GET", f"{_ADMIN}/unknown", _unknown_submits)


def decide(task_id: str, decision: str, upstream_id: str | None) -> Call[Task]:
    """Decide about a submit. A second try would find it decided and look like a mistake."""
    given = {"decision": decision, "upstream_id": upstream_id}
    body = _json({name: value for name, value in given.items() if value is not None})
    return Call("POST", f"{_ADMIN}/unknown/{_segment(task_id)}", _task, body=body, repeatable=False)


def import_tasks(engine: str, ids: Sequence[str]) -> Call[tuple[Task, ...]]:
    """Import a provider's tasks; once is as good as twice."""
    body = _json({"engine": engine, "ids": list(ids)})
    return Call("POST", f"{_ADMIN}/import", _imported, body=body)


def upload(source: str | Path | bytes, media_type: str | None) -> Call[str]:
    """Keep a picture or clip at the service. Reads a local file; raises InvalidInput. Twice would keep it twice."""
    if isinstance(source, bytes):
        address = data_uri_of(source, media_type or "application/octet-stream", "the file")
    else:
        address = data_uri(Path(source), media_type)
    return Call("POST", _UPLOAD, _link, body=_json({"url": address}), repeatable=False)


def events(task_id: str | None, after: int | None) -> Call[None]:
    """Open the stream of changes of a task or of all tasks, behind the event of that id."""
    path = f"{_PREFIX}/events" if task_id is None else f"{_of(task_id)}/events"
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    return Call("GET", path, _nothing, headers=headers, hold=_HEARTBEAT)


def file(url: str) -> Call[None]:
    """Fetch a file by its link, which is all the permission it needs."""
    return Call("GET", url, _nothing)


def request(
    client: httpx2.Client | httpx2.AsyncClient, target: Target, call: Call[Any], timeout: float
) -> httpx2.Request:
    """Write a call down. `timeout` is the seconds without a sign of life after which the service counts as gone."""
    headers = {b"User-Agent": f"filmgate/{__version__}".encode(), b"Accept": b"*/*"}
    inside = call.path.startswith("/")
    if inside and target.key is not None:
        headers[b"Authorization"] = b"Bearer " + target.key.encode()
    headers.update({name.encode(): value.encode() for name, value in call.headers.items()})
    if call.key is not None:
        headers[b"Idempotency-Key"] = call.key.encode()
    if call.body is not None:
        headers[b"Content-Type"] = b"application/json"
    return client.build_request(
        call.method,
        target.url + call.path if inside else call.path,
        params=call.params or None,
        content=call.body,
        headers=headers,
        timeout=httpx2.Timeout(timeout + call.hold, connect=min(timeout, 10.0)),
    )


@contextmanager
def connection(target: Target, call: Call[Any]) -> Iterator[None]:
    """Turn what can go wrong on the way into the client's own errors."""
    try:
        yield
    except _NOT_SENT as error:
        raise ConnectionFailed(f"no service answers at {target.url}: {_reason(error)}") from error
    except httpx2.HTTPError as error:
        if call.repeatable:
            raise ConnectionFailed(f"the connection to {target.url} broke: {_reason(error)}") from error
        raise OutcomeUnknown(
            f"the connection to {target.url} broke before the answer came ({_reason(error)}): "
            "the request may have been carried out"
        ) from error
    except httpx2.InvalidURL as error:
        raise InvalidInput(f"the address cannot be used: {error}") from error


def read(call: Call[T], response: httpx2.Response) -> T:
    """Read the whole answer of a call. Raises the error that it stands for."""
    if not response.is_success:
        raise error_of(response)
    try:
        return call.answer(response.content)
    except msgspec.MsgspecError as error:
        raise UnreadableAnswer(
            f"{response.url.host}:{response.url.port or 80} does not answer as Filmgate does: {error}",
            status=response.status_code,
        ) from error


def error_of(response: httpx2.Response) -> FilmgateClientError:
    """Read the error an answer stands for, its body having been read."""
    status = response.status_code
    told = _told(response.content)
    kind = _ERRORS.get(status, ServiceUnavailable if status >= 500 else FilmgateClientError)
    for own in (InFlight, QuotaExceeded):
        kind = own if told.get("code") == own.code else kind
    error = kind(
        told.get("message") or f"the service answered {status} {response.reason_phrase}".rstrip(),
        status=status,
        code=told.get("code") or f"http_{status}",
        field=told.get("field"),
        doc_url=_documentation(response, told.get("doc_url")),
        trace_id=told.get("trace_id"),
    )
    if isinstance(error, TooManyRequests | InFlight):
        error.retry_after = _seconds(response.headers)
    return error


def _documentation(response: httpx2.Response, relative: str | None) -> str | None:
    """Return the whole address of the documentation of an error, which is named relative to that of the service."""
    if not relative:
        return None
    before, _, _ = str(response.url).partition("/api/v1/")
    return f"{before}/{relative}"


def _generation(prompt: str, options: Options) -> bytes:
    """Write a generation down, with the local files that it names."""
    wanted: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    for side in ("start", "end"):
        if side in wanted:
            wanted[side] = reference(wanted[side], side)
    return _json({"prompt": prompt, **wanted})


def _json(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"a text has letters that cannot be sent: {error.reason}") from error


def _of(task_id: str) -> str:
    return f"{_PREFIX}/tasks/{_segment(task_id)}"


def _segment(task_id: str) -> str:
    if not task_id.strip():
        raise InvalidInput("an id is needed")
    return quote(task_id, safe="", errors="replace")


def _told(content: bytes) -> dict[str, str]:
    try:
        error = msgspec.json.decode(content, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return {name: value for name, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}


def _seconds(headers: Mapping[str, str]) -> float:
    seconds = parse_retry_after(headers.get("Retry-After", ""), time.time())
    return 1.0 if seconds is None else seconds


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _link(content: bytes) -> str:
    return msgspec.json.decode(content, type=Upload).public_url


def _nothing(content: bytes) -> None:
    del content


def _engines(content: bytes) -> tuple[Engine, ...]:
    return msgspec.json.decode(content, type=api.NativeEngines).engines


def _models(content: bytes) -> ModelList:
    return msgspec.json.decode(content, type=ModelList)


def _engine_status(content: bytes) -> tuple[EngineStatus, ...]:
    return msgspec.json.decode(content, type=api.NativeEngineStatuses).engines


def _unknown_submits(content: bytes) -> tuple[UnknownSubmit, ...]:
    return msgspec.json.decode(content, type=api.NativeUnknownSubmits).submits


def _days(since: str | None, until: str | None) -> dict[str, str]:
    return {name: day for name, day in (("since", since), ("until", until)) if day is not None}


def _usages(content: bytes) -> tuple[Usage, ...]:
    return msgspec.json.decode(content, type=api.NativeUsages).applications


def _standings(content: bytes) -> tuple[Standing, ...]:
    return msgspec.json.decode(content, type=api.NativeStandings).applications


def _webhook_secrets(content: bytes) -> tuple[WebhookSecret, ...]:
    return msgspec.json.decode(content, type=api.NativeWebhookSecrets).secrets


def _imported(content: bytes) -> tuple[Task, ...]:
    return msgspec.json.decode(content, type=api.NativeImported).tasks


_task = msgspec.json.Decoder(Task).decode
_webhook = msgspec.json.Decoder(Webhook).decode
