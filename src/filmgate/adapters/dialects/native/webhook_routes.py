"""Webhooks in Filmgate's own API: what became of them, sending them again, and what signs them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from filmgate.adapters.dialects.native import requests, responses
from filmgate.adapters.dialects.serving.codec import Body, Flag, parse, rfc3339
from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import failures, in_path, in_query, schema_of, succeeds, takes
from filmgate.api import (
    NativeDelivery,
    NativeError,
    NativeToldWebhook,
    NativeWebhook,
    NativeWebhooks,
    NativeWebhookSecret,
    NativeWebhookSecrets,
)
from filmgate.core.tasks.access import Action, require
from filmgate.core.webhooks.sign import encode_secret
from filmgate.domain.addresses import redact
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.roles import KeyRole
from filmgate.domain.webhooks import WebhookStatus
from filmgate.ports.webhooks import Delivery, SigningSecret, WebhookEvent, WebhookFilter

_ID: Final = in_path("webhook_id", "The id of a webhook, or of a task: then its newest webhook is meant.")
_STATUS: Final = f"({'|'.join(WebhookStatus)})"
_LIST: Final = [
    in_query("task", "Only webhooks of the task with this id.", {"type": "string", "minLength": 1}),
    in_query(
        "status",
        "Only webhooks with this status, or with one of several with commas between them.",
        {"type": "string", "pattern": f"^{_STATUS}(,{_STATUS})*$"},
    ),
    in_query(
        "limit", "Webhooks to answer; 20 if not given.", {"type": "integer", "minimum": 1, "maximum": requests.MAX_PAGE}
    ),
    in_query("offset", "Webhooks to skip; 0 if not given.", {"type": "integer", "minimum": 0, "maximum": 2**31}),
]


class RotateBody(Body):
    """A new secret."""

    at_once: Flag = Field(
        default=None, description="Let the earlier secrets not sign any more; they do for another day if not given."
    )


def add_webhooks(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the routes below `prefix/webhooks`."""
    _add_secrets(routes, services, f"{prefix}/webhooks/secret")
    _add_log(routes, services, f"{prefix}/webhooks")


def _add_secrets(routes: APIRouter, services: Services, path: str) -> None:
    @routes.get(
        path,
        operation_id="get_webhook_secrets",
        summary="See what signs webhooks",
        description="The secrets with which the webhooks of the application are signed, the newest first. The key "
        "needs the role member: a secret is enough to forge webhooks.",
        responses=succeeds(NativeWebhookSecrets, "The secrets.") | failures(NativeError, 403),
    )
    async def secrets(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        require(context.caller.role, KeyRole.MEMBER)
        return json_response(_secrets(await services.webhooks.secrets(context)))

    @routes.post(
        f"{path}/rotate",
        operation_id="rotate_webhook_secret",
        summary="Have webhooks signed with a new secret",
        description="For 24 hours each delivery has a signature by the earlier secret, too. The body may be left out.",
        responses=succeeds(NativeWebhookSecrets, "The secrets.") | failures(NativeError, 403, 413),
        openapi_extra=takes(schema_of(RotateBody)),
    )
    async def rotate(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        body = parse(RotateBody, await services.auth.body(request) or b"{}")
        return json_response(_secrets(await services.webhooks.rotate(context, at_once=body.at_once is True)))


def _add_log(routes: APIRouter, services: Services, path: str) -> None:
    @routes.get(
        path,
        operation_id="list_webhooks",
        summary="List webhooks",
        description="What became of the webhooks of the application's tasks, the newest first.",
        responses=succeeds(NativeWebhooks, "A page of the list.") | failures(NativeError),
        openapi_extra={"parameters": _LIST},
    )
    async def listing(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        asked = request.query_params
        wanted = _filter(asked.get("task"), asked.get("status"), asked.get("limit"), asked.get("offset"))
        page = await services.webhooks.find(context, wanted)
        return json_response(
            NativeWebhooks(
                webhooks=tuple(NativeWebhook(**_webhook(each)) for each in page.webhooks),
                total=page.total,
                has_more=page.more,
                limit=wanted.limit,
                offset=wanted.offset,
            )
        )

    @routes.get(
        f"{path}/{{webhook_id}}",
        operation_id="get_webhook",
        summary="See a webhook with its deliveries",
        description="Deliveries are kept for 30 days, the newest 50 of each webhook.",
        responses=succeeds(NativeToldWebhook, "The webhook.") | failures(NativeError, 404),
        openapi_extra={"parameters": [_ID]},
    )
    async def get(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        webhook = await services.webhooks.get(context, request.path_params["webhook_id"])
        deliveries = await services.webhooks.deliveries(webhook)
        told = tuple(_delivery(each) for each in deliveries)
        return json_response(NativeToldWebhook(**_webhook(webhook), deliveries=told))

    @routes.post(
        f"{path}/{{webhook_id}}/resend",
        operation_id="resend_webhook",
        summary="Send a webhook again",
        description="It is sent at once, and tried again for three days if need be, under the same id as before.",
        responses=succeeds(NativeWebhook, "The webhook.") | failures(NativeError, 403, 404, 409),
        openapi_extra={"parameters": [_ID]},
    )
    async def resend(request: Request) -> Response:
        context = await services.auth.enter(request, Action.SUBMIT)
        webhook = await services.webhooks.resend(context, request.path_params["webhook_id"])
        return json_response(NativeWebhook(**_webhook(webhook)))


def _filter(task: str | None, status: str | None, limit: str | None, offset: str | None) -> WebhookFilter:
    """Read the parameters of a list. Raises InvalidRequest."""
    words = [] if status is None else status.split(",")
    if any(word not in tuple(WebhookStatus) for word in words):
        raise InvalidRequest(
            f"status must be one of {', '.join(WebhookStatus)}, or several with commas", field="status"
        )
    place = requests.listing(limit, offset, None, None)
    statuses = tuple(WebhookStatus(word) for word in words) or None
    return WebhookFilter(task_id=task or None, statuses=statuses, limit=place.limit, offset=place.offset)


def _webhook(webhook: WebhookEvent) -> dict[str, Any]:
    """Return the fields that a webhook has with and without its deliveries."""
    return {
        "id": webhook.id,
        "task_id": webhook.task_id,
        "state": webhook.state,
        "status": webhook.status.value,
        "url": redact(webhook.url or ""),
        "created_at": rfc3339(webhook.created_at),
        "tries": webhook.tries,
        "next_at": responses.optional_time(webhook.next_at),
        "last_at": responses.optional_time(webhook.last_at),
        "answer": webhook.answer,
        "trouble": webhook.trouble,
    }


def _delivery(delivery: Delivery) -> NativeDelivery:
    return NativeDelivery(
        at=rfc3339(delivery.at),
        seconds=round(delivery.took, 3),
        answer=delivery.answer,
        trouble=delivery.trouble,
    )


def _secrets(secrets: list[SigningSecret]) -> NativeWebhookSecrets:
    told = (
        NativeWebhookSecret(
            secret=encode_secret(each.secret),
            created_at=rfc3339(each.created_at),
            ends_at=responses.optional_time(each.ends_at),
        )
        for each in secrets
    )
    return NativeWebhookSecrets(secrets=tuple(told))
