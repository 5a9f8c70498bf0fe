"""How routes are described in the published API.

Making the schemas of all answers takes most of a second. That is spent when the description is first asked for, not at
the start of the service: until then a schema is only named, and `completed` puts it in its place.
"""

from __future__ import annotations

import types
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

Responses = dict[int | str, dict[str, Any]]

_PLACE = "#/x-answers/"
_ANSWERS: list[Any] = []
"""The types of all answers described so far; a place in a description is `_PLACE` and an index of this list."""

_DESCRIBED_AS: dict[Any, Any] = {}

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key of Filmgate.")
_WHEN = {
    400: "The request cannot be used; the message says why.",
    401: "The API key is missing or unknown.",
    403: "The role of the key does not allow this, the content was refused, or not enough credits are left.",
    404: "Unknown, deleted and foreign ids are answered alike.",
    408: "The body did not come in time.",
    409: "The task is not in a state that allows this, or the first request of this `Idempotency-Key` is under way.",
    413: "The body is larger than allowed.",
    415: "The body is compressed with something else than gzip or deflate.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "Something went wrong here.",
    503: "The service cannot do this now.",
    504: "The time to wait is over; the task goes on.",
}
_RETRY_AFTER = {"description": "Whole seconds, 1 to 60.", "schema": {"type": "integer", "minimum": 1, "maximum": 60}}

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name of the client's own for this request. Sent again with it within 24 hours, or longer if the "
    "service keeps keys for longer, the request is answered with the first one's task.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}

SOMETHING = r"[^\s\x1c-\x1f\x85]"
"""Matches a text that is more than white space, in Python's and in JSON Schema's sense."""


def keyed_router(tag: str) -> APIRouter:
    """Make a router of operations that need an API key; auth checks it, this only describes it."""
    return APIRouter(tags=[tag], dependencies=[Security(_BEARER)])


def failures(model: Any, *statuses: int) -> Responses:
    """Describe the errors of an operation that needs a key: these, and those that all of them have.

    Whose body can be too large can have one that is too slow, or compressed in a way that is not read.
    """
    responses: Responses = {}
    bodies = {408, 413, 415} if 413 in statuses else set()
    for status in sorted({400, 401, 429, 500, 503, *statuses} | bodies):
        responses[status] = answer(model, _WHEN[status])
    responses[429]["headers"] = {"Retry-After": _RETRY_AFTER}
    return responses


def refusals(model: Any, *statuses: int) -> Responses:
    """Describe the errors of a submit."""
    return failures(model, 403, 404, 409, 413, 422, *statuses)


def repeatable(described: dict[str, Any]) -> dict[str, Any]:
    """Describe that a submit takes an Idempotency-Key."""
    return {**described, "parameters": [*described.get("parameters", ()), _KEY]}


def succeeds(model: Any, description: str, status: int = 200) -> Responses:
    """Describe a good answer."""
    return {status: answer(model, description)}


def answer(model: Any, description: str) -> dict[str, Any]:
    """Describe a JSON answer of a type."""
    if model not in _ANSWERS:
        _ANSWERS.append(model)
    schema = {"$ref": f"{_PLACE}{_ANSWERS.index(model)}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def complete_openapi(openapi: dict[str, Any]) -> dict[str, Any]:
    """Put the schemas of the answers into a description, which is changed and given back."""
    adapters = [(index, "serialization", TypeAdapter(_described(model))) for index, model in enumerate(_ANSWERS)]
    schemas, definitions = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    components = openapi.setdefault("components", {}).setdefault("schemas", {})
    components.update(definitions.get("$defs", {}))
    for schema in components.values():
        if "enum" in schema:  # two names of an enumeration can have one value
            schema["enum"] = list(dict.fromkeys(schema["enum"]))
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json", {})
                place = content.get("schema", {}).get("$ref", "")
                if place.startswith(_PLACE):
                    content["schema"] = schemas[int(place.removeprefix(_PLACE)), "serialization"]
    return openapi


def describe_as(struct: type[msgspec.Struct], described: Any) -> None:
    """Describe a struct as another type that has the same JSON, such as one that all dialects share."""
    _DESCRIBED_AS[struct] = described


def _described(kind: Any) -> Any:
    """Return a type with the same JSON that pydantic can describe: a struct becomes a TypedDict with all its keys.

    A text with metadata is described by the metadata, which are the words that it may be.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return parts[1]
    if origin in (Union, types.UnionType):
        return reduce(or_, map(_described, parts))
    if origin is tuple:
        return list[_described(parts[0])]  # type: ignore[misc]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _DESCRIBED_AS.get(kind) or _typed_dict(kind)
    return kind


@cache
def _typed_dict(struct: type[msgspec.Struct]) -> Any:
    hints = get_type_hints(struct, include_extras=True)
    keys = {name: _described(hints[name]) for name in struct.__struct_fields__}
    described: Any = TypedDict(struct.__name__, keys)  # type: ignore[misc]
    described.__doc__ = struct.__doc__
    return described


def takes(*schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe the JSON body of an operation: one of these schemas."""
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def schema_of(model: type[BaseModel], *conditions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a flat wire model, to be used inline, with conditions between its fields."""
    schema = model.model_json_schema()
    assert "$defs" not in schema, "a nested model has to be described as a component"
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
        field.pop("default", None)
    return schema | ({"allOf": list(conditions)} if conditions else {})


def says(field: str, pattern: str | None = None) -> dict[str, Any]:
    """Return the condition that a text field is there and says something."""
    kind: dict[str, Any] = {"type": "string", "minLength": 1}
    return {"required": [field], "properties": {field: kind | ({"pattern": pattern} if pattern else {})}}


def in_path(name: str, description: str) -> dict[str, Any]:
    """Describe a parameter of the path."""
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def in_query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an optional parameter of the query."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
