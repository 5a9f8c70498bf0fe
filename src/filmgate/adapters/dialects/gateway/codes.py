"""How gateways say for certain that they accepted nothing, and that they do not know a task."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.upstreams import Code, Meaning, Unknown

_NEW_API: Final = "new-api, types/error.go"
_RELAY: Final = "new-api, relay/relay_task.go"
_STATUS: Final = "Luma-API and new-api: the HTTP status of the error, repeated in the envelope"

CODES: Final = {
    "400": Code(Meaning.REJECTED, _STATUS),
    "401": Code(Meaning.ACCOUNT, _STATUS),
    "402": Code(Meaning.ACCOUNT, _STATUS),
    "403": Code(Meaning.ACCOUNT, _STATUS),
    "413": Code(Meaning.REJECTED, _STATUS),
    "422": Code(Meaning.REJECTED, _STATUS),
    "429": Code(Meaning.BUSY, _STATUS),
    "invalid_request": Code(Meaning.REJECTED, _RELAY),
    "invalid_api_platform": Code(Meaning.ACCOUNT, _RELAY),
    "model_mapping_failed": Code(Meaning.ACCOUNT, _RELAY),
    "model_price_error": Code(Meaning.ACCOUNT, _RELAY),
    "bad_request_body": Code(Meaning.REJECTED, _NEW_API),
    "model_not_found": Code(Meaning.REJECTED, _NEW_API),
    "access_denied": Code(Meaning.ACCOUNT, _NEW_API),
    "insufficient_user_quota": Code(Meaning.ACCOUNT, _NEW_API),
    "pre_consume_token_quota_failed": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_required": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_inactive": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_daily_limit_exceeded": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_total_limit_exceeded": Code(Meaning.ACCOUNT, _NEW_API),
    "token_concurrency_limit_reached": Code(Meaning.BUSY, _NEW_API),
    "sensitive_words_detected": Code(Meaning.MODERATED, _NEW_API),
    "prompt_blocked": Code(Meaning.MODERATED, _NEW_API),
}
"""What a gateway says of its own upstream is not here: do_request_failed, fail_to_fetch_task, bad_response_body …"""

UNKNOWN: Final = Unknown(
    {"task_not_exist": _RELAY},
    {not_found("task|generation|video"): "Filmgate, as gateways' API serves it"},
)
