"""The least that something described may be: what a fake answer has beside what a test is about."""

from collections.abc import Mapping
from typing import Any

from tests.support.github.description import Description

_TEXTS = {
    "date-time": "2026-01-31T12:00:00Z",
    "uri": "https://github.example/",
    "uri-template": "https://github.example/{name}",
    "email": "octocat@github.example",
}


def least(description: Description, name: str) -> dict[str, Any]:
    """All that is required of the schema of this name, filled with what says nothing."""
    value = _value(description, description.schema(name))
    assert isinstance(value, dict), name
    return value


def _value(description: Description, schema: Mapping[str, Any]) -> Any:
    schema = description.resolved(schema)
    if schema.get("nullable"):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if "allOf" in schema:
        parts = [_value(description, part) for part in schema["allOf"]]
        return {key: value for part in parts for key, value in part.items()}
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _value(description, schema[choice][0])
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {key: _value(description, properties[key]) for key in schema.get("required", []) if key in properties}
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return _TEXTS.get(schema.get("format", ""), "text")
