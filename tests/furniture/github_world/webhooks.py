"""GitHub's published schemas and examples of webhooks: nothing else may be sent."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

ROOT = "webhooks"


class Webhooks:
    """The schemas, by event and action, and real payloads."""

    def __init__(self, schema: dict[str, Any], examples: Sequence[Mapping[str, Any]]) -> None:
        self._definitions = schema["definitions"]
        self._examples = examples
        self._objects: dict[tuple[str, str, str], Any] = {}
        self._validators: dict[str, Draft7Validator] = {}
        self._schema = schema

    def wrong(self, event: str, action: str | None, payload: Any) -> str:
        """Return what GitHub would not send so; empty when it is right."""
        name = f"{event}${action or 'event'}"
        if name not in self._definitions:
            return f"there is no webhook {event} {action or ''}".rstrip()
        for error in self._validator(name).iter_errors(payload):
            at = "/".join(map(str, error.absolute_path))
            return f"webhook {event} {action or ''}: {at}: {error.message[:300]}"
        return ""

    def example(self, event: str, key: str, definition: str) -> Any:
        """Return a copy of an object out of the examples, one that its schema allows."""
        if (event, key, definition) not in self._objects:
            check = self._validator(definition)
            found = (one[key] for name, one in self.examples() if name == event and key in one)
            self._objects[event, key, definition] = next(
                one for one in found if check.is_valid(one)
            )
        return copy.deepcopy(self._objects[event, key, definition])

    def examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give each example payload with its event."""
        for one in self._examples:
            for payload in one["examples"]:
                yield one["name"], payload

    def _validator(self, name: str) -> Draft7Validator:
        if name not in self._validators:
            reference = {"$ref": f"{ROOT}#/definitions/{name}"}
            self._validators[name] = Draft7Validator(reference, registry=self._registry)
        return self._validators[name]

    @cached_property
    def _registry(self) -> Registry[Any]:
        registry: Registry[Any] = Registry().with_resource(
            ROOT, DRAFT7.create_resource(self._schema)
        )
        return registry
