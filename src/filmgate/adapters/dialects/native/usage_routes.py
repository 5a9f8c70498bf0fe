"""What was used and what may be, in Filmgate's own API."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field, WithJsonSchema

from filmgate.adapters.dialects.native import requests
from filmgate.adapters.dialects.native.admin_routes import WHO, authenticate_admin
from filmgate.adapters.dialects.serving.codec import Body, parse
from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import failures, in_path, in_query, schema_of, succeeds, takes
from filmgate.api import (
    NativeCredits,
    NativeDay,
    NativeError,
    NativeLimits,
    NativeOwnLimits,
    NativeStanding,
    NativeStandings,
    NativeTally,
    NativeUsage,
    NativeUsages,
)
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.usage import UsageReport
from filmgate.domain.periods import Period
from filmgate.domain.usage import QuotaStatus, next_of

_DAY: Final = {"type": "string", "format": "date"}
_DAYS: Final = [
    in_query("since", "The first day, in UTC; that of the month if not given.", _DAY),
    in_query("until", "The last day, in UTC; today if not given.", _DAY),
]


class LimitsBody(Body):
    """Rules of an application: what is not given stays, null is what holds for all, 0 switches a rule off."""

    task_days: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Days that ended tasks stay.")
    media_days: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Days that files stay.")
    media_bytes: int | None = Field(default=None, ge=0, le=2**62, description="Bytes of files that are kept.")
    credits: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="What tasks may cost.")
    credits_per: Annotated[
        str | None,
        WithJsonSchema({"anyOf": [{"enum": list(Period)}, {"type": "null"}]}),
        Field(description="A period."),
    ] = None


def add_accounting(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the routes `prefix/usage`, and those of admins."""
    _add_usage(routes, services, prefix)
    _add_limits(routes, services, f"{prefix}/admin/limits")


def _add_usage(routes: APIRouter, services: Services, prefix: str) -> None:
    @routes.get(
        f"{prefix}/usage",
        operation_id="get_usage",
        summary="See what you have used",
        description="Tasks, seconds of video, bytes, credits and failures by code, in all and day by day; tasks that "
        "have been removed since are counted too. With it goes how the application stands now.",
        responses=succeeds(NativeUsage, "The numbers.") | failures(NativeError),
        openapi_extra={"parameters": _DAYS},
    )
    async def usage(request: Request) -> Response:
        context = await services.auth.enter(request, Action.QUERY)
        asked = request.query_params
        report = await services.usage.report(context, asked.get("since"), asked.get("until"))
        return json_response(_usage(services, report))

    @routes.get(
        f"{prefix}/admin/usage",
        operation_id="all_usage",
        summary="See what all applications have used",
        description=f"The same for every application, by name. {WHO}",
        responses=succeeds(NativeUsages, "The numbers.") | failures(NativeError, 403),
        openapi_extra={"parameters": _DAYS},
    )
    async def all_usage(request: Request) -> Response:
        await authenticate_admin(services, request, Action.QUERY)
        asked = request.query_params
        reports = await services.usage.reports(asked.get("since"), asked.get("until"))
        return json_response(NativeUsages(applications=tuple(_usage(services, report) for report in reports)))


def _add_limits(routes: APIRouter, services: Services, path: str) -> None:
    @routes.get(
        path,
        operation_id="all_limits",
        summary="See the rules of all applications",
        description=f"What they may use and how long what they made is kept, and how they stand, by name. {WHO}",
        responses=succeeds(NativeStandings, "The applications.") | failures(NativeError, 403),
    )
    async def limits(request: Request) -> Response:
        await authenticate_admin(services, request, Action.QUERY)
        standings = await services.usage.standings()
        found = tuple(standing_object(services, each) for each in standings)
        return json_response(NativeStandings(applications=found))

    @routes.patch(
        f"{path}/{{application}}",
        operation_id="set_limits",
        summary="Set rules of an application",
        description=f"They hold at once. {WHO}",
        responses=succeeds(NativeStanding, "How it stands.") | failures(NativeError, 403, 404, 413),
        openapi_extra=takes(schema_of(LimitsBody))
        | {"parameters": [in_path("application", "The name or the id of an application.")]},
    )
    async def change(request: Request) -> Response:
        await authenticate_admin(services, request, Action.SUBMIT)
        body = parse(LimitsBody, await services.auth.body(request))
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        if changes.get("credits_per") is not None:
            changes["credits_per"] = requests.one_of(Period, changes["credits_per"], "credits_per")
        standing = await services.usage.change_limits(request.path_params["application"], changes)
        return json_response(standing_object(services, standing))


def standing_object(services: Services, standing: QuotaStatus) -> NativeStanding:
    """Write how an application stands."""
    return NativeStanding(
        application_id=standing.application_id,
        application=standing.name,
        limits=NativeLimits(**msgspec.to_builtins(standing.limits)),
        own=NativeOwnLimits(**msgspec.to_builtins(standing.own)),
        credits=_credits(standing, services.usage.now),
        unfinished=standing.unfinished,
        files_held=standing.files,
        bytes_held=standing.bytes,
    )


def _credits(standing: QuotaStatus, now: float) -> NativeCredits:
    limits = standing.limits
    return NativeCredits(
        used=standing.used,
        limit=limits.credits or None,
        left=standing.left,
        per=limits.credits_per,
        renews=next_of(limits.credits_per, now),
    )


def _usage(services: Services, report: UsageReport) -> NativeUsage:
    return NativeUsage(
        since=report.first,
        until=report.last,
        total=NativeTally(**msgspec.to_builtins(report.usage.total)),
        failures=report.usage.failures,
        days=tuple(NativeDay(day=day, **msgspec.to_builtins(tally)) for day, tally in report.usage.days.items()),
        now=standing_object(services, report.standing),
    )
