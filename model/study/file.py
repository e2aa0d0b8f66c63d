"""Read a study file from disk: TOML text to `Study`, with the line of every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.study.definition import Study
from model.study.document import KeyPath, as_dict, as_list, parse_document, read_text

DEFAULT_STUDY = Path(__file__).parents[1] / "studies" / "rnet.toml"

# Columns of our own, and what explanations call the time itself.
RESERVED = ("patient_id", "time", "date", "event", "origin_date", "centre", "last_negative_time", "landmark")
_TABLES = ("event", "baseline", "marker", "test")


def read_study(path: Path) -> Study:
    """Read and check a study file; raises BadInputError that lists every mistake with line and key."""
    return parse_study(read_text(path, what="study file"), file=str(path))


def parse_study(text: str, *, file: str) -> Study:
    """Turn TOML text into a `Study`; `file` is the name to use in error messages."""
    return parse_document(text, Study, file=file, what="study file", more_faults=_clashing_names)


def _clashing_names(document: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """Find names given twice and references to names that do not exist, as (path of the key, rule).

    Works on the raw document, which may be broken otherwise: these faults are listed beside those of `Study` itself.
    """
    found: list[tuple[KeyPath, str]] = []
    tables = {key: [as_dict(table) for table in as_list(document.get(key))] for key in _TABLES}
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
    named = [(path, name) for path, table in used.items() for name in as_dict(table)]
    unknown = [(path, name) for path, name in named if events and name not in events]
    found += [((*path, name), f'no [[event]] is named "{name}"') for path, name in unknown]
    seen = [name for path, name in named if path[0] == "test"]
    for index, table in enumerate(tables["event"]):
        if table.get("observed") == "test" and table.get("name") not in seen and not unknown:
            found.append((("event", index, "observed"), 'observed = "test", but no [[test]] sees this event'))
    found += _half_an_order(tables["event"])
    found += _clashing_baselines(tables, [as_dict(table) for table in as_list(document.get("strata"))])
    found += _impossible_conflicts(tables, [as_dict(table) for table in as_list(document.get("conflict"))])
    if tables["event"] and not any(table.get("role") == "target" for table in tables["event"]):
        found.append((("event", 0, "role"), 'at least one event needs role = "target"'))
    return found


def _half_an_order(events: list[dict[str, Any]]) -> list[tuple[KeyPath, str]]:
    """Find events found by tests that have no severity where others have one: of the two nobody could say the worse."""
    ordered = [(index, "severity" in table) for index, table in enumerate(events) if table.get("observed") == "test"]
    rule = "severity must be given for every event found by tests, or for none"
    some = any(given for _, given in ordered)
    return [(("event", index, "severity"), rule) for index, given in ordered if some and not given]


def _clashing_baselines(
    tables: dict[str, list[dict[str, Any]]], strata: list[dict[str, Any]]
) -> list[tuple[KeyPath, str]]:
    """Find baselines that an event's pace or the strata name, but that are not there or not of the needed kind."""
    found: list[tuple[KeyPath, str]] = []
    baselines = {str(table.get("name")): table for table in tables["baseline"]}
    for index, event in enumerate(tables["event"]):
        for name in as_dict(event.get("pace")):
            if name not in baselines:
                found.append((("event", index, "pace", name), f'no [[baseline]] is named "{name}"'))
            elif baselines[name].get("kind") in ("binary", "category", "ordinal"):
                found.append((("event", index, "pace", name), "the pace depends on numbers only"))
            elif "reference" not in baselines[name]:
                rule = f'"{name}" needs a reference, at which the pace is usual'
                found.append((("event", index, "pace", name), rule))
    for index, table in enumerate(strata):
        name, cuts = str(table.get("column")), as_list(table.get("cuts"))
        if name not in baselines:
            found.append((("strata", index, "column"), f'no [[baseline]] is named "{name}"'))
        elif (baselines[name].get("kind") == "number") != bool(cuts):
            rule = "a number needs cuts" if not cuts else "only a number has cuts"
            found.append((("strata", index, "cuts" if cuts else "column"), rule))
    return found


def _impossible_conflicts(
    tables: dict[str, list[dict[str, Any]]], conflicts: list[dict[str, Any]]
) -> list[tuple[KeyPath, str]]:
    """Find baselines and levels that a conflict names, but that are not there or not of the needed kind."""
    found: list[tuple[KeyPath, str]] = []
    baselines = {str(table.get("name")): table for table in tables["baseline"]}
    kinds = {"column": ("category", "ordinal"), "number": ("number",), "raised_by": ()}
    for index, table in enumerate(conflicts):
        for key in kinds.keys() & table.keys():
            name = str(table[key])
            if name not in baselines:
                found.append((("conflict", index, key), f'no [[baseline]] is named "{name}"'))
            elif kinds[key] and baselines[name].get("kind") not in kinds[key]:
                found.append((("conflict", index, key), f"must be a baseline of kind {' or '.join(kinds[key])}"))
        levels = as_list(baselines.get(str(table.get("column")), {}).get("levels"))
        strange = [level for level in as_dict(table.get("ranges")) if levels and level not in levels]
        found += [(("conflict", index, "ranges", level), f'no level of "{table["column"]}"') for level in strange]
    return found
