"""As much of JSON Schema as the OpenAPI document uses: draw a value, and say what is wrong with one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

Schema = dict[str, Any]
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
FORMATS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "uuid": UUID,
}
COUNTS = (("Items", list), ("Length", str), ("Properties", dict))
KNOWN = {
    *("type", "properties", "required", "additionalProperties", "items", "prefixItems", "anyOf", "enum", "const"),
    *(
        "format",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "$ref",
        "title",
        "description",
        "default",
        "examples",
    ),
    *(f"{end}{what}" for end in ("min", "max") for what, _ in COUNTS),
}


@dataclass(frozen=True)
class Schemas:
    """The schemas of one document, by name."""

    named: dict[str, Schema]

    def plain(self, schema: Schema) -> Schema:
        """Follow references; raises ValueError for a keyword that is not understood here."""
        while "$ref" in schema:
            schema = self.named[schema["$ref"].rpartition("/")[2]]
        if unknown := set(schema) - KNOWN:
            raise ValueError(f"JSON Schema: {sorted(unknown)} are not known here")
        return schema

    def faults(self, schema: Schema, value: Any, at: str = "") -> Iterator[str]:
        """Yield where a value breaks its schema: places and rules, no values."""
        schema = self.plain(schema)
        if "anyOf" in schema and all(any(self.faults(each, value)) for each in schema["anyOf"]):
            yield f"{at}: none of anyOf"
        if "type" in schema and not TYPES[schema["type"]](value):
            yield f"{at}: not {schema['type']}"
            return
        if value not in schema.get("enum", [value]) or value != schema.get("const", value):
            yield f"{at}: not one of those allowed"
        yield from _size_faults(schema, value, at)
        if isinstance(value, str):
            yield from _text_faults(schema, value, at)
        if isinstance(value, dict):
            yield from self._object_faults(schema, value, at)
        if isinstance(value, list):
            first = schema.get("prefixItems", [])
            for place, item in enumerate(value):
                each = first[place] if place < len(first) else schema.get("items", {})
                yield from self.faults(each, item, f"{at}[{place}]")

    def _object_faults(self, schema: Schema, value: dict[str, Any], at: str) -> Iterator[str]:
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        yield from (f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value)
        for name, item in value.items():
            if name not in known and others is False:
                yield f"{at}: holds a property that is not known"
            elif name in known or isinstance(others, dict):
                yield from self.faults(known.get(name, others), item, f"{at}.{name}")

    def draw(self, schema: Schema, rng: Random) -> Any:
        """Draw a value that a schema allows, patterns and lengths left aside."""
        schema = self.plain(schema)
        if "anyOf" in schema:
            return self.draw(rng.choice(schema["anyOf"]), rng)
        if "enum" in schema or "const" in schema:
            return rng.choice(schema.get("enum") or [schema["const"]])
        kind = schema.get("type")
        if kind == "object":
            required = schema.get("required", [])
            return {
                name: self.draw(each, rng)
                for name, each in schema.get("properties", {}).items()
                if name in required or rng.random() < 0.5
            }
        if kind == "array":
            return [self.draw(schema.get("items", {}), rng) for _ in range(rng.randrange(4))]
        return _plain_value(kind, schema, rng)


def _plain_value(kind: str | None, schema: Schema, rng: Random) -> Any:
    low = schema.get("minimum", 0)
    values: dict[str | None, Callable[[], Any]] = {
        "integer": lambda: rng.randint(int(low), int(schema.get("maximum", low + 100))),
        "number": lambda: rng.uniform(low, schema.get("maximum", low + 100)),
        "boolean": lambda: rng.random() < 0.5,
        "null": lambda: None,
        "string": lambda: _text(schema.get("format"), rng),
    }
    return values.get(kind, lambda: rng.choice([None, 1, "x", True]))()


def _text(kind: str | None, rng: Random) -> str:
    day = date(2015, 1, 1) + timedelta(days=rng.randrange(4000))
    if kind == "date":
        return day.isoformat()
    if kind == "date-time":
        return f"{day}T{rng.randrange(24):02}:00:00Z"
    if kind == "uuid":
        return str(UUID(int=rng.getrandbits(128)))
    return "".join(rng.choice("abcXYZ019 -_.é中") for _ in range(rng.randrange(1, 12)))


def _size_faults(schema: Schema, value: Any, at: str) -> Iterator[str]:
    if TYPES["number"](value):
        closed = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        if not closed or not schema.get("exclusiveMinimum", -inf) < value < schema.get("exclusiveMaximum", inf):
            yield f"{at}: out of range"
    for what, kind in COUNTS:
        if isinstance(value, kind):
            n = len(value)
            if not schema.get(f"min{what}", n) <= n <= schema.get(f"max{what}", n):
                yield f"{at}: too many or too few"


def _text_faults(schema: Schema, value: str, at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: does not match the pattern"
    if "format" in schema:
        try:
            FORMATS[schema["format"]](value)
        except ValueError:
            yield f"{at}: not a {schema['format']}"
