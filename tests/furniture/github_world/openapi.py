"""Check REST requests and responses against GitHub's OpenAPI description."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

ROOT = "openapi"
TO_SUBSCRIBE = re.compile(
    r'a GitHub App must have at least (read|write)-level access for the\s+"([\w ]+)"'
)
COMBINED = ("allOf", "anyOf", "oneOf")
MENDED = {("GET", "/app/installations"): "installation"}
"""Lists that the description tells wrongly: there an account is a user and an enterprise at once,
which the same thing asked for alone is not."""


class Invented(Exception):
    """Something that GitHub's description does not have."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, as asked for."""

    method: str
    template: str
    """As ``/repos/{owner}/{repo}``."""
    arguments: Mapping[str, str]
    """Parameters in the path."""
    query: Mapping[str, Any]
    """Parameters of the query string, of their type, defaults filled in."""
    body: Any = None
    """The JSON that came; None when there was none."""
    accept: str = ""
    """The media type that is asked for."""
    for_apps: bool = True
    """Whether an App may ask for it at all."""


class OpenApi:
    """The description, in the form of JSON schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        _mend(document)
        self._document = document
        self._validators: dict[Any, tuple[Any, Draft202012Validator]] = {}
        self._examples: dict[tuple[str, str], str] = {}
        self._paths = [(re.compile(self._pattern(path)), path) for path in document["paths"]]
        self._paths.sort(key=lambda one: (one[1].count("{"), -len(one[1])))
        # Only schemas are transformed: a property may well be called `nullable`.
        self._document["components"]["schemas"] = _nullable(document["components"]["schemas"])
        self._registry: Registry[Any] = Registry().with_resource(
            ROOT, DRAFT202012.create_resource(self._document)
        )

    def operation(
        self, method: str, path: str, query: Mapping[str, str], body: Any, *, accept: str = ""
    ) -> Operation:
        """Return which operation a request is; its path is quoted as it came.

        Raises Invented when it is none.
        """
        for pattern, template in self._paths:
            match = pattern.fullmatch(path)
            if match and method.lower() in self._document["paths"][template]:
                asked = self._query(method, template, query)
                self._check_body(method, template, body)
                arguments = {name: unquote(value) for name, value in match.groupdict().items()}
                for_apps = self._of(method, template)["x-github"]["enabledForGitHubApps"]
                return Operation(method, template, arguments, asked, body, accept, for_apps)
        raise Invented(f"{method} {path} is not in GitHub's description")

    @cached_property
    def events(self) -> dict[str, str]:
        """What an App has to be granted, as ``permission:level``, to be told of each event."""
        made = {}
        for described in self._document["x-webhooks"].values():
            name = described["post"]["operationId"].partition("/")[0].replace("-", "_")
            found = TO_SUBSCRIBE.search(described["post"]["summary"])
            if found:
                made[name] = f"{found[2].lower().replace(' ', '_')}:{found[1]}"
        return made

    def check_response(self, operation: Operation, status: int, body: Any) -> None:
        """Raises Invented when GitHub would not answer so."""
        where = f"{operation.method} {operation.template} -> {status}"
        described = self._of(operation.method, operation.template)["responses"].get(str(status))
        if described is None:
            raise Invented(f"{where} is not in GitHub's description")
        content = self._resolved(described).get("content")
        if not content:
            if body is not None:
                raise Invented(f"{where} has no body in GitHub's description")
            return
        item = MENDED.get((operation.method, operation.template))
        listed = {"type": "array", "items": {"$ref": f"#/components/schemas/{item}"}}
        self._check(listed if item else content["application/json"]["schema"], body, where)

    def check_as(self, schema: str, body: Any, where: str) -> None:
        """Check a body against a schema by name."""
        self._check({"$ref": f"#/components/schemas/{schema}"}, body, where)

    def example(self, name: str, schema: str) -> Any:
        """Return a copy of one of GitHub's examples, without what the schema does not have: some
        examples are older than their schemas."""
        if (name, schema) not in self._examples:
            self._examples[name, schema] = json.dumps(self._pruned(name, schema))
        return json.loads(self._examples[name, schema])

    def _pruned(self, name: str, schema: str) -> Any:
        value = copy.deepcopy(self._document["components"]["examples"][name]["value"])
        reference = {"$ref": f"#/components/schemas/{schema}"}
        while extra := next(self._invented(value, reference, ""), None):
            *way, last = extra[1:].split("/")
            inner = value
            for step in way:
                inner = inner[step]
            del inner[last]
        return value

    def _pattern(self, path: str) -> str:
        """Return what a path looks like; some parameters may hold slashes."""
        described = [
            self._resolved(one)
            for operation in self._document["paths"][path].values()
            for one in operation.get("parameters", ())
        ]
        long = {one["name"] for one in described if one.get("x-multi-segment")}
        return "".join(
            f"(?P<{part[1:-1]}>{'.+' if part[1:-1] in long else '[^/]+'})"
            if part.startswith("{")
            else re.escape(part)
            for part in re.split(r"(\{\w+\})", path)
        )

    def _of(self, method: str, template: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document["paths"][template][method.lower()]
        return found

    def _query(self, method: str, template: str, query: Mapping[str, str]) -> dict[str, Any]:
        described = [self._resolved(p) for p in self._of(method, template).get("parameters", [])]
        known = {p["name"]: p["schema"] for p in described if p["in"] == "query"}
        asked = {name: s["default"] for name, s in known.items() if "default" in s}
        for name, text in query.items():
            if name not in known:
                raise Invented(f"{method} {template} has no parameter {name!r}")
            integer = known[name].get("type") == "integer"
            asked[name] = int(text) if integer and text.lstrip("-").isdigit() else text
            self._check(known[name], asked[name], f"{method} {template} ?{name}")
        return asked

    def _check_body(self, method: str, template: str, body: Any) -> None:
        described = self._of(method, template).get("requestBody")
        if body is None:
            return
        if described is None:
            raise Invented(f"{method} {template} takes no body")
        schema = self._resolved(described)["content"]["application/json"]["schema"]
        self._check(schema, body, f"{method} {template} request")

    def _check(self, schema: Mapping[str, Any], value: Any, where: str) -> None:
        schema, validator = self._validator(schema)
        for error in validator.iter_errors(value):
            at = "/".join(map(str, error.absolute_path))
            raise Invented(f"{where}: {at}: {error.message[:300]}")
        for name in self._invented(value, schema, ""):
            raise Invented(f"{where}: GitHub's description has no {name}")

    def _validator(self, schema: Mapping[str, Any]) -> tuple[Any, Draft202012Validator]:
        """Return a schema of the description in the words of JSON schema, and what checks it."""
        key = schema.get("$ref") or id(schema)
        if key not in self._validators:
            made = _nullable(schema)
            rooted = {"$id": f"{ROOT}/checked", "$ref": made["$ref"]} if "$ref" in made else made
            checks = Draft202012Validator(_rooted(rooted), registry=self._registry)
            self._validators[key] = made, checks
        return self._validators[key]

    def _invented(self, value: Any, schema: Any, at: str) -> Iterator[str]:
        """Give the properties that a schema does not name (it may not forbid them)."""
        if isinstance(value, list):
            for schema_of_item in self._every(schema, "items"):
                for item in value:
                    yield from self._invented(item, schema_of_item, at)
        if not isinstance(value, dict):
            return
        named: dict[str, list[Any]] = {}
        for properties in self._every(schema, "properties"):
            for name, one in properties.items():
                named.setdefault(name, []).append(one)
        free = not named or any(self._every(schema, "additionalProperties"))
        for name, inner in value.items():
            if name in named:
                yield from self._invented(inner, {"anyOf": named[name]}, f"{at}/{name}")
            elif not free:
                yield f"{at}/{name}"

    def _every(self, schema: Any, word: str) -> Iterator[Any]:
        schema = self._resolved(schema)
        if word in schema:
            yield schema[word]
        for combined in COMBINED:
            for one in schema.get(combined, ()):
                yield from self._every(one, word)

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].rpartition("#/")[2].split("/"):
                found = found[part]
            node = found
        return node


def _mend(document: dict[str, Any]) -> None:
    """Have one list be of what it is a list of: it has a copy in which an account is both a user
    and an enterprise, and which lacks what was added since."""
    listed = document["paths"]["/app/installations"]["get"]["responses"]["200"]
    schema = listed["content"]["application/json"]["schema"]
    schema["items"] = {"$ref": "#/components/schemas/installation"}


def _nullable(node: Any) -> Any:
    """Return schemas with OpenAPI 3.0's ``nullable`` in the words of JSON schema."""
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(one) for name, one in node.items() if name not in ("example",)}
    if node.get("nullable") is not True:
        return made
    del made["nullable"]
    return {"anyOf": [made, {"type": "null"}]}


def _rooted(node: Any) -> Any:
    """Return a schema whose references lead into the description."""
    if isinstance(node, list):
        return [_rooted(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: ROOT + one if name == "$ref" and str(one).startswith("#") else _rooted(one)
        for name, one in node.items()
        if name != "$id"
    }
