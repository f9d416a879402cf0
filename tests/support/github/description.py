"""Holds requests, answers and deliveries against GitHub's own description of them.

It is followed to the letter, but for these deviations, in which GitHub itself does not keep to it:

- error answers: it describes hardly any of those that GitHub gives. Those in UNDESCRIBED are taken, if they have the
  form that all of GitHub's errors have;
- 304, which GitHub answers to every conditional request, is described for next to none;
- `null` where something is nullable and has an enum that leaves null out: GitHub sends it, for each job under way;
- slashes in the names of refs, which by the letter would be more than one member of a path.

In one thing it is taken more strictly: a member of a request that is not described counts as wrong, because servers
that know less of it refuse it.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from tests.tools import github as published

UNDESCRIBED = {400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504}
_SLASHED = ("ref", "basehead")


class NotDescribed(LookupError):
    """GitHub has no such operation."""


class Description:
    """What GitHub publishes, as far as it concerns phaseline."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._components = _json_schema(document["components"])
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._paths = [(_pattern(path), path) for path in document["paths"]]

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """The operation, as `POST /repos/{owner}/…`, and what stands for its parameters. Raises NotDescribed."""
        for pattern, described in self._paths:
            found = pattern.fullmatch(path)
            if found and method.lower() in self._document["paths"][described]:
                return f"{method} {described}", found.groupdict()
        raise NotDescribed(f"{method} {path}")

    def wrong_request(self, operation: str, query: Mapping[str, str], body: bytes) -> list[str]:
        """What is wrong with it: the query and the body."""
        said = self._operation(operation)
        parameters = [self._resolved(parameter) for parameter in said.get("parameters", [])]
        known = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        wrong = [f"query {name}: not described" for name in query if name not in known]
        for name, parameter in known.items():
            if name in query:
                schema = self._resolved(parameter["schema"])
                wrong += self._wrong(f"{operation} {name}", schema, _typed(query[name], schema), f"query {name}")
        return wrong + self._wrong_body(operation, said.get("requestBody"), body)

    def _wrong_body(self, operation: str, described: Mapping[str, Any] | None, body: bytes) -> list[str]:
        if described is None or not body:
            needless = body and described is None
            missing = not body and described is not None and described.get("required", False)
            return ["body: not described"] if needless else ["body: missing"] if missing else []
        schema = self._resolved(described["content"]["application/json"]["schema"])
        if "properties" in schema:
            schema = {**schema, "additionalProperties": False}
        return self._wrong(operation, schema, _loaded(body), "body")

    def wrong_answer(self, operation: str, status: int, body: bytes) -> list[str]:
        """What is wrong with it: the status and the body."""
        described = self._operation(operation)["responses"].get(str(status))
        if described is None:
            return self._wrong_undescribed(status, body)
        content = self._resolved(described).get("content")
        if not content:
            return [f"{status}: it has no body"] if body else []
        schema = content["application/json"]["schema"]
        return self._wrong(f"{operation} {status}", schema, _loaded(body), f"answer {status}")

    def _wrong_undescribed(self, status: int, body: bytes) -> list[str]:
        if status == 304:
            return ["304: it has no body"] if body else []
        if status not in UNDESCRIBED:
            return [f"{status}: not described"]
        form = {"$ref": "#/components/schemas/basic-error", "required": ["message", "documentation_url", "status"]}
        return self._wrong("error", form, _loaded(body), f"answer {status}")

    def wrong_delivery(self, event: str, action: str, payload: object) -> list[str]:
        """What is wrong with what GitHub is to have sent by itself."""
        name = f"webhook-{event}-{action}".replace("_", "-")
        return self._wrong(name, {"$ref": f"#/components/schemas/{name}"}, payload, name)

    def schema(self, name: str) -> Any:
        """One of the schemas, as it is published."""
        return self._document["components"]["schemas"][name]

    def resolved(self, node: Any) -> Any:
        """What a reference refers to."""
        return self._resolved(node)

    def _operation(self, operation: str) -> Any:
        method, path = operation.split(" ")
        return self._document["paths"][path][method.lower()]

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            node = self._document["components"][kind][name]
        return node

    def _wrong(self, key: str, schema: Any, value: object, where: str) -> list[str]:
        if key not in self._validators:
            whole = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": self._components,
                "allOf": [_json_schema(schema)],
            }
            self._validators[key] = jsonschema_rs.validator_for(whole, validate_formats=True)
        return [
            f"{where} {'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in self._validators[key].iter_errors(value)
        ]


@cache
def describe() -> Description:
    """What GitHub publishes, read once."""
    return Description(json.loads(published.description().read_text()))


def _json_schema(node: Any) -> Any:
    """OpenAPI 3.0's schemas are JSON Schema but for `nullable`."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: {name: _json_schema(schema) for name, schema in value.items()}
        if key == "properties"
        else _json_schema(value)
        for key, value in node.items()
    }
    return {"anyOf": [node, {"type": "null"}]} if node.pop("nullable", False) is True else node


def _pattern(path: str) -> re.Pattern[str]:
    members = re.split(r"\{(\w+)\}", path)
    for at, name in enumerate(members):
        one = ".+" if name in _SLASHED else "[^/]+"
        members[at] = f"(?P<{name}>{one})" if at % 2 else re.escape(name)
    return re.compile("".join(members))


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    """A member of a query as what it stands for."""
    if schema.get("type") == "integer" and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if schema.get("type") == "boolean" else value


def _loaded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return "what is not JSON"
