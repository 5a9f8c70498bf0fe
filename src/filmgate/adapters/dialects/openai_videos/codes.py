"""How servers of OpenAI's videos API say for certain that they accepted nothing, or do not know a video."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.upstreams import Code, Meaning, Unknown

_GUIDE: Final = "OpenAI, API guide, Error codes"
_IMAGES: Final = "OpenAI, API reference, errors of refused content"

CODES: Final = {
    "invalid_api_key": Code(Meaning.ACCOUNT, _GUIDE),
    "insufficient_quota": Code(Meaning.ACCOUNT, _GUIDE),
    "billing_hard_limit_reached": Code(Meaning.ACCOUNT, _GUIDE),
    "credit_balance_exhausted": Code(Meaning.ACCOUNT, _GUIDE),
    "rate_limit_exceeded": Code(Meaning.BUSY, _GUIDE),
    "model_not_found": Code(Meaning.REJECTED, _GUIDE),
    "content_policy_violation": Code(Meaning.MODERATED, _IMAGES),
    "moderation_blocked": Code(Meaning.MODERATED, _IMAGES),
}
"""`server_error` is not here: it says nothing about what became of the video."""

UNKNOWN: Final = Unknown({}, {not_found("video|task|job"): "vLLM-Omni and SGLang: 'Video not found'"})
