"""The routes of the service itself: is it alive, is it ready, its metrics, its documentation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import as_file, files

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from filmgate.domain.errors import FilmgateError, Forbidden, Unauthorized
from filmgate.ports.context import wants_head

Check = Callable[[], Awaitable[None]]


class Health(BaseModel):
    """Whether the service is alive."""

    status: str
    version: str


class Readiness(BaseModel):
    """Whether each part can do its work; `checks` names the trouble of a part, or "ok"."""

    status: str
    checks: dict[str, str]


def service_router(
    exposition: Callable[[], Awaitable[bytes]],
    checks: Mapping[str, Check],
    is_operator: Callable[[Request], bool],
    version: str,
) -> APIRouter:
    """Make the routes. `exposition` writes the metrics, `checks` raise FilmgateError where a part is in trouble."""
    router = APIRouter(tags=["service"])

    @router.get("/healthz", summary="Is the service alive?", operation_id="healthz")
    async def healthz() -> Health:
        return Health(status="ok", version=version)

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

    @router.get(
        "/metrics",
        summary="Metrics in the Prometheus text format",
        operation_id="metrics",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            401: {"description": "The bootstrap key is needed unless the service is for this machine only."},
            403: {"description": "Only the bootstrap key may see this."},
        },
    )
    async def metrics(request: Request) -> Response:
        if not is_operator(request):
            raise Forbidden() if "authorization" in request.headers else Unauthorized()
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
