"""The Agents API over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.agents import responses
from filmgate.adapters.dialects.agents.requests import vocabulary
from filmgate.adapters.dialects.agents.requests.bodies import Found, GenerationBody, echo, inputs_of
from filmgate.adapters.dialects.agents.requests.files import FileBody, parse_cursor
from filmgate.adapters.dialects.agents.responses import (
    AgentsCreatedFile,
    AgentsError,
    AgentsFile,
    AgentsFiles,
    AgentsGeneration,
    FileState,
    Purpose,
)
from filmgate.adapters.dialects.serving.codec import parse, parse_whole, rfc3339, validate
from filmgate.adapters.dialects.serving.dialect import Read, Services, json_response
from filmgate.adapters.dialects.serving.forms import FormFile, is_form, parse_form, read_inputs
from filmgate.adapters.dialects.serving.openapi import (
    SOMETHING,
    answer,
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
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.task import Task
from filmgate.ports.announcements import AnnouncedUpload
from filmgate.ports.context import RequestContext
from filmgate.ports.media import StoredMedia

TAG: Final = "Agents"
PREFIX: Final = "/agents/v1"
QUERY: Final = Read(f"{PREFIX}/generations/", responses.FORM, responses.write_error)

_NULL: Final = {"type": "null"}
_NONE: Final = {"anyOf": [_NULL, {"type": "array", "maxItems": 0}]}

MAX_PAGE: Final = 100
_PAGE: Final = 25

_STATES: Final[tuple[FileState, ...]] = ("pending", "ready", "failed", "deleted")
_PURPOSES: Final[tuple[Purpose, ...]] = ("input", "reference")
_ID: Final = {"parameters": [in_path("file_id", "The id of a file.")]}
_LIST: Final = [
    in_query("limit", "Files to answer; 25 if not given.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
    in_query("cursor", "The `next_cursor` of the page before.", {"type": "string", "maxLength": 0}),
    in_query("purpose", "Only files with this purpose; all have `input`.", {"enum": [*_PURPOSES]}),
    in_query("state", "Only files in this state; those that are kept are `ready`.", {"enum": [*_STATES]}),
]


def _type(*types: str | None, frames: Sequence[str] = (), source: bool = False, guided: bool = True) -> dict[str, Any]:
    """Describe the further fields of some types: the pictures of a clip, and the source."""
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
    _add_files(routes, services, PREFIX)
    sending = APIRouter(tags=[TAG])
    _add_sending(sending, services, PREFIX)
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
        async def parse_request(context: RequestContext, data: bytes) -> SubmitRequest:
            return await _order(services, request, context, data)

        made = await accept(services, request, parse_request)
        return json_response(await services.query.write(made.context, made.task, responses.FORM), 201)

    add_query(
        routes,
        services,
        QUERY,
        in_path("generation_id", "The id of a generation."),
        operation_id="agents_get",
        summary="Query one generation",
        description="The keys are the same in every state; `output` is empty until the generation is `completed`.",
        responses=succeeds(AgentsGeneration, "The generation.") | failures(AgentsError, 404),
    )


async def _order(services: Services, request: Request, context: RequestContext, data: bytes) -> SubmitRequest:
    """Understand a submit. Raises InvalidRequest, NotFound."""
    taken = read_inputs(request, data, inputs_of)
    asked = echo(taken.body)
    body = validate(GenerationBody, asked)
    generation = body.generation(await _found(services, context, body), context.base_url)
    kept = msgspec.json.encode({**asked, "type": body.kind_of_work})
    usual, terms = vocabulary.standard_model(generation), body.terms(asked)
    fields = taken.fields(*body.fields)
    return SubmitRequest(generation, vocabulary.NAME, kept, body.callback_url or None, fields, usual, terms)


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


def _add_files(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the operations of files."""
    _add_create_file(routes, services, prefix)
    _add_complete_file(routes, services, prefix)
    _add_file_queries(routes, services, prefix)


