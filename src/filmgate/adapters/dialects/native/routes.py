"""Filmgate's own API over HTTP."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.native import requests, responses
from filmgate.adapters.dialects.native.admin_routes import ENOUGH, ONE_WEBHOOK, add_admin
from filmgate.adapters.dialects.native.events import add_events
from filmgate.adapters.dialects.native.models import add_models
from filmgate.adapters.dialects.native.renamed_routes import add_renamed
from filmgate.adapters.dialects.native.usage_routes import add_accounting
from filmgate.adapters.dialects.native.webhook_routes import add_webhooks
from filmgate.adapters.dialects.serving.codec import validate
from filmgate.adapters.dialects.serving.dialect import Read, Services, json_response
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.openapi import (
    failures,
    in_path,
    in_query,
    keyed_router,
    refusals,
    repeatable,
    schema_of,
    succeeds,
    takes,
)
from filmgate.adapters.dialects.serving.queries import WAIT, answer_path_query
from filmgate.adapters.dialects.serving.submissions import accept
from filmgate.api import NativeAccount, NativeEngine, NativeEngines, NativeError, NativePage, NativeTask
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.settings import EVERY_MODEL
from filmgate.domain.states import State
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import COUNTED

TAG: Final = "Filmgate"
PREFIX: Final = "/api/v1"
QUERY: Final = Read(f"{PREFIX}/tasks/", responses.FORM, responses.write_error)

_ID: Final = in_path("task_id", "The id of a task.")
_LIST: Final = [
    in_query(
        "limit", "Tasks to answer; 20 if not given.", {"type": "integer", "minimum": 1, "maximum": requests.MAX_PAGE}
    ),
    in_query("offset", "Tasks to skip; 0 if not given.", {"type": "integer", "minimum": 0, "maximum": 2**31}),
    in_query(
        "state",
        "Only tasks in this state, or in one of several with commas between them.",
        {"type": "string", "pattern": f"^({'|'.join(State)})(,({'|'.join(State)}))*$"},
    ),
    in_query("newest", "Whether the newest come first; true if not given.", {"type": "boolean"}),
]


def router(services: Services) -> APIRouter:
    """Make the routes of Filmgate's own API."""
    routes = keyed_router(TAG)
    _add_submit(routes, services)
    _add_queries(routes, services)
    add_events(routes, services, PREFIX)
    _add_ends(routes, services)
    _add_service(routes, services)
    add_models(routes, services, PREFIX)
    add_webhooks(routes, services, PREFIX)
    add_accounting(routes, services, PREFIX)
    add_admin(routes, services, PREFIX)
    add_renamed(routes, PREFIX)
    return routes


def _add_submit(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{PREFIX}/tasks",
        status_code=201,
        operation_id="submit_task",
        summary="Make a video",
        description="From a prompt, and from pictures, clips or earlier tasks to start from or to end at. The task is "
        "on disk when the answer comes.",
        responses=succeeds(NativeTask, "The new task.", 201) | refusals(NativeError),
        openapi_extra=repeatable(takes(schema_of(requests.TaskBody, ENOUGH, ONE_WEBHOOK))),
    )
    async def submit(request: Request) -> Response:
        async def understood(context: RequestContext, data: bytes) -> SubmitRequest:
            del context
            taken = read_inputs(request, data, requests.INPUTS)
            body, fields = validate(requests.TaskBody, taken.body), taken.fields("start", "end")
            kept, terms = taken.encode(data), body.terms(taken.body)
            return SubmitRequest(body.generation(), responses.NAME, kept, body.webhook, fields, terms=terms)

        made = await accept(services, request, understood)
        return json_response(responses.task_object(made.task, made.context.base_url), 201)


def _add_queries(routes: APIRouter, services: Services) -> None:
    @routes.get(
        f"{PREFIX}/tasks/{{task_id}}",
        operation_id="get_task",
        summary="Query one task",
        description="Answers at once, or with `wait` when the task ends.",
        responses=succeeds(NativeTask, "The task.") | failures(NativeError, 404),
        openapi_extra={"parameters": [_ID, WAIT]},
    )
    async def get(request: Request) -> Response:
        return await answer_path_query(services, request, "task_id", QUERY)

    @routes.get(
        f"{PREFIX}/tasks",
        operation_id="list_tasks",
        summary="List tasks",
        description="The tasks of the application, whatever dialect they were submitted in. `total` is counted up to "
        f"{COUNTED:,}.",
        responses=succeeds(NativePage, "A page of the list.") | failures(NativeError),
        openapi_extra={"parameters": _LIST},
    )
    async def listing(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        asked = request.query_params
        wanted = requests.listing(asked.get("limit"), asked.get("offset"), asked.get("state"), asked.get("newest"))
        page = await services.tasks.find(context, wanted)
        tasks = await services.query.write_batch(context, page.tasks, responses.FORM)
        return json_response(responses.page(tasks, page, wanted))


def _add_ends(routes: APIRouter, services: Services) -> None:
    @routes.post(
        f"{PREFIX}/tasks/{{task_id}}/cancel",
        operation_id="cancel_task",
        summary="Cancel a task",
        description="The work stops and the task ends failed with the code `cancelled`. A task that has ended is left "
        "as it is.",
        responses=succeeds(NativeTask, "The task.") | failures(NativeError, 403, 404),
        openapi_extra={"parameters": [_ID]},
    )
    async def cancel(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        task = await services.tasks.cancel(context, request.path_params["task_id"])
        return json_response(responses.task_object(task, context.base_url))

    @routes.delete(
        f"{PREFIX}/tasks/{{task_id}}",
        status_code=204,
        response_class=Response,
        operation_id="delete_task",
        summary="Delete a task",
        description="The task and its files are removed, and its links are dead at once.",
        responses=failures(NativeError, 403, 404) | {204: {"description": "It is gone."}},
        openapi_extra={"parameters": [_ID]},
    )
    async def delete(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        await services.tasks.delete(context, request.path_params["task_id"])
        return Response(status_code=204)


def _add_service(routes: APIRouter, services: Services) -> None:
    @routes.get(
        f"{PREFIX}/engines",
        operation_id="list_engines",
        summary="List the engines",
        description="What makes the videos, and which models it makes.",
        responses=succeeds(NativeEngines, "The engines.") | failures(NativeError),
    )
    async def engines(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        table = services.settings.engine_table()
        described = (
            NativeEngine(
                name=name,
                type=engine.type,
                slots=engine.slots,
                models=tuple(engine.models),
                default=engine.enabled and (name == services.settings.fallback or EVERY_MODEL in engine.models),
            )
            for name, engine in table.items()
        )
        return json_response(NativeEngines(engines=tuple(described)))

    @routes.get(
        f"{PREFIX}/me",
        operation_id="get_account",
        summary="See who you are",
        description="The ids behind the API key, and its role.",
        responses=succeeds(NativeAccount, "Who asks.") | failures(NativeError),
    )
    async def me(request: Request) -> Response:
        caller = (await services.auth.enter(request, Action.QUERY)).caller
        return json_response(
            NativeAccount(
                application_id=caller.application_id,
                user_id=caller.user_id,
                credential_id=caller.credential_id,
                limited=caller.limited,
                role=caller.role,
            )
        )
