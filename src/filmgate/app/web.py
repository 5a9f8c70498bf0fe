"""The web application: dialects, agents, media and health."""

from __future__ import annotations

import hmac
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from filmgate import __version__
from filmgate.app.identity import folder_secret

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.requests import Request

    from filmgate.adapters.dialects.serving.dialect import Services
    from filmgate.adapters.telemetry import Metrics
    from filmgate.adapters.web.answer import QueryAnswers
    from filmgate.adapters.web.app import WebApp
    from filmgate.adapters.web.auth import HttpAuthenticator
    from filmgate.adapters.web.health import Permission
    from filmgate.adapters.web.metrics import RequestCounter
    from filmgate.app.container import Container
    from filmgate.core.tasks.access import AccessControl
    from filmgate.domain.settings import Settings

log = logging.getLogger(__name__)

_SERVICE = frozenset(
    (
        *("healthz", "readyz", "identity", "metrics", "docs", "openapi.json"),
        *("media", "hooks", "register", "console", "manual"),
    )
)
"""How paths begin that are the service's own, whatever the dialects are."""


def all_dialects() -> tuple[Any, ...]:
    """Return the dialects that are served, Filmgate's own first."""
    from filmgate.adapters.dialects import acedata, agents, dream_machine, gateway, native, openai_videos

    return (
        native.DIALECT,
        gateway.DIALECT,
        acedata.DIALECT,
        dream_machine.DIALECT,
        agents.DIALECT,
        openai_videos.DIALECT,
    )


def webhook_serializers(dialects: tuple[Any, ...]) -> dict[str, Any]:
    """Return the forms in which tasks are posted to webhooks, by the dialect that they were submitted in."""
    from filmgate.adapters import mcp

    return {dialect.name: dialect.webhook for dialect in dialects} | {mcp.NAME: mcp.WEBHOOK}


def announcing(dialects: tuple[Any, ...]) -> frozenset[str]:
    """Return the names of the dialects whose webhooks tell of the start of a task, too."""
    return frozenset(dialect.name for dialect in dialects if dialect.announces)


def web_app(container: Container, dialects: tuple[Any, ...], requests: RequestCounter, metrics: Metrics) -> WebApp:
    """Create what serves requests."""
    from filmgate.adapters import mcp
    from filmgate.adapters.dialects.serving.openapi import complete_openapi
    from filmgate.adapters.web.answer import QueryAnswers
    from filmgate.adapters.web.app import Mount, WebApp
    from filmgate.adapters.web.auth import HttpAuthenticator
    from filmgate.adapters.web.bodies import Bodies
    from filmgate.adapters.web.body_memory import BodyMemory
    from filmgate.adapters.web.body_timeout import BodyTimeout
    from filmgate.adapters.web.errors import Errors
    from filmgate.adapters.web.fast_path import FastPath
    from filmgate.adapters.web.framework import framework
    from filmgate.adapters.web.middleware.paths import Paths
    from filmgate.adapters.web.middleware.reply import ReplyContext
    from filmgate.core.tasks.access import Action

    settings, links = container.adapters.settings, container.links
    rates = {Action.SUBMIT: settings.submit_rate, Action.QUERY: settings.query_rate}
    bodies = Bodies(settings.max_body, settings.max_small_body, BodyMemory(settings.max_body_memory))
    auth = HttpAuthenticator(container.access, links, rates, bodies)
    answers = QueryAnswers(container.tasks, container.query)
    writers = {prefix: writer for dialect in dialects for prefix, writer in dialect.errors.items()}
    writers[mcp.PATH] = mcp.write_error
    errors = Errors(writers, fallback=dialects[0].errors["/api/v1"])
    services = _services(container, auth, answers)
    routers = [dialect.router(services) for dialect in dialects] + _service_routers(container, metrics)
    fast_path = FastPath(
        {read.prefix: (dialect.name, *read[1:]) for dialect in dialects for read in dialect.reads},
        {
            read.path: (dialect.name, partial(read.parse, settings=settings))
            for dialect in dialects
            for read in dialect.body_reads
        },
        auth,
        answers,
        errors,
        requests,
    )
    agents = mcp.McpEndpoint(
        auth,
        links,
        container.tasks,
        container.query,
        container.router.models,
        container.adapters.store,
        container.adapters.tools,
        work=container.adapters.work,
        max_small_body=settings.max_small_body,
    )
    mounts = {path: Mount(mcp.NAME, agents) for path in (mcp.PATH, f"{mcp.PATH}/")}
    prefixes = {prefix: dialect.name for dialect in dialects for prefix in dialect.errors}
    own = {path.split("/")[1] for path in (*prefixes, *mounts)} | _SERVICE
    paths = Paths(prefixes, dict.fromkeys(mounts, mcp.NAME), _prefix_that_may_come(links.prefix, own))
    return WebApp(
        framework(routers, errors, __version__, complete_openapi, links.prefix),
        fast_path,
        links,
        ReplyContext(paths, errors, requests),
        mounts,
        max_body=settings.max_body,
        body_timeout=BodyTimeout(settings.body_seconds, settings.body_rate),
        is_admin=auth.is_admin,
    )


