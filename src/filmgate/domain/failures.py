"""Why a task failed."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FailureCode(StrEnum):
    """The codes Filmgate itself gives; an engine may add its own."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ENGINE_CRASHED = "engine_crashed"
    GENERATION_FAILED = "generation_failed"
    INPUT_UNREACHABLE = "input_unreachable"
    INVALID_MEDIA = "invalid_media"
    OUTPUT_MISSING = "output_missing"
    UNSUPPORTED_BY_ENGINE = "unsupported_by_engine"
    MODERATED = "moderated"
    REJECTED_BY_PROVIDER = "rejected_by_provider"
    SUBMIT_UNKNOWN = "submit_unknown"
    LOST_BY_PROVIDER = "lost_by_provider"


class Failure(msgspec.Struct, frozen=True):
    """A code for programs and a sentence for people."""

    code: str
    message: str
