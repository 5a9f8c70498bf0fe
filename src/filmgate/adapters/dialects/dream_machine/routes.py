"""The Dream Machine API over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.dream_machine import responses
from filmgate.adapters.dialects.dream_machine.requests import bodies, vocabulary
from filmgate.adapters.dialects.dream_machine.requests.builder import default_model
from filmgate.adapters.dialects.dream_machine.requests.pages import MAX_PAGE, parse_listing
from filmgate.adapters.dialects.dream_machine.requests.vocabulary import CAMERA_MOTIONS, CONCEPTS
from filmgate.adapters.dialects.dream_machine.responses import (
    DreamMachineCredits,
    DreamMachineError,
    DreamMachinePage,
    DreamMachinePong,
    DreamMachineTask,
)
from filmgate.adapters.dialects.serving.codec import Body, validate
from filmgate.adapters.dialects.serving.dialect import Read, Services, json_response
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.inputs import ExtractedInputs
from filmgate.adapters.dialects.serving.openapi import (
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
from filmgate.adapters.dialects.serving.submissions import Accepted, accept
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

TAG: Final = "Dream Machine"
PREFIX: Final = "/dream-machine/v1"

Whole: TypeAlias = (
    bodies.VideoBody | bodies.ImageBody | bodies.ModifyBody | bodies.ReframeVideoBody | bodies.ReframeImageBody
)
"""A submit that says all about its generation."""

FollowUp: TypeAlias = bodies.UpscaleBody | bodies.AudioBody
"""A submit about an earlier generation."""

_GENERATIONS: Final = f"{PREFIX}/generations"
QUERY: Final = Read(f"{_GENERATIONS}/", responses.FORM, responses.write_error)
_ONE: Final = f"{_GENERATIONS}/{{generation_id}}"
_ID: Final = in_path("generation_id", "The id of a generation.")
_LIST: Final = [
    in_query(
        "limit",
        "Generations to answer; 10 if not given.",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE},
    ),
    in_query("offset", "Generations to skip; 0 if not given.", {"type": "integer", "minimum": 0, "maximum": 2**31}),
]


def router(services: Services) -> APIRouter:
    """Make the routes of the Dream Machine API. The order counts: fixed paths come before ids."""
    routes = keyed_router(TAG)
    _add_videos(routes, services)
    _add_images(routes, services)
    _add_lists_of_words(routes, services)
    _add_follow_ups(routes, services)
    _add_queries(routes, services)
    open_routes = APIRouter(tags=[TAG])
    _add_ping(open_routes)
    open_routes.include_router(routes)
    return open_routes


def _creates(model: type[Body], summary: str, description: str, conditions: Sequence[dict[str, Any]] = ()) -> Any:
    """Describe an operation that makes a new generation."""
    return {
        "status_code": 201,
        "summary": summary,
        "description": description,
        "responses": succeeds(DreamMachineTask, "The new generation.", 201) | refusals(DreamMachineError),
        "openapi_extra": repeatable(takes(schema_of(model, *conditions))),
    }


def _reference_schema(field: str, kind: str = "object") -> dict[str, Any]:
    return {"required": [field], "properties": {field: {"type": kind}}}


def _keyframe_schema(side: str, kind: dict[str, Any]) -> dict[str, Any]:
    frame = {"type": "object", "required": [side], "properties": {side: kind}}
    return {"required": ["keyframes"], "properties": {"keyframes": frame}}


_PICTURED: Final = {"type": "object", "properties": {"type": {"const": "image"}}}
_ENOUGH: Final = {"anyOf": [says("prompt"), *(_keyframe_schema(side, _PICTURED) for side in ("frame0", "frame1"))]}
_LOOPS: Final = {
    "anyOf": [
        {"properties": {"loop": {"enum": [False, None]}}},
        {"properties": {"keyframes": {"properties": {"frame1": {"type": "null"}}}}},
    ]
}
_GUIDED: Final = {
    "anyOf": [
        says("prompt"),
        *(
            {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}
            for name in ("image_ref", "style_ref")
        ),
        _reference_schema("modify_image_ref"),
        {
            "required": ["character_ref"],
            "properties": {
                "character_ref": {
                    "type": "object",
                    "required": ["identity0"],
                    "properties": {
                        "identity0": {
                            "type": "object",
                            "required": ["images"],
                            "properties": {"images": {"minItems": 1}},
                        }
                    },
                }
            },
        },
    ]
}
_MADE_ANEW_ONCE: Final = {"not": {"allOf": [_reference_schema("modify_image_ref"), _reference_schema("modify_image")]}}
_SIZED: Final = _reference_schema("aspect_ratio", "string")


async def _accept(services: Services, request: Request, model: type[Whole]) -> Accepted:
    """Accept a submit that says all about its generation."""

    async def parse_request(context: RequestContext, data: bytes) -> SubmitRequest:
        del context
        taken = read_inputs(request, data, model.INPUTS)
        body = validate(model, taken.body)
        return _order(body, body.generation(), data, taken)

    return await accept(services, request, parse_request)


async def _submit(services: Services, request: Request, model: type[Whole]) -> Response:
    """Accept such a submit and answer it."""
    made = await _accept(services, request, model)
    return await _answer(services, made.context, made.task)


async def _submit_follow_up(services: Services, request: Request, model: type[FollowUp]) -> Response:
    """Accept and answer a submit about an earlier generation, which its path names. It has no files."""

    async def parse_request(context: RequestContext, data: bytes) -> SubmitRequest:
        taken = read_inputs(request, data or b"{}", model.INPUTS)
        body = validate(model, taken.body)
        source = await services.tasks.get(context, request.path_params["generation_id"])
        return _order(body, body.generation(source), data, taken)

    made = await accept(services, request, parse_request, files=False)
    return await _answer(services, made.context, made.task)


def _order(body: bodies.Submit, generation: Generation, data: bytes, taken: ExtractedInputs) -> SubmitRequest:
    usual, terms, kept = default_model(generation), body.terms(taken.body), taken.encode(data or b"{}")
    return SubmitRequest(
        generation, vocabulary.NAME, kept, body.callback_url or None, _input_names(body, taken), usual, terms
    )


def _input_names(body: bodies.Submit, taken: ExtractedInputs) -> tuple[str, str]:
    """Return the request's names of the start and the end."""
    start, end = body.fields
    return (taken.names.get("media", start), end) if start == "media.url" else taken.fields(start, end)


