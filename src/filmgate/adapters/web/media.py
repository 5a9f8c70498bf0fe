"""Serving stored files behind their unguessable links."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from filmgate.domain.errors import FilmgateError, NotFound
from filmgate.domain.media import Media, media_path
from filmgate.ports.context import wants_head
from filmgate.ports.media import MediaRows, MediaStore
from filmgate.ports.rates import RateBuckets

log = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

# `nosniff` is among the headers that every answer has.
_SECURITY = {
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=86400, immutable",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
}
_TYPES = {"video/mp4", "image/jpeg", "image/png"}


def media_router(ledger: MediaRows, store: MediaStore, buckets: RateBuckets) -> APIRouter:
    """Make the route: GET with ranges and entity tags; `buckets` count requests per client address."""
    router = APIRouter(tags=["media"])
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(_TYPES)}

    @router.get(
        media_path("{token}", "{name}"),
        operation_id="media_get",
        summary="Get a file",
        description="The link of a video or picture. It is a capability: who has it may read the file.",
        response_class=Response,
        responses={
            200: {"description": "The whole file.", "content": content},
            206: {"description": "The part that the Range header asks for.", "content": content},
            304: {"description": "The file is what If-None-Match names."},
            404: {"description": "No such file, or its task was deleted."},
            416: {"description": "The file has no such part."},
            429: {"description": "Too many requests from this address."},
        },
    )
    async def serve(token: str, name: str, request: Request) -> Response:
        buckets.take(request.client.host if request.client else "")
        stored = await ledger.media(token)
        if stored is None or stored.media.name != name:
            raise NotFound("There is no such file here (any more).")
        return await answer(request, stored.media, store)

    return router


async def answer(request: Request, media: Media, store: MediaStore) -> Response:
    """Answer with a stored file, or with the part of it that is asked for. Raises NotFound if the store has lost it.

    A HEAD knows no ranges, and nothing is read for it.
    """
    looked = wants_head(request.scope)
    etag = f'"{media.etag}"'
    headers = {**_SECURITY, "etag": etag, "content-disposition": f'inline; filename="{media.name}"'}
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    start, stop, status = 0, media.bytes, 200
    asked = request.headers.get("range")
    if asked is not None and not looked and request.headers.get("if-range", etag) == etag:
        part = _part(asked, media.bytes)
        if part is not None and part[0] >= part[1]:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{media.bytes}"})
        if part is not None:
            (start, stop), status = part, 206
            headers["content-range"] = f"bytes {start}-{stop - 1}/{media.bytes}"
    headers["content-length"] = str(stop - start)
    kind = media.facts.type if media.facts.type in _TYPES else "application/octet-stream"
    if looked:
        stop = start
    pieces = store.read(media.key, start, stop)
    try:
        # The first piece is read before the status is sent, so that a missing file is an honest 404.
        first = await anext(pieces, b"")
    except FileNotFoundError as error:
        raise NotFound("There is no such file here (any more).") from error
    if looked:
        return Response(status_code=status, headers=headers, media_type=kind)

    if status == 200 and len(first) == media.bytes:
        _check(media, hashlib.sha256(first))
        return Response(first, status, headers, kind)
    body = _whole(media, first, pieces) if status == 200 else _prepend(first, pieces)
    return StreamingResponse(body, status, headers, media_type=kind)


async def _prepend(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


async def _whole(media: Media, held: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a whole file; hold the last piece back from a damaged one, so that clients notice."""
    digest = hashlib.sha256(held)
    async for piece in pieces:
        yield held
        digest.update(piece)
        held = piece
    _check(media, digest)
    yield held


def _check(media: Media, digest: hashlib._Hash) -> None:
    if digest.hexdigest() != media.etag:
        log.error("the file %s is damaged: it is not what was stored", media.key)
        raise FilmgateError("The file is damaged: it is not what was stored.")


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return header.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _part(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header: (start, stop), empty if it cannot be satisfied; None if it is to be ignored."""
    match = _RANGE.fullmatch(header.strip().lower())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        length = int(last)
        return (max(0, size - length), size) if length else (size, size)
    start = int(first)
    stop = min(size, int(last) + 1) if last else size
    if last and int(last) < start:
        return None
    return start, stop
