"""The answers of the Agents API."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import Metadata

Word = Literal["queued", "processing", "completed", "failed"]
Type = Literal["image", "image_edit", "video", "video_edit", "video_reframe", "layering"]
Model = Literal["uni-1", "uni-1-max", "ray-3.2"]
FailureWord = Literal[
    "content_moderated",
    "generation_failed",
    "budget_exhausted",
    "output_not_found",
    "image_too_large",
    "unsupported_format",
    "corrupt_input",
    "invalid_request",
    "rate_limited",
]
FileState = Literal["pending", "ready", "failed", "deleted"]
Purpose = Literal["input", "reference"]


class AgentsOutput(TypedDict):
    """A file that was made."""

    type: Literal["image", "video"]
    url: str


class AgentsGeneration(Metadata):
    """A generation: the same keys in every state. `output` is empty until it is completed."""

    id: str
    created_at: str
    model: Model
    state: Word
    type: Type
    failure_code: FailureWord | None
    failure_reason: str | None
    output: list[AgentsOutput]


class AgentsFile(TypedDict):
    """A file of the caller's: `pending` until its bytes have come, `ready` from then on."""

    id: str
    created_at: str
    mime_type: str
    purpose: Purpose
    size_bytes: int
    state: FileState
    deleted_at: str | None
    expires_at: str | None
    failure_reason: str | None
    filename: str | None
    user_id: str | None


class AgentsSending(TypedDict):
    """Where the bytes of a file are to be sent, and until when."""

    expires_at: str
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]


class AgentsCreatedFile(TypedDict):
    """A new file; `upload` is null if its bytes came with the request."""

    id: str
    file: AgentsFile
    state: FileState
    upload: AgentsSending | None


class AgentsFiles(TypedDict):
    """Some of the files, newest first; `next_cursor` asks for the next ones."""

    data: list[AgentsFile]
    has_more: bool
    next_cursor: str | None


class AgentsError(TypedDict):
    """An error: a sentence for people, a code for programs, the field that was wrong, the name of the request."""

    detail: str
    code: str
    field: str | None
    trace_id: str
