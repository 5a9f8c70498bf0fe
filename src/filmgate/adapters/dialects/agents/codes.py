"""How the Agents API says for certain that it accepted nothing, and that it does not know a generation."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.upstreams import Code, Meaning, Unknown

_REFERENCE: Final = "Luma, Agents API reference, failure_code"

CODES: Final = {
    "invalid_request": Code(Meaning.REJECTED, _REFERENCE),
    "image_too_large": Code(Meaning.REJECTED, _REFERENCE),
    "unsupported_format": Code(Meaning.REJECTED, _REFERENCE),
    "corrupt_input": Code(Meaning.REJECTED, _REFERENCE),
    "content_moderated": Code(Meaning.MODERATED, _REFERENCE),
    "budget_exhausted": Code(Meaning.ACCOUNT, _REFERENCE),
    "rate_limited": Code(Meaning.BUSY, _REFERENCE),
}
"""`generation_failed` and `output_not_found` are not here: what says so was accepted."""

UNKNOWN: Final = Unknown({}, {not_found("generation|task"): "Filmgate, as Luma's API serves it"})
