"""Former addresses of the native API: each answers 410 and names the address that replaced it."""

from __future__ import annotations

from typing import Final, NoReturn

from fastapi import APIRouter, Request

from filmgate.domain.errors import Gone

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def add_renamed(routes: APIRouter, prefix: str) -> None:
    """Add the former routes below a prefix. They need no key and are not described."""

    async def callbacks(request: Request) -> NoReturn:
        del request
        raise Gone(f"{prefix}/callbacks is now {prefix}/webhooks: send the request there.")

    async def operator(request: Request) -> NoReturn:
        del request
        raise Gone(
            f"{prefix}/operator is now {prefix}/admin, and {prefix}/operator/adopt is {prefix}/admin/import: "
            "send the request there."
        )

    for path, endpoint in (
        (f"{prefix}/callbacks", callbacks),
        (f"{prefix}/callbacks/{{rest:path}}", callbacks),
        (f"{prefix}/operator/{{rest:path}}", operator),
    ):
        routes.add_route(path, endpoint, methods=_METHODS, include_in_schema=False)
