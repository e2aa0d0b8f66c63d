"""Read a TOML file into frozen entries: every mistake at once, each with its line and key."""

from __future__ import annotations

import difflib
import inspect
import re
import tomllib
import typing
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KeyPath = tuple[str | int, ...]
Fault = tuple[KeyPath, str]
Document = TypeVar("Document", bound=BaseModel)

_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_KEY})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"^\s*({_KEY})\s*=")


def read_text(path: Path, *, what: str) -> str:
    """Read a file that should be a `what`; raises BadInputError if it is not there or no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInputError([Problem(str(path), None, None, f"no such {what}")]) from None
    except (UnicodeDecodeError, OSError):
        raise BadInputError([Problem(str(path), None, None, "not a readable UTF-8 text file")]) from None


def parse_document(
    text: str,
    kind: type[Document],
    *,
    file: str,
    what: str,
    more_faults: Callable[[dict[str, Any]], list[Fault]] | None = None,
) -> Document:
    """Turn TOML text into a `kind`; raises BadInputError that lists every mistake with line and key.

    Parameters
    ----------
    file, what : the name and the sort of file, for error messages
    more_faults : faults of the raw document, which may be broken otherwise, beside those of `kind` itself
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        rule = re.sub(r"\s*\(at [^)]*\)", "", str(error))
        raise BadInputError([Problem(file, line, None, f"not valid TOML: {rule}")]) from None
    except (RecursionError, ValueError):  # The parser's limits: hundreds of brackets, thousands of digits.
        rule = "nested too deeply, or a number of too many digits"
        raise BadInputError([Problem(file, None, None, f"not a {what}: {rule}")]) from None
    faults = more_faults(document) if more_faults else []
    found = None
    try:
        found = kind.model_validate(document)
    except ValidationError as error:
        faults += _faults(error, kind)
    if faults or found is None:
        lines = key_lines(text)
        written = [(_as_written(path, document), rule) for path, rule in faults]
        problems = {Problem(file, _line(lines, path), _shown(path, document), rule) for path, rule in written}
        raise BadInputError(sorted(problems, key=lambda p: (p.line or 0, p.column or "", p.rule)))
    return found


def as_list(value: object) -> list[Any]:
    """Take a value of a raw document that should be a list, or nothing."""
    return value if isinstance(value, list) else []


def as_dict(value: object) -> dict[str, Any]:
    """Take a value of a raw document that should be a table, or nothing."""
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
    """`baseline[size_mm].range`: entries of a list of tables are called by their name or id."""
    shown = ""
    here: Any = document
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = {}
        if isinstance(part, int):
            name = here.get("name", here.get("id")) if isinstance(here, dict) else None
            shown += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def _faults(error: ValidationError, kind: type[BaseModel]) -> list[Fault]:
    """Translate pydantic's errors into key paths and sentences."""
    found: list[Fault] = []
    missing: set[KeyPath] = set()
    meant: set[KeyPath] = set()
    for details in error.errors():
        path: KeyPath = tuple(details["loc"])
        if details["type"] == "missing":
            missing.add(path)
        elif details["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(path[-1]), _known_keys(kind, path[:-1]), n=1)
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


def _known_keys(kind: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys that the table at `path` may have, found by walking the types of `kind`."""
    here: Any = kind
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
