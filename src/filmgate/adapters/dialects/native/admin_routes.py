"""The native API's routes for admins: engines, routing, unknown outcomes and imports."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field, WithJsonSchema

from filmgate.adapters.dialects.native import requests, responses
from filmgate.adapters.dialects.serving.codec import Body, Name, parse, parse_object, rfc3339, validate
from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import SOMETHING, failures, in_path, says, schema_of, succeeds, takes
from filmgate.api import (
    NativeCandidate,
    NativeEngineStatus,
    NativeEngineStatuses,
    NativeError,
    NativeImported,
    NativeNotImported,
    NativeResemblance,
    NativeRoute,
    NativeTask,
    NativeUnknownSubmit,
    NativeUnknownSubmits,
)
from filmgate.core.admin import Decision, UnknownOutcome
from filmgate.core.providers.importer import UPSTREAM_ID
from filmgate.core.tasks.access import Action, require
from filmgate.domain.errors import Conflict, NotFound
from filmgate.domain.roles import KeyRole
from filmgate.ports.context import RequestContext

_MAX_IMPORTED: Final = 100
_ID: Final = in_path("task_id", "The id of a task.")
WHO: Final = "The key needs the role admin."


class ImportBody(Body):
    """Import tasks of a provider by its own ids."""

    engine: str = Field(description="The name of a configured provider.")
    ids: Annotated[
        list[Annotated[str, WithJsonSchema({"type": "string", "pattern": UPSTREAM_ID})]],
        Field(min_length=1, max_length=_MAX_IMPORTED),
    ]


class DecisionBody(Body):
    """What becomes of a submit whose outcome is not known."""

    decision: str = Field(description="accepted, submit_again or fail.")
    upstream_id: Name = Field(default=None, description="What the provider calls the task, if it has accepted it.")


ENOUGH: Final = {
    "anyOf": [
        says("prompt", SOMETHING),
        *({"required": [side], "properties": {side: {"type": "object"}}} for side in ("start", "end")),
    ]
}
"""What a task needs, at least one of them."""

ONE_WEBHOOK: Final = {
    "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("webhook_url", "callback_url")],
}
"""The address of a webhook has two names: one of them is given at most."""

_DECISIONS: Final = {
    "anyOf": [
        {
            "required": ["decision", "upstream_id"],
            "properties": {"decision": {"const": Decision.ACCEPTED}, "upstream_id": {"type": "string", "minLength": 1}},
        },
        {
            "required": ["decision"],
            "properties": {
                "decision": {"enum": [Decision.SUBMIT_AGAIN, Decision.FAIL]},
                "upstream_id": {"type": "null"},
            },
        },
    ]
}


def add_admin(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the routes below `prefix/admin`."""
    _add_views(routes, services, f"{prefix}/admin")
    _add_acts(routes, services, f"{prefix}/admin")


async def authenticate_admin(services: Services, request: Request, action: Action) -> RequestContext:
    """Return the context of an admin's request. Raises what `Door.enter` raises."""
    require((await services.auth.recheck(request)).caller.role, KeyRole.ADMIN)
    return await services.auth.enter(request, action)