async def _answer(services: Services, context: RequestContext, task: Task) -> Response:
    return json_response(await services.query.write(context, task, responses.FORM), 201)


def _add_videos(routes: APIRouter, services: Services) -> None:
    described = _creates(
        bodies.VideoBody,
        "Make a video",
        "From a prompt; from pictures to start from or to end at; or from earlier generations, to go on from "
        "(`frame0`), to lead up to (`frame1`), or to pass between (both).",
        (_ENOUGH, _LOOPS),
    )

    @routes.post(_GENERATIONS, operation_id="dream_machine_create", **described)
    @routes.post(f"{_GENERATIONS}/video", operation_id="dream_machine_create_video", **described)
    async def create(request: Request) -> Response:
        return await _submit(services, request, bodies.VideoBody)

    @routes.post(
        f"{_GENERATIONS}/video/modify",
        operation_id="dream_machine_modify_video",
        **_creates(bodies.ModifyBody, "Modify a video", "Makes a video anew, after an earlier one and a prompt."),
    )
    async def modify(request: Request) -> Response:
        return await _submit(services, request, bodies.ModifyBody)

    @routes.post(
        f"{_GENERATIONS}/video/reframe",
        operation_id="dream_machine_reframe_video",
        **_creates(bodies.ReframeVideoBody, "Reframe a video", "Gives a video another aspect ratio.", (_SIZED,)),
    )
    async def reframe(request: Request) -> Response:
        return await _submit(services, request, bodies.ReframeVideoBody)


def _add_images(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{_GENERATIONS}/image",
        operation_id="dream_machine_create_image",
        **_creates(
            bodies.ImageBody,
            "Make an image",
            "From a prompt and from pictures that guide it. With `sync` the answer comes when the generation has "
            "ended, or in the state that it is in when the time to wait is over.",
            (_GUIDED, _MADE_ANEW_ONCE),
        ),
    )
    async def create(request: Request) -> Response:
        context, task, data = await _accept(services, request, bodies.ImageBody)
        body = validate(bodies.ImageBody, read_inputs(request, data or b"{}", bodies.ImageBody.INPUTS).body)
        patience = body.patience if body.sync else None
        del data, body  # they may be large, and the wait long
        services.auth.release(request)
        if patience is not None:
            # When the time is up, the state the task is in is the answer.
            await services.tasks.hold(context, task.id, patience)
            task = await services.tasks.get(context, task.id)
        return await _answer(services, context, task)

    @routes.post(
        f"{_GENERATIONS}/image/reframe",
        operation_id="dream_machine_reframe_image",
        **_creates(bodies.ReframeImageBody, "Reframe an image", "Gives an image another aspect ratio.", (_SIZED,)),
    )
    async def reframe(request: Request) -> Response:
        return await _submit(services, request, bodies.ReframeImageBody)


