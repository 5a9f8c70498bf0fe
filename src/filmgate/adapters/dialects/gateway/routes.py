"""The gateway API over HTTP."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.gateway import requests, responses
from filmgate.adapters.dialects.gateway.responses import (
    GatewayCreated,
    GatewayDownload,
    GatewayError,
    GatewayPong,
    GatewaySecondCreated,
    GatewaySecondTask,
    GatewayTask,
    GatewayUpload,
    GatewayUsage,
    GatewayUser,
)
from filmgate.adapters.dialects.serving.codec import parse, validate
from filmgate.adapters.dialects.serving.dialect import Read, Services, json_response
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.openapi import (
    SOMETHING,
    failures,
    in_path,
    keyed_router,
    refusals,
    repeatable,
    says,
    schema_of,
    succeeds,
    takes,
)
from filmgate.adapters.dialects.serving.queries import add_query
from filmgate.adapters.dialects.serving.remarks import remarks
from filmgate.adapters.dialects.serving.submissions import Accepted, accept
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import Conflict, NotFound
from filmgate.domain.states import State
from filmgate.ports.context import RequestContext

TAG: Final = "Gateway"
QUERY: Final = Read("/luma/generations/", responses.FORM, responses.write_error)
SECOND_QUERY: Final = Read("/luma/v2/generations/", responses.SECOND, responses.write_error)

_PROMPTS: Final = [says("user_prompt", SOMETHING), says("prompt", SOMETHING)]
_IMAGES: Final = [says("image_url"), says("image_end_url")]
_TASK_ID: Final = in_path("task_id", "The id of a task.")
_ID: Final = {"parameters": [_TASK_ID]}
_CREATE: Final = repeatable(takes(schema_of(requests.CreateBody, {"anyOf": [*_PROMPTS, *_IMAGES]})))
_EXTEND: Final = repeatable(takes(schema_of(requests.ExtendBody, {"anyOf": _PROMPTS})) | _ID)


def router(services: Services) -> APIRouter:
    """Make the routes of the gateway API."""
    routes = keyed_router(TAG)
    _add_submits(routes, services)
    _add_second_version(routes, services)
    _add_queries(routes, services)
    _add_account(routes, services)
    open_routes = APIRouter(tags=[TAG])
    _add_ping(open_routes)
    open_routes.include_router(routes)
    return open_routes


async def _create(services: Services, request: Request) -> Accepted:
    """Accept a new video."""

    async def parse_request(context: RequestContext, data: bytes) -> SubmitRequest:
        del context
        taken = read_inputs(request, data, requests.CREATE_INPUTS)
        body, fields = validate(requests.CreateBody, taken.body), taken.fields(*requests.FIELDS)
        terms = body.terms(taken.body)
        return SubmitRequest(body.generation(), requests.NAME, taken.encode(data), body.hook, fields, terms=terms)

    return await accept(services, request, parse_request)


async def _extend(services: Services, request: Request) -> Accepted:
    """Accept an extension of a video."""

    async def parse_request(context: RequestContext, data: bytes) -> SubmitRequest:
        taken = read_inputs(request, data, requests.EXTEND_INPUTS)
        body, fields = validate(requests.ExtendBody, taken.body), taken.fields(*requests.EXTEND_FIELDS)
        source = await services.tasks.get(context, request.path_params["task_id"])
        terms = body.terms(taken.body)
        return SubmitRequest(
            requests.extension(body, source), requests.NAME, taken.encode(data), body.hook, fields, terms=terms
        )

    return await accept(services, request, parse_request)


def _add_submits(routes: APIRouter, services: Services) -> None:
    described: dict[str, Any] = {
        "summary": "Make a video",
        "description": "From a prompt, from pictures to start from or to end at, or both. The answer comes at once; "
        "query the task by its id until it is `completed` or `failed`. With a slash at the end of the path it does "
        "the same.",
        "responses": succeeds(GatewayCreated, "The new task.") | refusals(GatewayError),
        "openapi_extra": _CREATE,
    }

    @routes.post("/luma/generations", operation_id="gateway_create", **described)
    @routes.post("/luma/generations/", include_in_schema=False)
    async def create(request: Request) -> Response:
        made = await _create(services, request)
        return json_response(responses.write_created(made.task, made.context.base_url, made.context.trace_id))

    @routes.post(
        "/luma/generations/file_upload",
        operation_id="gateway_upload",
        summary="Keep a picture or video",
        description="The file is fetched or decoded at once, checked, written anew, and kept under the link that is "
        "answered, to be used as `image_url` later.",
        responses=succeeds(GatewayUpload, "The stored file.") | failures(GatewayError, 403, 404, 413),
        openapi_extra=takes(schema_of(requests.UploadBody)),
    )
    async def upload(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        body = parse(requests.UploadBody, await services.auth.body(request, files=True))
        stored = await services.uploads.bring(context, requests.upload_kind(body.url), body.url, "url")
        return json_response(responses.write_upload(stored, context.base_url))

    @routes.post(
        "/luma/generations/{task_id}/extend",
        operation_id="gateway_extend",
        summary="Extend a video",
        description="Makes a new task whose video is the earlier one and what follows it, in the same size. The "
        "earlier task has to be completed; before that the answer is 409.",
        responses=succeeds(GatewayCreated, "The new task.") | refusals(GatewayError),
        openapi_extra=_EXTEND,
    )
    async def extend(request: Request) -> Response:
        made = await _extend(services, request)
        return json_response(responses.write_created(made.task, made.context.base_url, made.context.trace_id))


def _add_second_version(routes: APIRouter, services: Services) -> None:
    @routes.post(
        "/luma/v2/generations",
        operation_id="gateway_create_v2",
        summary="Make a video (v2)",
        description="As the first version, but answers the id alone.",
        responses=succeeds(GatewaySecondCreated, "The id of the new task.") | refusals(GatewayError),
        openapi_extra=_CREATE,
    )
    async def create(request: Request) -> Response:
        made = await _create(services, request)
        return json_response({"task_id": made.task.id, **remarks(made.task)})

    add_query(
        routes,
        services,
        SECOND_QUERY,
        _TASK_ID,
        operation_id="gateway_get_v2",
        summary="Query one task (v2)",
        description="As the first version, but the task is the only member of a list.",
        responses=succeeds(GatewaySecondTask, "The task.") | failures(GatewayError, 404),
    )


def _add_queries(routes: APIRouter, services: Services) -> None:
    add_query(
        routes,
        services,
        QUERY,
        _TASK_ID,
        operation_id="gateway_get",
        summary="Query one task",
        description="The keys are the same in every state; the files are null until the task is `completed`. A failed "
        "task is answered with 200 too, with the reason.",
        responses=succeeds(GatewayTask, "The task.") | failures(GatewayError, 404),
    )

    @routes.get(
        "/luma/generations/{task_id}/download_video_url",
        operation_id="gateway_download",
        summary="Get the link of a video",
        description="The link of the file without watermarks; 409 as long as there is no video, or if there will "
        "never be one.",
        responses=succeeds(GatewayDownload, "The link.") | failures(GatewayError, 404, 409),
        openapi_extra=_ID,
    )
    async def download(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        task = await services.tasks.get(context, request.path_params["task_id"])
        video = responses.task_object(task, context.base_url)["video"]
        if video is None:
            raise Conflict(f"the task is {task.state}: it has no video")
        if task.output is not None and task.output.expired_at is not None:
            raise NotFound("the video is not kept any more")
        return json_response({"url": video["download_url"]})


def _add_account(routes: APIRouter, services: Services) -> None:
    @routes.get(
        "/luma/users/me",
        operation_id="gateway_me",
        summary="See who you are",
        description="The ids behind the API key, and the credits that are left, null where nothing limits them.",
        responses=succeeds(GatewayUser, "Who asks.") | failures(GatewayError),
    )
    async def me(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        caller = context.caller
        return json_response(
            {
                "id": caller.user_id,
                "user_id": caller.user_id,
                "application_id": caller.application_id,
                "credential_id": caller.credential_id,
                "credits": (await services.usage.standing(context)).left,
            }
        )

    @routes.get(
        "/luma/subscription/usage",
        operation_id="gateway_usage",
        summary="See what you have used",
        description="The credits that the application has used and may use in the present period, and the numbers of "
        "tasks by state since its first one, those that have been removed included.",
        responses=succeeds(GatewayUsage, "The numbers.") | failures(GatewayError),
    )
    async def usage(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        standing, total = await services.usage.standing(context), await services.usage.ever(context)
        return json_response(
            {
                "consumed": standing.used,
                "capacity": standing.limits.credits or None,
                "generations": {
                    State.PENDING: standing.pending,
                    State.PROCESSING: standing.processing,
                    State.COMPLETED: total.completed,
                    State.FAILED: total.failed + total.cancelled,
                },
                "max_unfinished": services.settings.max_unfinished,
            }
        )


def _add_ping(routes: APIRouter) -> None:
    @routes.get(
        "/ping",
        operation_id="gateway_ping",
        summary="Ping",
        description="Says that the service is there; needs no key.",
        responses=succeeds(GatewayPong, "It is there."),
    )
    async def ping() -> Response:
        return json_response({"message": "pong"})
