"""Read a study file from disk: TOML text to `Study`, with the line of every mistake."""

from __future__ import annotations

import difflib
import inspect
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from model.errors import BadInputError, Problem
from model.study.definition import Study

DEFAULT_STUDY = Path(__file__).parents[1] / "studies" / "rnet.toml"

KeyPath = tuple[str | int, ...]

# Columns of our own, and what explanations call the time itself.
RESERVED = ("patient_id", "time", "date", "event", "origin_date", "centre", "last_negative_time", "landmark")
_TABLES = ("event", "baseline", "marker", "test")

_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_KEY})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"^\s*({_KEY})\s*=")


def read_study(path: Path) -> Study:
    """Read and check a study file; raises BadInputError that lists every mistake with line and key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInputError([Problem(str(path), None, None, "no such study file")]) from None
    except (UnicodeDecodeError, OSError):
        raise BadInputError([Problem(str(path), None, None, "not a readable UTF-8 text file")]) from None
    return parse_study(text, file=str(path))


def parse_study(text: str, *, file: str) -> Study:
    """Turn TOML text into a `Study`; `file` is the name to use in error messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        rule = re.sub(r"\s*\(at [^)]*\)", "", str(error))
        raise BadInputError([Problem(file, line, None, f"not valid TOML: {rule}")]) from None
    except (RecursionError, ValueError):  # The parser's limits: hundreds of brackets, thousands of digits.
        rule = "nested too deeply, or a number of too many digits"
        raise BadInputError([Problem(file, None, None, f"not a study file: {rule}")]) from None
    faults: list[tuple[KeyPath, str]] = _clashing_names(document)
    study = None
    try:
        study = Study.model_validate(document)
    except ValidationError as error:
        faults += _faults(error)
    if faults or study is None:
        lines = key_lines(text)
        written = [(_as_written(path, document), rule) for path, rule in faults]
        problems = {Problem(file, _line(lines, path), _shown(path, document), rule) for path, rule in written}
        raise BadInputError(sorted(problems, key=lambda p: (p.line or 0, p.column or "", p.rule)))
    return study


