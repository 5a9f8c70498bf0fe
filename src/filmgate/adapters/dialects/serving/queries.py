"""How every dialect answers a query by id: at once, or when the task has ended."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import in_query
from filmgate.core.query.cache import Serializer
from filmgate.core.query.wait import MAX_HOLD, hold
from filmgate.core.tasks.access import Action
from filmgate.ports.context import RequestContext

WAIT: Final = in_query(
    "wait",
    "Seconds to wait for the end of the task; the answer is its state then, whatever that is. The header "
    "`Prefer: wait=SECONDS` says the same.",
    {"type": "number", "minimum": 0, "maximum": MAX_HOLD},
)

_APPLIED: Final = (b"preference-applied", b"wait")


async def answer_path_query(services: Services, request: Request, name: str, form: Serializer) -> Response:
    """Answer a query by the id that the path has under a name."""
    context = await services.auth.enter(request, Action.QUERY)
    return await answer_query(services, request, context, request.path_params[name], form)


async def answer_query(
    services: Services, request: Request, context: RequestContext, task_id: str, form: Serializer
) -> Response:
    """Answer a query by id, after as long a wait as it asks for. Raises InvalidRequest, NotFound."""
    wanted = hold(request.query_params.get("wait"), request.headers.get("prefer"))
    ended = await services.tasks.hold(context, task_id, wanted.seconds) if wanted.seconds else None
    response = json_response(await services.query.one(context, task_id, form, ended))
    if wanted.preferred:
        response.raw_headers.append(_APPLIED)
    return response