def _add_views(routes: APIRouter, services: Services, prefix: str) -> None:
    @routes.get(
        f"{prefix}/engines",
        operation_id="engine_status",
        summary="See how the engines are",
        description=f"What is configured, healthy and in flight. {WHO}",
        responses=succeeds(NativeEngineStatuses, "The engines.") | failures(NativeError, 403),
    )
    async def engines(request: Request) -> Response:
        await authenticate_admin(services, request, Action.QUERY)
        found = msgspec.to_builtins(await services.admin.engines())
        return json_response(NativeEngineStatuses(engines=tuple(NativeEngineStatus(**each) for each in found)))

    @routes.post(
        f"{prefix}/route",
        operation_id="route_task",
        summary="See where a request would go, and why",
        description=f"Nothing is submitted. {WHO}",
        responses=succeeds(NativeRoute, "The engines that were looked at.") | failures(NativeError, 403, 413),
        openapi_extra=takes(schema_of(requests.TaskBody, ENOUGH, ONE_WEBHOOK)),
    )
    async def route(request: Request) -> Response:
        context = await authenticate_admin(services, request, Action.QUERY)
        said = parse_object(await services.auth.body(request))
        body = validate(requests.TaskBody, said)
        found = await services.admin.route(body.generation(), context.caller.application_id, body.terms(said))
        candidates = tuple(NativeCandidate(**each) for each in msgspec.to_builtins(found))
        return json_response(NativeRoute(engine=found[0].engine, candidates=candidates))

    @routes.get(
        f"{prefix}/unknown",
        operation_id="unknown_submits",
        summary="List submits of an unknown outcome",
        description="Tasks of all applications whose provider did not say whether it accepted them: since when, until "
        "when they are held, and which generations at the provider resemble them. A candidate has the same prompt and "
        f"time, but no mark of this service: it may be somebody else's. {WHO}",
        responses=succeeds(NativeUnknownSubmits, "The tasks.") | failures(NativeError, 403),
    )
    async def unknown(request: Request) -> Response:
        await authenticate_admin(services, request, Action.QUERY)
        found = await services.admin.unknown_submits()
        return json_response(NativeUnknownSubmits(submits=tuple(_unknown(each) for each in found)))


def _add_acts(routes: APIRouter, services: Services, prefix: str) -> None:
    @routes.post(
        f"{prefix}/unknown/{{task_id}}",
        operation_id="decide_submit",
        summary="Decide about a submit of an unknown outcome",
        description="The provider has accepted it under an id; or it is to be submitted again, which may be charged "
        f"twice; or the task fails. {WHO}",
        responses=succeeds(NativeTask, "The task.") | failures(NativeError, 403, 404, 409, 413),
        openapi_extra=takes(schema_of(DecisionBody, _DECISIONS)) | {"parameters": [_ID]},
    )
    async def decide(request: Request) -> Response:
        context = await authenticate_admin(services, request, Action.SUBMIT)
        body = parse(DecisionBody, await services.auth.body(request))
        decision = requests.one_of(Decision, body.decision, "decision")
        task = await services.admin.decide(request.path_params["task_id"], decision, body.upstream_id or None)
        return json_response(responses.task_object(task, context.base_url))

    @routes.post(
        f"{prefix}/import",
        operation_id="import_tasks",
        summary="Import tasks of a provider",
        description="Tasks that a provider made before become tasks here, under the same ids, of the application of "
        f"the key. Those that are here already are left as they are; of several ids the unknown ones are named. {WHO}",
        responses=succeeds(NativeImported, "The tasks.") | failures(NativeError, 403, 404, 409, 413),
        openapi_extra=takes(schema_of(ImportBody, {})),
    )
    async def import_tasks(request: Request) -> Response:
        context = await authenticate_admin(services, request, Action.SUBMIT)
        body = parse(ImportBody, await services.auth.body(request))
        tasks, failed = [], []
        for each in dict.fromkeys(body.ids):
            try:
                tasks.append(await services.importer.import_task(context, body.engine, each))
            except (NotFound, Conflict) as error:
                if len(body.ids) == 1:
                    raise
                failed.append(NativeNotImported(id=each, code=error.code, message=error.message))
        written = tuple(responses.task_object(task, context.base_url) for task in tasks)
        return json_response(NativeImported(tasks=written, failed=tuple(failed)))


def _unknown(outcome: UnknownOutcome) -> NativeUnknownSubmit:
    task, asked = outcome.task, outcome.task.work.asked
    return NativeUnknownSubmit(
        id=task.id,
        application_id=task.application_id,
        engine=task.engine,
        prompt=task.generation.prompt,
        submitted_at=None if asked is None else rfc3339(asked.at),
        lookups=0 if asked is None else asked.looked,
        age=round(outcome.age, 1),
        ends_at=responses.optional_time(task.deadline_at),
        candidates=tuple(
            NativeResemblance(id=each.id, created_at=responses.optional_time(each.created_at)) for each in outcome.alike
        ),
    )
