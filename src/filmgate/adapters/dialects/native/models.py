"""The models, in Filmgate's own API."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import failures, succeeds
from filmgate.api import NativeError, NativeModel, NativeModels
from filmgate.core.providers.models import Model
from filmgate.core.tasks.access import Action


def add_models(routes: APIRouter, services: Services, prefix: str) -> None:
    """Add the list of the models."""

    @routes.get(
        f"{prefix}/models",
        operation_id="list_models",
        summary="List the models",
        description="The models that can be named in a request, with what each can be asked for.",
        responses=succeeds(NativeModels, "All models.") | failures(NativeError),
    )
    async def models(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        others = services.models.others()
        return json_response(
            NativeModels(
                models=tuple(_model_object(model) for model in services.models.list_models()),
                default_model=services.models.default,
                others=None if others is None else _model_object(others),
            )
        )


def _model_object(model: Model) -> NativeModel:
    return NativeModel(name=model.name, engines=tuple(model.engines), **msgspec.to_builtins(model.capabilities))