def _add_create_file(routes: APIRouter, services: Services, prefix: str) -> None:
    announcing = schema_of(FileBody)
    if services.settings.max_body:
        announcing["properties"]["size_bytes"]["maximum"] = services.settings.max_body

    @routes.post(
        f"{prefix}/files",
        status_code=201,
        operation_id="agents_create_file",
        summary="Keep a picture or clip",
        description="With JSON, the answer says where the bytes are to be sent with PUT; with multipart/form-data, "
        "they are in the part `file`. The file is decoded, checked and written anew.",
        responses=succeeds(AgentsCreatedFile, "The new file.", 201) | failures(AgentsError, 403, 413),
        openapi_extra=takes(announcing),
    )
    async def create(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        data = await services.auth.body(request, files=is_form(request))
        if is_form(request):
            part = _file(parse_form(request, data))
            return _creation_response(
                responses.file_object(await services.uploads.keep(context, part.type, part.data)), None
            )
        body = parse(FileBody, data)
        announced = await services.uploads.announce(context, body.mime_type, body.size_bytes)
        sending = {
            "expires_at": rfc3339(announced.expires_at),
            "method": "PUT",
            "url": f"{context.base_url}{prefix}/files/{announced.id}/content",
            "headers": {"Content-Type": announced.type},
        }
        return _creation_response(_write_file(announced), sending)


def _file(parts: list[tuple[str, str | FormFile]]) -> FormFile:
    """Return the file of a form. Raises InvalidRequest unless there is exactly one, in the part `file`."""
    files = [(name, part) for name, part in parts if isinstance(part, FormFile)]
    if [name for name, _ in files] != ["file"]:
        found = f", not {', '.join(name for name, _ in files)}" if files else ""
        raise InvalidRequest(f"the form needs one file, in the part file{found}", field="file")
    return files[0][1]


def _add_sending(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the address for the bytes; knowing it suffices to send them, without a key."""

    @routes.put(
        f"{prefix}/files/{{file_id}}/content",
        operation_id="agents_send_file",
        summary="Send the bytes of a file",
        description="To the address that was given out when the file was announced. It needs no key.",
        responses={
            200: answer(AgentsFile, "The file is kept."),
            400: answer(AgentsError, "The bytes are not what was announced, or cannot be used."),
            404: answer(AgentsError, "No such file is waited for."),
            408: answer(AgentsError, "The bytes did not come in time."),
            413: answer(AgentsError, "There are more bytes than allowed."),
            415: answer(AgentsError, "The bytes are compressed with something else than gzip or deflate."),
        },
        openapi_extra=_ID,
    )
    async def send(request: Request) -> Response:
        file = await services.uploads.find_announced(request.path_params["file_id"])
        data = await services.auth.body(request, raw=True, application=file.application_id)
        stored = await services.uploads.receive(file.id, data)
        return json_response(_write_file(stored))


def _add_complete_file(routes: APIRouter, services: Services, prefix: str) -> None:
    @routes.post(
        f"{prefix}/files/{{file_id}}/complete",
        operation_id="agents_complete_file",
        summary="Finish sending a file",
        description="Answers the file, which is `ready` as soon as its bytes have come; before that the answer is 400.",
        responses=succeeds(AgentsFile, "The file.") | failures(AgentsError, 403, 404),
        openapi_extra=_ID,
    )
    async def complete(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        found = await services.uploads.get(context, request.path_params["file_id"])
        if isinstance(found, AnnouncedUpload):
            raise InvalidRequest("the bytes of the file have not come yet: PUT them to its address first")
        return json_response(_write_file(found))


def _add_file_queries(routes: APIRouter, services: Services, prefix: str) -> None:
    @routes.get(
        f"{prefix}/files",
        operation_id="agents_list_files",
        summary="List files",
        description="The files that are kept for the application and that no task owns, newest first.",
        responses=succeeds(AgentsFiles, "A page of the list.") | failures(AgentsError),
        openapi_extra={"parameters": _LIST},
    )
    async def listing(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        asked = request.query_params
        limit, place = parse_whole(asked.get("limit"), "limit", _PAGE, 1, MAX_PAGE), parse_cursor(asked.get("cursor"))
        purpose = _one_of(asked.get("purpose"), "purpose", _PURPOSES)
        state = _one_of(asked.get("state"), "state", _STATES)
        none = purpose == "reference" or state not in (None, "ready")
        found = [] if none else await services.uploads.find(context, limit=limit + 1, after=place)
        return json_response(dict(responses.write_files(found, limit)))

    @routes.get(
        f"{prefix}/files/{{file_id}}",
        operation_id="agents_get_file",
        summary="Query one file",
        description="The file, `pending` until its bytes have come.",
        responses=succeeds(AgentsFile, "The file.") | failures(AgentsError, 404),
        openapi_extra=_ID,
    )
    async def get(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        return json_response(_write_file(await services.uploads.get(context, request.path_params["file_id"])))

    @routes.delete(
        f"{prefix}/files/{{file_id}}",
        status_code=204,
        response_class=Response,
        operation_id="agents_delete_file",
        summary="Delete a file",
        description="The file is removed and its link is dead at once.",
        responses=failures(AgentsError, 403, 404) | {204: {"description": "It is gone."}},
        openapi_extra=_ID,
    )
    async def delete(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        await services.uploads.delete(context, request.path_params["file_id"])
        return Response(status_code=204)


def _creation_response(file: AgentsFile, sending: dict[str, Any] | None) -> Response:
    return json_response({"id": file["id"], "file": file, "state": file["state"], "upload": sending}, 201)


def _write_file(file: StoredMedia | AnnouncedUpload) -> AgentsFile:
    if isinstance(file, StoredMedia):
        return responses.file_object(file)
    return responses.write_pending_file(file.id, file.created_at, file.type, file.size)


def _one_of(value: str | None, field: str, allowed: tuple[str, ...]) -> str | None:
    if value is not None and value not in allowed:
        raise InvalidRequest(f"{field} must be one of {', '.join(allowed)}", field=field)
    return value
