"""The checker of answers finds what it is there to find, and what it draws passes it."""

import random

import pytest

from examples.service_load.schema import Schemas

SCHEMAS = Schemas(
    {
        "Point": {
            "type": "object",
            "properties": {
                "x": {"type": "number", "minimum": 0, "maximum": 1},
                "on": {"type": "string", "format": "date"},
            },
            "required": ["x"],
            "additionalProperties": False,
        },
        "Line": {
            "type": "object",
            "properties": {
                "points": {"type": "array", "items": {"$ref": "#/components/schemas/Point"}, "maxItems": 2},
                "kind": {"anyOf": [{"enum": ["solid", "dashed"], "type": "string"}, {"type": "null"}]},
                "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
                "share": {"type": "number", "exclusiveMinimum": 0},
            },
            "required": ["points", "kind"],
        },
    }
)
LINE = {"$ref": "#/components/schemas/Line"}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"points": [], "kind": None}, None),
        ({"points": [{"x": 0, "on": "2024-02-29"}, {"x": 1}], "kind": "solid", "extra": {"a": 1}, "share": 0.1}, None),
        ([], ": not object"),
        ({"points": []}, ".kind: missing"),
        ({"points": [], "kind": "dotted"}, ".kind: none of anyOf"),
        ({"points": [{"x": True}], "kind": None}, ".points[0].x: not number"),
        ({"points": [{"x": 1.5}], "kind": None}, ".points[0].x: out of range"),
        ({"points": [{"x": 1}, {"x": 1}, {"x": 1}], "kind": None}, ".points: too many or too few"),
        ({"points": [{"x": 1, "y": 1}], "kind": None}, ".points[0]: holds a property that is not known"),
        ({"points": [{"x": 1, "on": "2023-02-29"}], "kind": None}, ".points[0].on: not a date"),
        ({"points": [], "kind": None, "extra": {"a": 1.5}}, ".extra.a: not integer"),
        ({"points": [], "kind": None, "share": 0}, ".share: out of range"),
    ],
)
def test_a_value_is_checked(value, fault):
    assert list(SCHEMAS.faults(LINE, value)) == ([] if fault is None else [fault])


def test_what_is_drawn_is_right_but_for_sizes():
    rng = random.Random(1)
    found = {fault for _ in range(300) for fault in SCHEMAS.faults(LINE, SCHEMAS.draw(LINE, rng))}
    assert found <= {".points: too many or too few"}


def test_a_keyword_that_is_not_understood_is_not_passed_over():
    with pytest.raises(ValueError, match="multipleOf"):
        list(SCHEMAS.faults({"type": "integer", "multipleOf": 2}, 3))
