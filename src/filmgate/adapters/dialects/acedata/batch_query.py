"""Which bodies of `POST /luma/tasks` are queries by id, and which of the two APIs on that path is meant."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from filmgate.adapters.dialects.acedata import wire
from filmgate.adapters.dialects.gateway import responses as gateway
from filmgate.core.query.cache import Serializer, TaskQuery
from filmgate.domain.settings import Settings

_NOTHING: Final = msgspec.Raw(b"null")
_FILTERS: Final = (
    "trace_ids",
    "application_id",
    "user_id",
    "type",
    "offset",
    "limit",
    "created_at_min",
    "created_at_max",
)


class _Query(msgspec.Struct):
    """A body of the path; what else it has is skipped, and filters are not read, only seen."""

    action: str | None = None
    id: str | None = None
    trace_id: str | None = None
    ids: list[str] | None = None
    trace_ids: msgspec.Raw = _NOTHING
    application_id: msgspec.Raw = _NOTHING
    user_id: msgspec.Raw = _NOTHING
    type: msgspec.Raw = _NOTHING
    offset: msgspec.Raw = _NOTHING
    limit: msgspec.Raw = _NOTHING
    created_at_min: msgspec.Raw = _NOTHING
    created_at_max: msgspec.Raw = _NOTHING

    @property
    def is_filtered(self) -> bool:
        """Whether the body asks for anything but ids."""
        return any(getattr(self, name) != _NOTHING for name in _FILTERS)


_decode = msgspec.json.Decoder(_Query).decode


class Api(StrEnum):
    """What `action` says that the body is."""

    RETRIEVE = "retrieve"
    RETRIEVE_BATCH = "retrieve_batch"
    GATEWAY = "gateway"
    UNKNOWN = "unknown"


def api_of(body: dict[str, Any]) -> Api:
    """Return by the value of `action`: absent, null or empty with `ids` is a batch of the gateway."""
    return _api(body.get("action"), has_ids=body.get("ids") is not None)


def _api(action: object, *, has_ids: bool) -> Api:
    if isinstance(action, str) and action in (Api.RETRIEVE, Api.RETRIEVE_BATCH):
        return Api(action)
    return Api.GATEWAY if (action is None or action == "") and has_ids else Api.UNKNOWN


def by_id(data: bytes, settings: Settings, batch_format: str | None = None) -> TaskQuery | None:
    """Read a query that asks for ids and for nothing else; None for everything that needs a closer look.

    Raises InvalidRequest for an unknown format of the gateway's batch.
    """
    try:
        body = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    api = _api(body.action, has_ids=body.ids is not None)
    if api is Api.RETRIEVE:
        if body.id:
            return one(body.id)
    elif body.ids is None:
        return None
    elif api is Api.RETRIEVE_BATCH:
        if not body.is_filtered:
            return batch(body.ids)
    elif api is Api.GATEWAY:
        return gateway_batch(body.ids, gateway.batch_form(batch_format, settings.gateway_batch))
    return None


def one(task_id: str) -> TaskQuery:
    """Return the query for one task."""
    return TaskQuery((task_id,), wire.FORM, wire.write_error)


def batch(ids: Sequence[str]) -> TaskQuery:
    """Return the query for many tasks."""
    return TaskQuery(ids, wire.FORM, wire.write_error, single=False)


def gateway_batch(ids: Sequence[str], form: Serializer) -> TaskQuery:
    """Return the query for many tasks in the form of the gateway API."""
    return TaskQuery(ids, form, gateway.write_error, single=False)
