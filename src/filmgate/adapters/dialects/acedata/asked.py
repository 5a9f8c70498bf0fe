"""Which bodies of `POST /luma/tasks` are queries by id, and which of the two APIs on that path is meant."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from filmgate.adapters.dialects.acedata import wire
from filmgate.adapters.dialects.common import Asked
from filmgate.adapters.dialects.gateway import wire as gateway
from filmgate.domain.settings import Settings

_FILTERS = ("trace_ids", "application_id", "user_id", "type", "offset", "limit", "created_at_min", "created_at_max")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Api(StrEnum):
    """What `action` says that the body is."""

    RETRIEVE = "retrieve"
    RETRIEVE_BATCH = "retrieve_batch"
    GATEWAY = "gateway"
    UNKNOWN = "unknown"


def api_of(body: dict[str, Any]) -> Api:
    """Tell by the value of `action`: absent, null or empty with `ids` is a batch of the gateway."""
    action = body.get("action")
    if action in (Api.RETRIEVE, Api.RETRIEVE_BATCH):
        return Api(action)
    return Api.GATEWAY if (action is None or action == "") and body.get("ids") is not None else Api.UNKNOWN


def by_id(data: bytes, settings: Settings) -> Asked | None:
    """Read a query that asks for ids and for nothing else; None for everything that needs a closer look."""
    try:
        body = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    api = api_of(body)
    if api is Api.RETRIEVE:
        task_id = body.get("id")
        if isinstance(task_id, str) and task_id and _is_text(body.get("trace_id")):
            return Asked(wire.FORM, [task_id], single=True, error=wire.write_error)
    elif api is Api.RETRIEVE_BATCH:
        ids = body.get("ids")
        if isinstance(ids, list) and all(map(_is_id, ids)) and all(body.get(name) is None for name in _FILTERS):
            return Asked(wire.FORM, ids, single=False, error=wire.write_error)
    elif api is Api.GATEWAY:
        ids = body.get("ids")
        if isinstance(ids, list) and all(map(_is_id, ids)):
            form = gateway.batch_form(None, settings.gateway_batch)
            return Asked(form, ids, single=False, error=gateway.write_error)
    return None


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_id(value: object) -> bool:
    return isinstance(value, str)