def _add_lists_of_words(routes: APIRouter, services: Services) -> None:
    @routes.get(
        f"{_GENERATIONS}/concepts/list",
        operation_id="dream_machine_concepts",
        summary="List the concepts",
        description="The keys that `concepts` can have. Others are accepted too.",
        responses=succeeds(list[str], "The keys.") | failures(DreamMachineError),
    )
    async def concepts(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        return json_response(list(CONCEPTS))

    @routes.get(
        f"{_GENERATIONS}/camera_motion/list",
        operation_id="dream_machine_camera_motions",
        summary="List the camera motions",
        description="How camera moves are written in a prompt.",
        responses=succeeds(list[str], "The phrases.") | failures(DreamMachineError),
    )
    async def motions(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        return json_response(list(CAMERA_MOTIONS))

    @routes.get(
        f"{PREFIX}/credits",
        operation_id="dream_machine_credits",
        summary="See the balance",
        description="The credits that the application has left; always the same where nothing limits them.",
        responses=succeeds(DreamMachineCredits, "The balance.") | failures(DreamMachineError),
    )
    async def balance(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        left = (await services.usage.standing(context)).left
        return json_response({"credit_balance": responses.CREDITS if left is None else left})


def _add_follow_ups(routes: APIRouter, services: Services) -> None:
    upscales = _creates(
        bodies.UpscaleBody, "Upscale a video", "Makes a larger version of the video of a completed generation."
    )
    sounds = _creates(bodies.AudioBody, "Add audio to a video", "Gives the video of a completed generation sound.")

    @routes.post(
        f"{_ONE}/upscale",
        operation_id="dream_machine_upscale",
        **upscales | {"openapi_extra": _about_one(upscales)},
    )
    async def upscale(request: Request) -> Response:
        return await _submit_follow_up(services, request, bodies.UpscaleBody)

    @routes.post(
        f"{_ONE}/audio",
        operation_id="dream_machine_audio",
        **sounds | {"openapi_extra": _about_one(sounds)},
    )
    async def audio(request: Request) -> Response:
        return await _submit_follow_up(services, request, bodies.AudioBody)


def _about_one(described: dict[str, Any]) -> dict[str, Any]:
    extra = described["openapi_extra"]
    return {**extra, "parameters": [_ID, *extra["parameters"]]}


def _add_queries(routes: APIRouter, services: Services) -> None:
    add_query(
        routes,
        services,
        QUERY,
        _ID,
        operation_id="dream_machine_get",
        summary="Query one generation",
        description="The keys are the same in every state. A failed generation is answered with 200 too, with the "
        "reason.",
        responses=succeeds(DreamMachineTask, "The generation.") | failures(DreamMachineError, 404),
    )

    @routes.get(
        _GENERATIONS,
        operation_id="dream_machine_list",
        summary="List generations",
        description="The tasks of the application, newest first, whatever dialect they were submitted in.",
        responses=succeeds(DreamMachinePage, "A page of the list.") | failures(DreamMachineError),
        openapi_extra={"parameters": _LIST},
    )
    async def listing(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        wanted = parse_listing(request.query_params.get("limit"), request.query_params.get("offset"))
        page = await services.tasks.find(context, wanted)
        generations = await services.query.write_batch(context, page.tasks, responses.FORM)
        return json_response(responses.write_page(generations, page, wanted))

    @routes.delete(
        _ONE,
        status_code=204,
        response_class=Response,
        operation_id="dream_machine_delete",
        summary="Delete a generation",
        description="The generation and its files are removed, and its links are dead at once.",
        responses=failures(DreamMachineError, 403, 404) | {204: {"description": "It is gone."}},
        openapi_extra={"parameters": [_ID]},
    )
    async def delete(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        await services.tasks.delete(context, request.path_params["generation_id"])
        return Response(status_code=204)


def _add_ping(routes: APIRouter) -> None:
    @routes.get(
        f"{PREFIX}/ping",
        operation_id="dream_machine_ping",
        summary="Ping",
        description="Says that the service is there; needs no key.",
        responses=succeeds(DreamMachinePong, "It is there."),
    )
    async def ping() -> Response:
        return json_response({"message": "pong"})
