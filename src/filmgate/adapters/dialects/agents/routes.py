"""The Agents API over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.agents import wire
from filmgate.adapters.dialects.agents.files import add_files, add_sending
from filmgate.adapters.dialects.agents.requests import Found, GenerationBody, echo, inputs_of
from filmgate.adapters.dialects.agents.responses import AgentsError, AgentsGeneration
from filmgate.adapters.dialects.serving.codec import validate
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
from filmgate.adapters.dialects.serving.queries import WAIT, answer_path_query
from filmgate.adapters.dialects.serving.submissions import accept
from filmgate.core.media.uploads import AnnouncedUpload
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext
from filmgate.ports.media import StoredMedia

TAG: Final = "Agents"
PREFIX: Final = "/agents/v1"
QUERY: Final = Read(f"{PREFIX}/generations/", wire.FORM, wire.write_error)

_NULL: Final = {"type": "null"}
_NONE: Final = {"anyOf": [_NULL, {"type": "array", "maxItems": 0}]}


def _type(*types: str | None, frames: Sequence[str] = (), source: bool = False, guided: bool = True) -> dict[str, Any]:
    """Describe what requests of some types have besides: which pictures of a clip, and whether a source."""
    unused = {frame: _NULL for frame in ("start_frame", "end_frame") if frame not in frames}
    options = {"anyOf": [_NULL, {"type": "object", "properties": unused}]}
    found: dict[str, Any] = {"type": {"enum": [*types]}, "video": options}
    if not guided:
        found["image_ref"] = _NONE
    if source:
        return {"required": ["type", "source"], "properties": found | {"source": {"type": "object"}}}
    return {"properties": found | ({} if types == ("layering",) else {"source": _NULL})}


_TYPES: Final = {
    "anyOf": [
        _type("image"),
        _type("video", None, frames=("start_frame", "end_frame")),
        _type("layering", guided=False),
        _type("image_edit", "video_reframe", source=True),
        _type("video_edit", frames=("start_frame",), source=True),
    ]
}


def router(services: Services) -> APIRouter:
    """Make the routes of the Agents API."""
    routes = keyed_router(TAG)
    _add_generations(routes, services)
    add_files(routes, services, PREFIX)
    sending = APIRouter(tags=[TAG])
    add_sending(sending, services, PREFIX)
    sending.include_router(routes)
    return sending


def _add_generations(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{PREFIX}/generations",
        status_code=201,
        operation_id="agents_create",
        summary="Make a video or a picture",
        description="What is asked for is accepted even if nothing here can make it; the generation then ends "
        "`failed` with the reason.",
        responses=succeeds(AgentsGeneration, "The new generation.", 201) | refusals(AgentsError),
        openapi_extra=repeatable(takes(schema_of(GenerationBody, says("prompt", SOMETHING), _TYPES))),
    )
    async def create(request: Request) -> Response:
        async def understood(context: RequestContext, data: bytes) -> SubmitRequest:
            return await _order(services, request, context, data)

        made = await accept(services, request, understood)
        return json_response(await services.query.write(made.context, made.task, wire.FORM), 201)

    @routes.get(
        f"{PREFIX}/generations/{{generation_id}}",
        operation_id="agents_get",
        summary="Query one generation",
        description="The keys are the same in every state; `output` is empty until the generation is `completed`.",
        responses=succeeds(AgentsGeneration, "The generation.") | failures(AgentsError, 404),
        openapi_extra={"parameters": [in_path("generation_id", "The id of a generation."), WAIT]},
    )
    async def get(request: Request) -> Response:
        return await answer_path_query(services, request, "generation_id", QUERY)


async def _order(services: Services, request: Request, context: RequestContext, data: bytes) -> SubmitRequest:
    """Understand a submit. Raises InvalidRequest, NotFound."""
    taken = read_inputs(request, data, inputs_of)
    asked = echo(taken.body)
    body = validate(GenerationBody, asked)
    generation = body.generation(await _found(services, context, body), context.base_url)
    kept = msgspec.json.encode({**asked, "type": body.kind_of_work})
    usual, terms = wire.standard_model(generation), body.terms(asked)
    fields = taken.fields(*body.fields)
    return SubmitRequest(generation, wire.NAME, kept, body.callback_url or None, fields, usual, terms)


async def _found(services: Services, context: RequestContext, body: GenerationBody) -> Found:
    """Look up the caller's generations and files that a body names. Raises NotFound, InvalidRequest."""
    found: dict[str, Task | StoredMedia] = {}
    for field, ref in body.references():
        key = ref.key(field)
        if key == "generation_id":
            assert ref.generation_id is not None
            found[ref.generation_id] = await services.tasks.get(context, ref.generation_id)
        elif key == "file_id":
            assert ref.file_id is not None
            file = await services.uploads.get(context, ref.file_id)
            if isinstance(file, AnnouncedUpload):
                raise InvalidRequest(f"{field}: the bytes of file {file.id} have not come yet", field=field)
            found[ref.file_id] = file
    return found
