"""How every dialect accepts a submit: once, however often it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import msgspec
from fastapi import Request

from filmgate.adapters.dialects.serving.dialect import Services
from filmgate.adapters.dialects.serving.forms import is_form
from filmgate.adapters.dialects.serving.terms import asks_strictly
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.idempotency import Fingerprint
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import InvalidRequest, TooManyRequests
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

ParseRequest = Callable[[RequestContext, bytes], Awaitable[SubmitRequest]]
"""Reads the body of a submit. Raises an error for a wrong one."""

MAX_KEY: Final = 255
"""Characters of an Idempotency-Key, at most."""

_COUNT: Final = "x-stainless-retry-count"
_KEY: Final = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY}}}")
_TRIES: Final = re.compile(r"\d{1,6}", re.ASCII)
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)
_LONG: Final = 1024 * 1024
"""Bytes of a body whose digest would hold up the event loop."""

_beside: Final = ThreadPoolExecutor(1, "digest")
"""A large body is written anew for its digest: one at a time, since each takes twice its size."""


class Accepted(NamedTuple):
    """A submit with its task, which may be older: the one of the submit that it repeats."""

    context: RequestContext
    task: Task
    data: bytes


async def accept(services: Services, request: Request, parse_request: ParseRequest, *, files: bool = True) -> Accepted:
    """Accept a submit, which may have `files`, or give the task of the one that it repeats."""
    context, data = await receive(services, request, files=files)

    async def order() -> SubmitRequest:
        return apply_strictness(await parse_request(context, data), request)

    return Accepted(context, await services.idempotency.submit(context, await fingerprint(request, data), order), data)


def apply_strictness(submit: SubmitRequest, request: Request) -> SubmitRequest:
    """Return a submit that is strict if its body, a header or a parameter says so. Raises InvalidRequest."""
    if submit.terms.strict or not asks_strictly(request):
        return submit
    return msgspec.structs.replace(submit, terms=msgspec.structs.replace(submit.terms, strict=True))


async def receive(services: Services, request: Request, *, files: bool = True) -> tuple[RequestContext, bytes]:
    """Authenticate a submit and read its body.

    If it is refused for its rate and will be sent again, that is remembered.
    """
    try:
        context = await services.auth.enter(request, Action.SUBMIT)
    except TooManyRequests:
        if _COUNT in request.headers:
            data = await services.auth.body(request, files=files)
            await services.idempotency.refuse(await services.auth.recheck(request), await fingerprint(request, data))
        raise
    return context, await services.auth.body(request, files=files)


async def fingerprint(request: Request, data: bytes, *, always: bool = False) -> Fingerprint:
    """Read the key and the count of a repeated submit; its digest only then, or `always`. Raises InvalidRequest."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRequest(f"Idempotency-Key must be 1 to {MAX_KEY} letters of ASCII", field="Idempotency-Key")
    counted = request.headers.get(_COUNT, "")
    tries = int(counted) if _TRIES.fullmatch(counted) else None
    if key is None and tries is None and not always:
        return Fingerprint()
    digest = _digest if len(data) < _LONG else _digest_beside
    return Fingerprint(await digest(request, data), key, tries)


async def _digest_beside(request: Request, data: bytes) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(_beside, _compute_digest, request, data)


async def _digest(request: Request, data: bytes) -> bytes:
    return _compute_digest(request, data)


def _compute_digest(request: Request, data: bytes) -> bytes:
    """Digest a request: equal for equal JSON, and for equal forms with another boundary."""
    mark = hashlib.sha256(f"{request.method} {request.scope['path'].rstrip('/')}\n".encode())
    if asks_strictly(request):
        mark.update(b"strict\n")  # the body may be the same as that of a request that is not
    mark.update(_form(request, data) if is_form(request) else _canonical(data))
    return mark.digest()


def _form(request: Request, data: bytes) -> bytes:
    found = _BOUNDARY.search(request.headers["content-type"])
    return data if found is None else data.replace(found[1].strip().encode("latin-1"), b"")


def _canonical(data: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(data), order="sorted")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return data  # it is refused anyway
