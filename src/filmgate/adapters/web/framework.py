"""The framework's application, put together from routers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from filmgate.adapters.web.errors import Errors, defect, from_http, from_validation
from filmgate.adapters.web.health import add_docs, add_manual
from filmgate.domain.errors import FilmgateError

DESCRIPTION = """
One ledger of video generation tasks behind every Luma dialect. A task made in one dialect is found in all.
Send `Authorization: Bearer <key>`. Every answer names its request in `X-Trace-Id`. HEAD works wherever GET does: it
gets the headers of a GET at once, and waits for nothing.
"""


def framework(
    routers: Sequence[APIRouter],
    errors: Errors,
    version: str,
    complete: Callable[[dict[str, Any]], dict[str, Any]],
    prefix: str = "",
) -> FastAPI:
    """Make the application that serves the described API and writes errors in the form of each path's dialect.

    `complete` adds to the description, when it is first asked for, what would take too long at the start. `prefix` is
    the path below which clients find it.
    """
    app = FastAPI(
        title="Filmgate",
        version=version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": quote(prefix)}] if prefix else None,
    )

    async def on_error(request: Request, error: Exception) -> Response:
        status, headers, body = errors.answer(request.scope["path"], _to_known_error(error), request.state.trace_id)
        response = Response(body, status)
        response.raw_headers = [(b"content-length", b"%d" % len(body)), *headers]
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
            if "GET" in (allowed := response.headers.get("allow", "").split(", ")):
                response.headers["allow"] = ", ".join(dict.fromkeys((*allowed, "HEAD")))
        return response

    for kind in (FilmgateError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, on_error)
    for router in routers:
        app.include_router(router)
    add_docs(app)
    add_manual(app)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete(described())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _to_known_error(error: Exception) -> FilmgateError:
    if isinstance(error, FilmgateError):
        return error
    if isinstance(error, RequestValidationError):
        return from_validation(error)
    return from_http(error) if isinstance(error, HTTPException) else defect(error)
