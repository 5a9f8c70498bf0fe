"""The models, as OpenAI lists them."""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from filmgate.adapters.dialects.openai_videos.responses import OpenAIError, OpenAIModel, OpenAIModels
from filmgate.adapters.dialects.serving.dialect import Services, json_response
from filmgate.adapters.dialects.serving.openapi import failures, in_path, succeeds
from filmgate.core.providers.models import Model
from filmgate.core.tasks.access import Action
from filmgate.domain.errors import NotFound, UnknownModel

PREFIX: Final = "/v1/models"


def add_models(routes: APIRouter, services: Services) -> None:
    """Add the list of the models, and each of them."""
    since = int(time.time())

    @routes.get(
        PREFIX,
        operation_id="openai_models",
        summary="List the models",
        description="The models that can be named in a request, with what each can be asked for.",
        responses=succeeds(OpenAIModels, "All models.") | failures(OpenAIError),
    )
    async def listing(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        data = [_model_object(model, since) for model in services.models.list_models()]
        return json_response({"object": "list", "data": data})

    @routes.get(
        f"{PREFIX}/{{model:path}}",
        operation_id="openai_model",
        summary="See one model",
        description="Its name may contain slashes.",
        responses=succeeds(OpenAIModel, "The model.") | failures(OpenAIError, 404),
        openapi_extra={"parameters": [in_path("model", "The name of a model.")]},
    )
    async def get(request: Request) -> Response:
        await services.auth.enter(request, Action.QUERY)
        try:
            model = services.models.find(request.path_params["model"])
        except UnknownModel as error:
            unknown = NotFound(error.message, field="model")
            unknown.code = error.code
            raise unknown from error
        return json_response(_model_object(model, since))


def _model_object(model: Model, since: int) -> dict[str, Any]:
    """Write a model: OpenAI's fields, and its capabilities."""
    can = msgspec.to_builtins(model.capabilities)
    return {"id": model.name, "object": "model", "created": since, "owned_by": ", ".join(model.engines), **can}
