"""The parts that the requests of all upstreams share, and the failures of plain dialects."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Kind, Operation, ReferenceKind
from filmgate.ports.provider import Input, ProviderError


def unsupported_failure(sentence: str) -> Failure:
    """Return the failure of something that this API cannot express."""
    return Failure(FailureCode.UNSUPPORTED_BY_ENGINE, sentence)


def refuse_all_but(operations: Collection[Operation], generation: Generation) -> Failure | None:
    """Return the failure of a generation beyond these operations, a prompt and two frames."""
    if generation.kind is Kind.IMAGE:
        return unsupported_failure("This provider makes videos, no pictures.")
    if generation.operation not in operations:
        return unsupported_failure(f"This provider has no operation {generation.operation}.")
    if generation.guides:
        return unsupported_failure("This provider takes no pictures as guides.")
    if generation.concepts:
        return unsupported_failure("This provider knows no concepts such as camera moves; describe them in the prompt.")
    return None


def media_type(given: Input) -> str:
    """Return the media type of an input's file, which is one that we wrote."""
    return "image/png" if given.kind is ReferenceKind.IMAGE else "video/mp4"


async def link(given: Input) -> str:
    """Return an input as an address, or its file as a data URI. Raises ProviderError: nothing was sent."""
    if given.file is None:
        return given.address or ""
    return f"data:{media_type(given)};base64,{await asyncio.to_thread(encode_file, given.file)}"


def encode_file(file: Path) -> str:
    """Return the bytes of a file in base64. Raises ProviderError: nothing was sent."""
    try:
        return base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        raise ProviderError("A file of the request could not be read.") from error


def segment(task_id: str) -> str | None:
    """Write an id as one segment of a path; None if no path can lead to it, and so no task has it."""
    return quote(task_id, safe="", errors="replace") if task_id.strip(".") else None
