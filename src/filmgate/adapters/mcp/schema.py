"""JSON schemas of the tools' arguments and answers, made from the structs that read and write them."""

from __future__ import annotations

from typing import Any, cast

import msgspec

Schema = dict[str, Any]


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of a struct with all references inlined: many clients follow no `$ref`."""
    (schema,), definitions = msgspec.json.schema_components([kind])
    whole = cast(Schema, _inline(schema, definitions))
    whole.pop("description", None)
    return {"type": "object", "properties": {}, "additionalProperties": True} | whole


def _inline(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = dict(definitions[node["$ref"].rpartition("/")[2]])
        target.pop("title", None)
        return _inline(target, definitions)
    return {key: _inline(value, definitions) for key, value in node.items()}