def _clashing_names(document: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """Find names given twice and references to names that do not exist, as (path of the key, rule).

    Works on the raw document, which may be broken otherwise: these faults are listed beside those of `Study` itself.
    """
    found: list[tuple[KeyPath, str]] = []
    tables = {key: [_dict(table) for table in _list(document.get(key))] for key in _TABLES}
    events = [str(table.get("name")) for table in tables["event"]]
    columns = list(RESERVED)
    latent = {"death_time", *(f"{moment}_{event}" for event in events for moment in ("lesion", "onset"))}
    for key in _TABLES:
        taken = ["none"] if key == "event" else columns
        for index, table in enumerate(tables[key]):
            if str(table.get("name")) in latent and key != "event":
                found.append(((key, index, "name"), "a column of the truth table, which no model may read"))
            if table.get("name") in taken:
                found.append(((key, index, "name"), f'the name "{table["name"]}" is taken'))
            taken.append(str(table.get("name", "")))
    used = {("baseline", index, "prior"): table.get("prior") for index, table in enumerate(tables["baseline"])}
    used |= {("test", index, "sees"): table.get("sees") for index, table in enumerate(tables["test"])}
    named = [(path, name) for path, table in used.items() for name in _dict(table)]
    unknown = [(path, name) for path, name in named if events and name not in events]
    found += [((*path, name), f'no [[event]] is named "{name}"') for path, name in unknown]
    seen = [name for path, name in named if path[0] == "test"]
    for index, table in enumerate(tables["event"]):
        if table.get("observed") == "test" and table.get("name") not in seen and not unknown:
            found.append((("event", index, "observed"), 'observed = "test", but no [[test]] sees this event'))
    found += _clashing_baselines(tables, [_dict(table) for table in _list(document.get("strata"))])
    if tables["event"] and not any(table.get("role") == "target" for table in tables["event"]):
        found.append((("event", 0, "role"), 'at least one event needs role = "target"'))
    return found


def _clashing_baselines(
    tables: dict[str, list[dict[str, Any]]], strata: list[dict[str, Any]]
) -> list[tuple[KeyPath, str]]:
    """Find baselines that an event's pace or the strata name, but that are not there or not of the needed kind."""
    found: list[tuple[KeyPath, str]] = []
    baselines = {str(table.get("name")): table for table in tables["baseline"]}
    for index, event in enumerate(tables["event"]):
        for name in _dict(event.get("pace")):
            if name not in baselines:
                found.append((("event", index, "pace", name), f'no [[baseline]] is named "{name}"'))
            elif baselines[name].get("kind") in ("binary", "category", "ordinal"):
                found.append((("event", index, "pace", name), "the pace depends on numbers only"))
            elif "reference" not in baselines[name]:
                rule = f'"{name}" needs a reference, at which the pace is usual'
                found.append((("event", index, "pace", name), rule))
    for index, table in enumerate(strata):
        name, cuts = str(table.get("column")), _list(table.get("cuts"))
        if name not in baselines:
            found.append((("strata", index, "column"), f'no [[baseline]] is named "{name}"'))
        elif (baselines[name].get("kind") == "number") != bool(cuts):
            rule = "a number needs cuts" if not cuts else "only a number has cuts"
            found.append((("strata", index, "cuts" if cuts else "column"), rule))
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map each key path of a TOML text to its line (from 1): tomllib keeps values but forgets where they stood."""
    lines: dict[KeyPath, int] = {}
    count: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    open_quote = ""
    for number, line in enumerate(text.split("\n"), 1):
        if open_quote:
            open_quote = "" if line.count(open_quote) % 2 else open_quote
            continue
        if header := _HEADER.match(line):
            prefix = ()
            for part in _parts(header[2]):
                prefix = (*prefix, part)
                if prefix in count:
                    prefix = (*prefix, count[prefix])
            if header[1] == "[[":
                table = prefix[:-1] if isinstance(prefix[-1], int) else prefix
                count[table] = count.get(table, -1) + 1
                prefix = (*table, count[table])
                lines.setdefault(table, number)
            lines[prefix] = number
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*prefix, *_parts(assignment[1])), number)
        open_quote = next((quote for quote in ('"""', "'''") if line.count(quote) % 2), "")
    return lines


def _parts(key: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(_BARE_OR_QUOTED, key)]


def _as_written(path: KeyPath, document: dict[str, Any]) -> KeyPath:
    """Drop the list positions that the text does not have: one table may stand where several are allowed."""
    kept: KeyPath = ()
    here: Any = document
    for part in path:
        if isinstance(part, int) and isinstance(here, dict):
            continue
        kept = (*kept, part)
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
    return kept


def _line(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Line of a key, or of the closest table around it that is written out."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _shown(path: KeyPath, document: dict[str, Any]) -> str:
    """`baseline[size_mm].range`: entries of a list of tables are called by their name."""
    shown = ""
    here: Any = document
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = {}
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            shown += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def _faults(error: ValidationError) -> list[tuple[KeyPath, str]]:
    """Translate pydantic's errors into key paths and sentences."""
    found: list[tuple[KeyPath, str]] = []
    missing: set[KeyPath] = set()
    meant: set[KeyPath] = set()
    for details in error.errors():
        path: KeyPath = tuple(details["loc"])
        if details["type"] == "missing":
            missing.add(path)
        elif details["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(path[-1]), _known_keys(path[:-1]), n=1)
            meant |= {(*path[:-1], name) for name in near}
            found.append((path, "unknown key" + "".join(f'; did you mean "{name}"?' for name in near)))
        elif details["type"] != "too_short" or not details["input"]:  # Else its entries are what is wrong.
            found.append((path, _sentence(path, details)))
    return found + [(path, "this key is required") for path in sorted(missing - meant, key=str)]


def _sentence(path: KeyPath, details: Any) -> str:
    limit = details.get("ctx", {})
    sentences = {
        "bool_type": "must be true or false",
        "dict_type": "must be a table",
        "float_type": "must be a number",
        "model_type": "must be a table",
        "string_pattern_mismatch": "must start with a small letter and go on with small letters, digits or _",
        "string_too_long": f"must have at most {limit.get('max_length')} characters",
        "string_too_short": "must not be empty",
        "string_type": "must be text in quotes",
        "too_short": "must have at least one entry",
        "tuple_type": "must be a list",
    }
    if details["type"] == "tuple_type" and isinstance(details["input"], dict):
        return f"there may be several: write [[{path[-1]}]] with double brackets"
    return sentences.get(details["type"], str(details["msg"]).replace("Input should", "must"))


def _known_keys(path: KeyPath) -> list[str]:
    """Keys that the table at `path` may have, found by walking the types of `Study`."""
    here: Any = Study
    for part in path:
        field = here.model_fields.get(part) if here else None
        if field:
            here = _table_type(field.annotation)
    return list(here.model_fields) if here else []


def _table_type(annotation: Any) -> Any:
    """The table class inside `tuple[X, ...]`, `dict[str, X]` or `X | None`."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_type(argument) for argument in typing.get_args(annotation))
    return next((table for table in found if table is not None), None)
