"""The AceData API over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.acedata import requests, responses
from filmgate.adapters.dialects.acedata.requests import Api, api_of, choose_api, decode_tasks_body
from filmgate.adapters.dialects.acedata.responses import (
    AceDataAccepted,
    AceDataBatch,
    AceDataError,
    AceDataFailed,
    AceDataTask,
    AceDataVideo,
    UnionError,
)
from filmgate.adapters.dialects.gateway import requests as gateway_requests
from filmgate.adapters.dialects.gateway import responses as gateway_responses
from filmgate.adapters.dialects.serving.codec import parse_object, validate
from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.inputs import ExtractedInputs
from filmgate.adapters.dialects.serving.openapi import (
    SOMETHING,
    answer,
    failures,
    in_query,
    keyed_router,
    refusals,
    repeatable,
    says,
    schema_of,
    succeeds,
    takes,
)
from filmgate.adapters.dialects.serving.queries import WAIT, answer_query
from filmgate.adapters.dialects.serving.submissions import apply_strictness, fingerprint, receive
from filmgate.core.query.cache import Serializer, TaskQuery
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.idempotency import Fingerprint
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import FilmgateError, InvalidRequest, WaitTimeout
from filmgate.domain.settings import Settings
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

TAG: Final = "AceData"

_VIDEOS: Final = (
    "Makes a video from a prompt or pictures, or extends one.\n\n"
    "Without `async` and `callback_url` the answer is the finished video. If it is not finished within `timeout` "
    "seconds the answer is 504 with the `task_id`, under which it can be queried; the same body sent again within "
    "30 s waits for the same task. A generation that failed is answered with 200 and `success` false (403 if the "
    "content was refused), since a 5xx would make clients submit it again.\n\n"
    "An extension of a video made here has the size of that video. `video_id`, `video_url` are only for "
    "`action` `extend`, `start_image_url` is not."
)
_TASKS: Final = (
    "Two APIs share this path; the value of `action` tells them apart. `retrieve` answers one task, "
    "`retrieve_batch` many; without `action`, `ids` answers a batch in the form of the gateway API."
)
_FORMAT: Final = in_query(
    "format", "The form of a batch without `action`.", {"type": "string", "enum": ["array", "envelope"]}
)


def router(services: Services) -> APIRouter:
    """Make the routes of the AceData API."""
    routes = keyed_router(TAG)
    _add_videos(routes, services)
    _add_tasks(routes, services)
    return routes


def _add_videos(routes: APIRouter, services: Services) -> None:
    nothing = {"enum": [None, ""]}
    generate = {
        "properties": {"action": {"enum": ["generate", "", None]}, "video_id": nothing, "video_url": nothing},
        "anyOf": [says("prompt", SOMETHING), says("start_image_url"), says("image_url"), says("end_image_url")],
    }
    extend = {
        "required": ["action"],
        "properties": {"action": {"const": "extend"}, "start_image_url": nothing, "image_url": nothing},
        "anyOf": [says("video_id"), says("video_url")],
    }

    @routes.post(
        "/luma/videos",
        operation_id="acedata_videos",
        summary="Make or extend a video",
        description=_VIDEOS,
        responses=succeeds(
            AceDataVideo | AceDataFailed | AceDataAccepted, "The finished, the failed, or the accepted task."
        )
        | refusals(AceDataError, 504)
        | {403: answer(AceDataFailed, "The content was refused.")},
        openapi_extra=repeatable(takes(schema_of(requests.VideosBody, {"anyOf": [generate, extend]}))),
    )
    async def videos(request: Request) -> Response:
        context, sending, task, patience = await _accept(services, request)
        services.auth.release(request)
        if patience is None:
            return json_response(responses.write_accepted(task))
        try:
            return await _answer_with_end(services, context, task.id, patience)
        except WaitTimeout:
            await services.idempotency.expect(sending, task)
            raise


async def _accept(services: Services, request: Request) -> tuple[RequestContext, Fingerprint, Task, float | None]:
    """Accept a submit. The last is how long its sender waits for the end, None if not at all.

    The body, which may be large, is not held any longer than this takes.
    """
    context, data = await receive(services, request)
    taken = read_inputs(request, data, requests.inputs_of)
    body = validate(requests.VideosBody, taken.body)

    async def order() -> SubmitRequest:
        return apply_strictness(await _order(services, context, body, taken, data), request)

    sending = await fingerprint(request, data, always=body.waits)
    task = await services.idempotency.submit(context, sending, order, expected=body.waits)
    return context, sending, task, body.patience if body.waits else None


async def _order(
    services: Services, context: RequestContext, body: requests.VideosBody, taken: ExtractedInputs, data: bytes
) -> SubmitRequest:
    """Understand a generation or an extension. Raises InvalidRequest, NotFound."""
    source = None
    if body.extends and body.video_id:
        source = await services.tasks.by_video(context, body.video_id)
    terms, fields = body.terms(taken.body, source), taken.fields(*body.fields)
    return SubmitRequest(
        body.generation(source), requests.NAME, taken.encode(data), body.callback_url, fields, terms=terms
    )


async def _answer_with_end(services: Services, context: RequestContext, task_id: str, patience: float) -> Response:
    """Answer with the end of a task. Raises WaitTimeout."""
    task = await services.tasks.wait(context, task_id, patience)
    result: dict[str, Any] = {**responses.result(task, context.base_url)}
    if responses.is_refused(task):
        return json_response(result | {"error": {"code": "forbidden", "message": result["error"]["message"]}}, 403)
    return json_response(result)


def _add_tasks(routes: APIRouter, services: Services) -> None:
    retrieve = schema_of(requests.RetrieveBody, {"anyOf": [says("id"), says("trace_id")]})
    batch = _limit_ids(schema_of(requests.RetrieveBatchBody, {"anyOf": _filters()}), services)
    plain = _limit_ids(schema_of(gateway_requests.BatchBody), services)
    plain["properties"]["action"] = {"enum": ["", None]}

    @routes.post(
        "/luma/tasks",
        operation_id="acedata_tasks",
        summary="Query tasks",
        description=_TASKS,
        responses=succeeds(AceDataTask | AceDataBatch | gateway_responses.BatchAnswer, "The task, or the tasks.")
        | failures(AceDataError | gateway_responses.ErrorAnswer | UnionError, 404, 413),
        openapi_extra=takes(retrieve, batch, plain) | {"parameters": [_FORMAT, WAIT]},
    )
    async def tasks(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        data = await services.auth.body(request)
        body = parse_object(data)
        api = api_of(body)
        if api is Api.UNKNOWN and body.get("action") in (None, ""):
            raise InvalidRequest("action must be retrieve or retrieve_batch, or ids are required", field="action")
        try:
            asked = _read_query(services.settings, api, body, data, request.query_params.get("format"))
            if asked is None:
                return json_response(await _search(services, context, api, body))
        except FilmgateError as error:
            writer = gateway_responses.write_error if api is Api.GATEWAY else responses.write_error
            return json_response(writer(error, context.trace_id), error.status)
        return await answer_query(services, request, context, asked)


def _read_query(
    settings: Settings, api: Api, body: dict[str, Any], data: bytes, batch_format: str | None
) -> TaskQuery | None:
    """Read a query by id in the API that it belongs to; None for one that searches. Raises InvalidRequest."""
    asked = by_id(data, settings, batch_format)
    if asked is not None and asked.single:
        return asked
    form = gateway_responses.batch_form(batch_format, settings.gateway_batch)
    if asked is not None:
        return asked
    if api is Api.GATEWAY:
        return _query_gateway_batch(validate(gateway_requests.BatchBody, body).ids, form)
    if api is Api.RETRIEVE and (task_id := validate(requests.RetrieveBody, body).id):
        return _query_one(task_id)
    if api is Api.RETRIEVE_BATCH and set(said := validate(requests.RetrieveBatchBody, body).said) == {"ids"}:
        return _query_many(said["ids"])
    return None


async def _search(services: Services, context: RequestContext, api: Api, body: dict[str, Any]) -> bytes:
    """Answer a query for tasks by filters. Raises InvalidRequest, NotFound."""
    if api is Api.RETRIEVE:
        return await _retrieve(services, context, validate(requests.RetrieveBody, body))
    if api is Api.RETRIEVE_BATCH:
        return await _retrieve_batch(services, context, validate(requests.RetrieveBatchBody, body))
    raise InvalidRequest("action must be retrieve or retrieve_batch", field="action")


async def _retrieve(services: Services, context: RequestContext, body: requests.RetrieveBody) -> bytes:
    if body.trace_id:
        return await services.query.write(
            context, await services.tasks.by_trace(context, body.trace_id), responses.FORM
        )
    raise InvalidRequest("id or trace_id is required", field="id")


async def _retrieve_batch(services: Services, context: RequestContext, body: requests.RetrieveBatchBody) -> bytes:
    said = body.said
    if set(said) <= {"offset", "limit"}:
        raise InvalidRequest("ids or another filter is required", field="ids")
    for name in ("ids", "trace_ids"):
        services.query.check_batch(said.get(name, ()), name)
    if said.get("application_id", context.caller.application_id) != context.caller.application_id:
        return responses.FORM.many([])
    if said.get("type", "videos") not in ("video", "videos"):
        return responses.FORM.many([])
    page = await services.tasks.find(context, body.filter())
    return await services.query.write_batch(context, page.tasks, responses.FORM)


def _filters() -> list[dict[str, Any]]:
    lists = [{"required": [name], "properties": {name: {"type": "array"}}} for name in ("ids", "trace_ids")]
    times = [
        {"required": [name], "properties": {name: {"type": "number"}}} for name in ("created_at_min", "created_at_max")
    ]
    return [*lists, *times, *(says(name) for name in ("application_id", "user_id", "type"))]


def _limit_ids(schema: dict[str, Any], services: Services) -> dict[str, Any]:
    """Describe how many ids are allowed."""
    for name in ("ids", "trace_ids"):
        described = schema["properties"].get(name, {})
        for kind in described.get("anyOf", [described]):
            if kind.get("type") == "array" and services.settings.max_batch:
                kind["maxItems"] = services.settings.max_batch
    return schema


def by_id(data: bytes, settings: Settings, batch_format: str | None = None) -> TaskQuery | None:
    """Read a query that asks for ids and for nothing else; None for everything that needs a closer look.

    Raises InvalidRequest for an unknown format of the gateway's batch.
    """
    try:
        body = decode_tasks_body(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    api = choose_api(body.action, has_ids=body.ids is not None)
    if api is Api.RETRIEVE:
        if body.id:
            return _query_one(body.id)
    elif body.ids is None:
        return None
    elif api is Api.RETRIEVE_BATCH:
        if not body.is_filtered:
            return _query_many(body.ids)
    elif api is Api.GATEWAY:
        return _query_gateway_batch(body.ids, gateway_responses.batch_form(batch_format, settings.gateway_batch))
    return None


def _query_one(task_id: str) -> TaskQuery:
    """Return the query for one task."""
    return TaskQuery((task_id,), responses.FORM, responses.write_error)


def _query_many(ids: Sequence[str]) -> TaskQuery:
    """Return the query for many tasks."""
    return TaskQuery(ids, responses.FORM, responses.write_error, single=False)


def _query_gateway_batch(ids: Sequence[str], form: Serializer) -> TaskQuery:
    """Return the query for many tasks in the form of the gateway API."""
    return TaskQuery(ids, form, gateway_responses.write_error, single=False)
