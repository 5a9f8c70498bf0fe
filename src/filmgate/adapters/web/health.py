"""The routes of the service itself: is it alive, is it ready, its metrics, its documentation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from filmgate.domain import identity
from filmgate.domain.errors import FilmgateError, InvalidRequest, NotFound, Unavailable
from filmgate.ports.context import wants_head

Check = Callable[[], Awaitable[None]]
Permission = Callable[[Request], Awaitable[None]]
"""Lets a request pass. Raises Unauthorized or Forbidden."""

_CHALLENGE: Final = {
    "name": "challenge",
    "in": "query",
    "required": True,
    "description": "Random hexadecimal digits.",
    "schema": {"type": "string", "pattern": f"^{identity.CHALLENGE.pattern}$"},
}


class Liveness(BaseModel):
    """Whether the service is alive."""

    status: str
    version: str


class Proof(BaseModel):
    """The answer to a challenge."""

    proof: str


class Readiness(BaseModel):
    """Whether each part can do its work; `checks` names the trouble of a part, or "ok"."""

    status: str
    checks: dict[str, str]


def service_router(
    exposition: Callable[[], Awaitable[bytes]],
    checks: Mapping[str, Check],
    may_scrape: Permission,
    secret: bytes,
    version: str,
) -> APIRouter:
    """Make the routes.

    `exposition` writes the metrics, `checks` raise FilmgateError where a part is in trouble, `secret` is the folder's.
    """
    router = APIRouter(tags=["service"])

    @router.get("/healthz", summary="Is the service alive?", operation_id="healthz")
    async def healthz() -> Liveness:
        return Liveness(status="ok", version=version)

    @router.get(
        identity.PATH,
        summary="Is this the service of a data folder?",
        description="Who can read the secret in the data folder learns from the answer whether this is its service.",
        operation_id="identity",
        responses={400: {"description": "This is not a challenge."}},
        openapi_extra={"parameters": [_CHALLENGE]},
    )
    async def prove(request: Request) -> Proof:
        challenge = request.query_params.get("challenge", "")
        if not identity.CHALLENGE.fullmatch(challenge):
            raise InvalidRequest("challenge must be 64 random hexadecimal digits, 0-9 and a-f", field="challenge")
        server = request.scope.get("server")
        if server is None or server[1] is None:
            raise Unavailable("This connection has no address to answer for.")
        return Proof(proof=identity.prove(secret, challenge, *server))

    @router.get(
        "/readyz",
        summary="Can the service do its work?",
        operation_id="readyz",
        responses={503: {"model": Readiness, "description": "Some part cannot do its work now."}},
    )
    async def readyz(response: Response) -> Readiness:
        found = {name: await _state(check) for name, check in checks.items()}
        good = all(state == "ok" for state in found.values())
        response.status_code = 200 if good else 503
        return Readiness(status="ready" if good else "not ready", checks=found)

    @router.post("/register", include_in_schema=False)
    async def register() -> Response:
        # MCP clients come here when a key is refused, and show what they read.
        raise NotFound(
            "Nobody can sign in here with OAuth. The API key is missing or wrong: send Authorization: Bearer <key>."
        )

    @router.get(
        "/metrics",
        summary="Metrics in the Prometheus text format",
        operation_id="metrics",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            401: {"description": "A key with the role admin is needed, or FILMGATE_METRICS_TOKEN."},
            403: {"description": "The key has not the role admin."},
        },
    )
    async def metrics(request: Request) -> Response:
        await may_scrape(request)
        return Response(await exposition(), media_type="text/plain; version=0.0.4")

    return router


def add_docs(app: FastAPI) -> None:
    """Serve the documentation page and everything it loads from here; nothing comes from elsewhere."""
    with as_file(files("fastapi_offline") / "static") as folder:
        app.mount("/docs/assets", _Assets(directory=folder), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            # Relative, so that the page works below a path of a proxy's.
            openapi_url="openapi.json",
            title="Filmgate API",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
        )


def add_manual(app: FastAPI) -> None:
    """Serve the documentation at `/manual/` where the package filmgate-docs is installed."""
    package = find_spec("filmgate_docs")
    if package is None or package.origin is None:
        return
    app.mount("/manual", _Assets(directory=Path(package.origin).parent / "site", html=True), name="manual")

    @app.get("/manual", include_in_schema=False)
    async def manual() -> RedirectResponse:
        # Relative, so that it leads to the same place below a path of a proxy's.
        return RedirectResponse("manual/")


class _Assets(StaticFiles):
    """Files that are not read for a HEAD."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file."""
        await super().__call__({**scope, "method": "HEAD"} if wants_head(scope) else scope, receive, send)


async def _state(check: Check) -> str:
    try:
        await check()
    except FilmgateError as error:
        return error.message
    return "ok"
