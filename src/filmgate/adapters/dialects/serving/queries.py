"""Operations that answer queries by id. They document the routes, and serve what is left by the fast path."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.serving.dialect import Read, Services
from filmgate.adapters.dialects.serving.openapi import in_query
from filmgate.core.query.cache import TaskQuery
from filmgate.core.query.wait import MAX_HOLD
from filmgate.core.tasks.access import Action
from filmgate.ports.context import RequestContext

WAIT: Final = in_query(
    "wait",
    "Seconds to wait for the end of the task; the answer is its state then, whatever that is. The header "
    "`Prefer: wait=SECONDS` says the same.",
    {"type": "number", "minimum": 0, "maximum": MAX_HOLD},
)


def add_query(routes: APIRouter, services: Services, read: Read, parameter: dict[str, Any], **described: Any) -> None:
    """Add the operation of a query by id, at the path that the fast path answers; `parameter` is the id in it."""

    async def get(request: Request) -> Response:
        return await answer_path_query(services, request, parameter["name"], read)

    extra = {"parameters": [parameter, WAIT]}
    routes.add_api_route(f"{read.prefix}{{{parameter['name']}}}", get, openapi_extra=extra, **described)


async def answer_path_query(services: Services, request: Request, name: str, read: Read) -> Response:
    """Answer a query by the id that the path has under a name."""
    context = await services.auth.enter(request, Action.QUERY)
    asked = TaskQuery((request.path_params[name],), read.form, read.error, headers=read.headers)
    return await answer_query(services, request, context, asked)


async def answer_query(services: Services, request: Request, context: RequestContext, asked: TaskQuery) -> Response:
    """Answer a query by id, after as long a wait as the request asks for."""
    wait, prefer = request.query_params.get("wait"), request.headers.get("prefer")
    status, headers, body = await services.answer(context, asked, wait, prefer)
    response = Response(body, status)
    response.raw_headers = [(b"content-length", b"%d" % len(body)), *headers]
    return response
