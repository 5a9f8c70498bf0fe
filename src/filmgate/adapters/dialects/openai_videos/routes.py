"""The OpenAI videos API over HTTP."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.openai_videos import requests, responses
from filmgate.adapters.dialects.openai_videos.responses import (
    OpenAIDeletedVideo,
    OpenAIError,
    OpenAIModel,
    OpenAIModels,
    OpenAIVideo,
    OpenAIVideos,
)
from filmgate.adapters.dialects.serving.codec import validate
from filmgate.adapters.dialects.serving.dialect import Read, Services, json_response
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.inputs import ExtractedInputs
from filmgate.adapters.dialects.serving.openapi import (
    SOMETHING,
    Responses,
    failures,
    in_path,
    in_query,
    keyed_router,
    refusals,
    repeatable,
    says,
    schema_of,
    succeeds,
    takes,
)
from filmgate.adapters.dialects.serving.queries import add_query
from filmgate.adapters.dialects.serving.submissions import accept
from filmgate.core.providers.models import Model
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import InvalidRequest, NotFound, UnknownModel
from filmgate.domain.generation import Generation
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

TAG: Final = "OpenAI videos"
PREFIX: Final = "/v1/videos"
QUERY: Final = Read(f"{PREFIX}/", responses.FORM, responses.write_error, ((b"openai-poll-after-ms", b"500"),))
"""Its header names the milliseconds after which to ask again. Clients read it as long as the video is unfinished."""

_ID: Final = in_path("video_id", "The id of a video.")
_PROMPT: Final = says("prompt", SOMETHING)
_SOURCE: Final = {"required": ["video"]}
_FORM: Final = " The body may be JSON or multipart/form-data, where pictures and clips are files."
_LIST: Final = [
    in_query("after", "The id of the last video of the page before.", {"type": "string", "minLength": 1}),
    in_query(
        "limit", "Videos to answer; 20 if not given.", {"type": "integer", "minimum": 1, "maximum": requests.MAX_PAGE}
    ),
    in_query("order", "By time; desc if not given.", {"enum": ["asc", "desc"]}),
]
_VARIANT: Final = in_query("variant", "Which file; video if not given.", {"enum": ["video", "thumbnail"]})

MODELS_PREFIX: Final = "/v1/models"


def router(services: Services) -> APIRouter:
    """Make the routes of the OpenAI videos API."""
    routes = keyed_router(TAG)
    _add_create(routes, services)
    _add_sourced(routes, services)
    _add_remix(routes, services)
    _add_characters(routes, services)
    _add_queries(routes, services)
    _add_content(routes, services)
    _add_models(routes, services)
    return routes


def _new() -> Responses:
    return succeeds(OpenAIVideo, "The new video.") | refusals(OpenAIError)


def _add_create(routes: APIRouter, services: Services) -> None:
    @routes.post(
        PREFIX,
        operation_id="openai_create",
        summary="Make a video",
        description="From a prompt, and from a picture to start from." + _FORM,
        responses=_new(),
        openapi_extra=repeatable(takes(schema_of(requests.CreateBody, _PROMPT))),
    )
    async def create(request: Request) -> Response:
        return await _submit(services, request, requests.CreateBody, parse_request)

    async def parse_request(context: RequestContext, taken: ExtractedInputs) -> SubmitRequest:
        del context
        body = validate(requests.CreateBody, taken.body)
        return _order(body, body.generation(), taken, requests.CREATE_FIELDS)


def _add_sourced(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{PREFIX}/edits",
        operation_id="openai_edit",
        summary="Edit a video",
        description="Makes a new video out of a completed one, as the prompt says." + _FORM,
        responses=_new(),
        openapi_extra=repeatable(takes(schema_of(requests.SourceBody, _PROMPT, _SOURCE))),
    )
    async def edit(request: Request) -> Response:
        return await _submit(services, request, requests.SourceBody, parse_edit)

    async def parse_edit(context: RequestContext, taken: ExtractedInputs) -> SubmitRequest:
        body = validate(requests.SourceBody, taken.body)
        return _order(body, body.to_edit(await _source(services, context, body)), taken, requests.SOURCE_FIELDS)

    @routes.post(
        f"{PREFIX}/extensions",
        operation_id="openai_extend",
        summary="Extend a video",
        description="Makes a new video of a completed one and what follows it." + _FORM,
        responses=_new(),
        openapi_extra=repeatable(takes(schema_of(requests.ExtendBody, _PROMPT, _SOURCE))),
    )
    async def extend(request: Request) -> Response:
        return await _submit(services, request, requests.ExtendBody, parse_extension)

    async def parse_extension(context: RequestContext, taken: ExtractedInputs) -> SubmitRequest:
        body = validate(requests.ExtendBody, taken.body)
        return _order(body, body.to_extension(await _source(services, context, body)), taken, requests.SOURCE_FIELDS)


def _add_remix(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{PREFIX}/{{video_id}}/remix",
        operation_id="openai_remix",
        summary="Remix a video",
        description="Makes a new video of the same size and length out of a completed one, with another prompt.",
        responses=_new(),
        openapi_extra=repeatable(takes(schema_of(requests.PromptBody, _PROMPT)) | {"parameters": [_ID]}),
    )
    async def remix(request: Request) -> Response:
        named = {"video": {"id": request.path_params["video_id"]}}

        async def parse_request(context: RequestContext, taken: ExtractedInputs) -> SubmitRequest:
            validate(requests.PromptBody, taken.body).terms(taken.body)  # it has no inputs but the video in the path
            whole = ExtractedInputs(taken.body | named, taken.names, moved=True)
            body = validate(requests.SourceBody, whole.body)
            return _order(body, body.to_edit(await _source(services, context, body)), whole, requests.SOURCE_FIELDS)

        return await _submit(services, request, requests.PromptBody, parse_request, files=False)


def _add_characters(routes: APIRouter, services: Services) -> None:
    @routes.post(f"{PREFIX}/characters", include_in_schema=False)
    async def create_character(request: Request) -> Response:
        await services.auth.enter(request, Action.SUBMIT)
        raise InvalidRequest("Characters are not made here; send a picture as input_reference instead.")

    @routes.get(f"{PREFIX}/characters/{{character_id}}", include_in_schema=False)
    async def get_character(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        raise NotFound("No such character: characters are not made here.")


def _add_queries(routes: APIRouter, services: Services) -> None:
    @routes.get(
        PREFIX,
        operation_id="openai_list",
        summary="List videos",
        description="The tasks of the application, whatever dialect they were submitted in.",
        responses=succeeds(OpenAIVideos, "A page of the list.") | failures(OpenAIError, 404),
        openapi_extra={"parameters": _LIST},
    )
    async def listing(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        asked = request.query_params
        after = asked.get("after")
        last = await services.tasks.get(context, after) if after else None
        found = await services.tasks.find(context, requests.parse_listing(asked.get("limit"), asked.get("order"), last))
        written = await services.query.write_batch(context, found.tasks, responses.FORM)
        return json_response(responses.write_page(found, written))

    add_query(
        routes,
        services,
        QUERY,
        _ID,
        operation_id="openai_get",
        summary="Query one video",
        description="The keys are the same in every state.",
        responses=succeeds(OpenAIVideo, "The video.") | failures(OpenAIError, 404),
    )

    @routes.delete(
        f"{PREFIX}/{{video_id}}",
        operation_id="openai_delete",
        summary="Delete a video",
        description="The task and its files are removed; work on it stops.",
        responses=succeeds(OpenAIDeletedVideo, "It is gone.") | failures(OpenAIError, 403, 404),
        openapi_extra={"parameters": [_ID]},
    )
    async def delete(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        video_id = request.path_params["video_id"]
        await services.tasks.delete(context, video_id)
        return json_response({"id": video_id, "object": "video.deleted", "deleted": True})


def _add_content(routes: APIRouter, services: Services) -> None:
    binary = {
        kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("video/mp4", "image/jpeg", "image/png")
    }

    @routes.get(
        f"{PREFIX}/{{video_id}}/content",
        operation_id="openai_content",
        summary="Get the file of a video",
        description="The bytes themselves, in parts if a Range is asked for; 404 as long as there are none.",
        response_class=Response,
        responses=failures(OpenAIError, 404)
        | {
            200: {"description": "The whole file.", "content": binary},
            206: {"description": "The part that the Range header asks for.", "content": binary},
            304: {"description": "The file is what If-None-Match names."},
            416: {"description": "The file has no such part."},
        },
        openapi_extra={"parameters": [_ID, _VARIANT]},
    )
    async def content(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        task = await services.tasks.get(context, request.path_params["video_id"])
        return await services.serve(request, responses.choose_content(task, request.query_params.get("variant")))


async def _source(services: Services, context: RequestContext, body: requests.SourceBody) -> Task | None:
    return None if body.source_id is None else await services.tasks.get(context, body.source_id)


async def _submit(
    services: Services,
    request: Request,
    model: type[requests.PromptBody],
    parse_request: Callable[[RequestContext, ExtractedInputs], Awaitable[SubmitRequest]],
    *,
    files: bool = True,
) -> Response:
    """Accept a submission by JSON or form, maybe with `files`."""

    async def order(context: RequestContext, data: bytes) -> SubmitRequest:
        return await parse_request(context, read_inputs(request, data, model.INPUTS))

    made = await accept(services, request, order, files=files)
    return json_response(responses.video_object(made.task))


def _order(
    body: requests.PromptBody, generation: Generation, taken: ExtractedInputs, fields: tuple[str, str]
) -> SubmitRequest:
    terms, kept = body.terms(taken.body), msgspec.json.encode(taken.body)
    return SubmitRequest(generation, requests.NAME, kept, body.callback_url or None, taken.fields(*fields), terms=terms)


def _add_models(routes: APIRouter, services: Services) -> None:
    """Add the list of the models, and each of them."""
    since = int(time.time())

    @routes.get(
        MODELS_PREFIX,
        operation_id="openai_models",
        summary="List the models",
        description="The models that can be named in a request, with what each can be asked for.",
        responses=succeeds(OpenAIModels, "All models.") | failures(OpenAIError),
    )
    async def listing(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        data = [_model_object(model, since) for model in services.models.list_models()]
        return json_response({"object": "list", "data": data})

    @routes.get(
        f"{MODELS_PREFIX}/{{model:path}}",
        operation_id="openai_model",
        summary="See one model",
        description="Its name may contain slashes.",
        responses=succeeds(OpenAIModel, "The model.") | failures(OpenAIError, 404),
        openapi_extra={"parameters": [in_path("model", "The name of a model.")]},
    )
    async def get(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        try:
            model = services.models.find(request.path_params["model"])
        except UnknownModel as error:
            unknown = NotFound(error.message, field="model")
            unknown.code = error.code
            raise unknown from error
        return json_response(_model_object(model, since))


def _model_object(model: Model, since: int) -> dict[str, Any]:
    """Write a model: OpenAI's fields, and its capabilities."""
    can = msgspec.to_builtins(model.capabilities)
    return {"id": model.name, "object": "model", "created": since, "owned_by": ", ".join(model.engines), **can}
