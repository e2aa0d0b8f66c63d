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
from model.study import Study, names_that_clash

DEFAULT_STUDY = Path(__file__).parent / "studies" / "rnet.toml"

KeyPath = tuple[str | int, ...]

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
    except (UnicodeDecodeError, IsADirectoryError, PermissionError):
        raise BadInputError([Problem(str(path), None, None, "not a readable UTF-8 text file")]) from None
    return parse_study(text, file=str(path))


def parse_study(text: str, *, file: str) -> Study:
    """Turn TOML text into a `Study`; `file` is the name to use in error messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(place[1]) if place else len(text.splitlines())
        rule = re.sub(r"\s*\(at [^)]*\)", "", str(error))
        raise BadInputError([Problem(file, line, None, f"not valid TOML: {rule}")]) from None
    faults: list[tuple[KeyPath, str]] = list(names_that_clash(document))
    study = None
    try:
        study = Study.model_validate(document)
    except ValidationError as error:
        faults += [_fault(details) for details in error.errors()]
    if faults or study is None:
        lines = key_lines(text)
        written = [(_as_written(path, document), rule) for path, rule in faults]
        problems = {Problem(file, _line(lines, path), _shown(path, document), rule) for path, rule in written}
        raise BadInputError(sorted(problems, key=lambda p: (p.line or 0, p.column or "", p.rule)))
    return study


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map each key path of a TOML text to its line (from 1): tomllib keeps values but forgets where they stood."""
    lines: dict[KeyPath, int] = {}
    count: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    open_quote = ""
    for number, line in enumerate(text.splitlines(), 1):
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
    shown, here = "", document
    for part in path:
        try:
            here = here[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            here = {}
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            shown += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def _fault(details: Any) -> tuple[KeyPath, str]:
    """Translate one pydantic error into a key path and a sentence."""
    path: KeyPath = tuple(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    if kind == "rule":
        return (*path, *str(context["key"]).split(".")), str(context["rule"])
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _known_keys(path[:-1]), n=1)
        return path, "unknown key" + (f'; did you mean "{near[0]}"?' if near else "")
    if kind == "missing":
        return path, "this key is required"
    return path, str(details["msg"]).replace("Input should", "must").replace("input should", "must")


def _known_keys(path: KeyPath) -> list[str]:
    """Keys that the table at `path` may have, found by walking the types of `Study`."""
    here: Any = Study
    for part in path:
        if isinstance(part, int):
            continue
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(part)
            here = _table_type(field.annotation) if field else None
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _table_type(annotation: Any) -> Any:
    """The table class inside `tuple[X, ...]`, `dict[str, X]` or `X | None`."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_type(argument) for argument in typing.get_args(annotation))
    return next((table for table in found if table is not None), None)