def _services(container: Container, auth: HttpAuthenticator, answers: QueryAnswers) -> Services:
    """Return the services that the routes of dialects work with."""
    from filmgate.adapters.dialects.serving.dialect import Services
    from filmgate.adapters.web.media import answer

    return Services(
        tasks=container.tasks,
        idempotency=container.idempotency,
        events=container.events,
        query=container.query,
        answer=answers.answer,
        models=container.router.models,
        auth=auth,
        settings=container.adapters.settings,
        uploads=container.uploads,
        serve=partial(answer, store=container.adapters.store),
        admin=container.admin,
        importer=container.importer,
        webhooks=container.webhooks,
        usage=container.usage,
    )


def _service_routers(container: Container, metrics: Metrics) -> list[APIRouter]:
    """Return the routes that belong to no dialect: files, health, metrics, and the webhooks of providers."""
    from filmgate.adapters.web.health import service_router
    from filmgate.adapters.web.media import media_router
    from filmgate.adapters.web.provider_webhooks import provider_webhooks_router
    from filmgate.core.tasks.access import Buckets

    adapters = container.adapters
    settings, ledger, store = adapters.settings, adapters.ledger, adapters.store
    checks = {"ledger": ledger.ready, "store": store.ready, "engines": adapters.dispatcher.ready}
    scraping, secret = _scraping(settings, container.access), folder_secret(settings.data)
    return [
        media_router(ledger, store, Buckets(settings.media_rate)),
        service_router(metrics.exposition, checks, scraping, secret, __version__),
        provider_webhooks_router(container.polling.poll_now, Buckets(settings.media_rate)),
    ]


def _prefix_that_may_come(prefix: str, own: set[str]) -> str:
    """Return the path of the public address, or "" where a path below it could be one of ours as well."""
    first = prefix.split("/")[1] if prefix else ""
    if first not in own:
        return prefix
    log.warning(
        "public_url has the path %s, and Filmgate has paths below /%s, too: have the proxy take it away", prefix, first
    )
    return ""


def _scraping(settings: Settings, access: AccessControl) -> Permission:
    """Create the check for readers of the metrics: admins, holders of the metrics token, or everybody if open."""
    from filmgate.adapters.web.auth import bearer
    from filmgate.core.tasks.access import require
    from filmgate.core.tasks.keys import digest
    from filmgate.domain.roles import KeyRole

    token = None if settings.metrics_token is None else digest(settings.metrics_token.get_secret_value().encode())

    async def may_scrape(request: Request) -> None:
        key = bearer(request.scope["headers"])
        if settings.metrics == "open" or (key and token and hmac.compare_digest(digest(key), token)):
            return
        require((await access.caller(key)).role, KeyRole.ADMIN)

    return may_scrape
