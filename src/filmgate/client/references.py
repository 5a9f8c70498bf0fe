"""The options of a generation, and its start and end: addresses, local files and tasks."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypedDict

from filmgate.client.errors import InvalidInput
from filmgate.client.results import Task

MAX_FILE = 20 * 1024 * 1024
"""Bytes of a local picture, at most: what a service accepts by default."""

KINDS = ("image", "video", "task")

Source: TypeAlias = str | Path | Task | Mapping[str, str]
"""A picture's address or data URI, a local picture, an earlier task, or {"image": …}, {"video": …} or {"task": …}."""


class Options(TypedDict, total=False):
    """What can be asked for besides the prompt; what is left out or None is left to the service.

    `duration` is whole seconds, `enhance` lets the engine enrich the prompt, `start` and `end` are what the clip starts
    from and ends at. The ended task is posted to `webhook_url`; `callback_url` is its former name. With `strict` a
    request is refused if a value of it would be changed.
    """

    aspect_ratio: str | None
    resolution: str | None
    duration: int | None
    loop: bool | None
    enhance: bool | None
    model: str | None
    start: Source | None
    end: Source | None
    webhook_url: str | None
    callback_url: str | None
    strict: bool | None


def reference(source: Source, field: str) -> dict[str, str]:
    """Write a source as the service reads it. Raises InvalidInput; reads the file if it is one."""
    if isinstance(source, Task):
        return {"task": source.id}
    if isinstance(source, Path):
        return {"image": data_uri(source)}
    if isinstance(source, str):
        return {_kind(source, field): source}
    if len(source) != 1 or next(iter(source)) not in KINDS:
        raise InvalidInput(f"{field} must have exactly one of {', '.join(KINDS)}", field=field)
    return dict(source)


def data_uri(path: Path, media_type: str | None = None) -> str:
    """Read a local picture into a data URI; the service judges its content. Raises InvalidInput."""
    try:
        if not path.is_file():
            raise InvalidInput(f"there is no file {path}")
        size = path.stat().st_size
        if size > MAX_FILE:
            raise InvalidInput(
                f"{path} has {size / 1e6:.1f} MB; a picture may have {MAX_FILE / 1e6:.1f} MB: give its address instead"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    kind = media_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return data_uri_of(data, kind, str(path))


def data_uri_of(data: bytes, media_type: str, name: str) -> str:
    """Write bytes as a data URI; `name` is theirs in errors. Raises InvalidInput."""
    if not data:
        raise InvalidInput(f"{name} is empty")
    if len(data) > MAX_FILE:
        raise InvalidInput(f"{name} has {len(data) / 1e6:.1f} MB; at most {MAX_FILE / 1e6:.1f} MB can be sent")
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _kind(source: str, field: str) -> str:
    start = source[:11].lower()
    if start.startswith(("http://", "https://", "data:")):
        return "video" if start == "data:video/" else "image"
    raise InvalidInput(
        f'{field} must be an http(s) address or a data URI; a file is Path("…"), a task is {{"task": "…"}}', field=field
    )
