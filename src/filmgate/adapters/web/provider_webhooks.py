"""Webhooks of providers: a hint that there is news, never believed without asking."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from filmgate.ports.rates import RateBuckets


def provider_webhooks_router(poll_now: Callable[[str, str], bool], buckets: RateBuckets) -> APIRouter:
    """Create the route. `poll_now` takes an engine and the key of a submit; `buckets` count requests per address."""
    router = APIRouter(tags=["service"])

    @router.post(
        "/hooks/{engine}/{key}",
        status_code=204,
        response_class=Response,
        operation_id="provider_callback",
        summary="Hear from a provider",
        description="The callback address that a provider is given. Its body is not read: the provider is asked. The "
        "answer is the same whether anybody waits for it or not.",
        responses={204: {"description": "Heard."}, 429: {"description": "Too many requests from this address."}},
    )
    async def hear(engine: str, key: str, request: Request) -> Response:
        buckets.take(request.client.host if request.client else "")
        poll_now(engine, key)
        return Response(status_code=204)

    return router
