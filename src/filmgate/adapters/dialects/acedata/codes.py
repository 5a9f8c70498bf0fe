"""How AceData says for certain that it accepted nothing, and that it does not know a task."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.upstreams import Code, Meaning, Unknown

_PAGE: Final = "AceData, Luma Tasks API, Error Handling"
_SDK: Final = "acedatacloud (Python), its mapping of error codes to exceptions"

CODES: Final = {
    "bad_request": Code(Meaning.REJECTED, _SDK),
    "api_not_implemented": Code(Meaning.REJECTED, _PAGE),
    "token_mismatched": Code(Meaning.ACCOUNT, _PAGE),
    "invalid_token": Code(Meaning.ACCOUNT, _PAGE),
    "token_expired": Code(Meaning.ACCOUNT, _SDK),
    "no_token": Code(Meaning.ACCOUNT, _SDK),
    "used_up": Code(Meaning.ACCOUNT, _SDK),
    "disabled": Code(Meaning.ACCOUNT, _SDK),
    "forbidden": Code(Meaning.MODERATED, _SDK),
    "too_many_requests": Code(Meaning.BUSY, _PAGE),
}
"""`api_error` and `timeout` are not here: they say nothing about what became of the task."""

UNKNOWN: Final = Unknown(
    {"not_found": "Filmgate, as AceData's API serves it"},
    {not_found("task|video"): "Filmgate, as AceData's API serves it"},
)
