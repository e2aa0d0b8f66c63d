"""Read guidelines and tiers from TOML, checked against the study whose patients they speak of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.guidelines.entries import GuidelineFile, TierFile
from model.study.document import as_dict, as_list, parse_document, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.study.definition import Study
    from model.study.document import Fault, KeyPath
    from model.study.entries import Baseline

STUDIES = Path(__file__).parents[1] / "studies"
DEFAULT_GUIDELINES = STUDIES / "rnet_guidelines.toml"
DEFAULT_TIERS = STUDIES / "rnet_tiers.toml"
BOUNDS = ("above", "at_least", "below", "at_most")


def read_guidelines(path: Path, study: Study) -> GuidelineFile:
    """Read a guidelines file; raises BadInputError that lists every mistake with line and key."""
    return parse_guidelines(read_text(path, what="guidelines file"), study, file=str(path))


def parse_guidelines(text: str, study: Study, *, file: str) -> GuidelineFile:
    """Turn TOML text into guidelines for the patients of a study."""

    def faults(document: dict[str, Any]) -> list[Fault]:
        entries = [*_entries(document, "guideline", "row"), *_entries(document, "treatment", "rule")]
        found = [fault for path, entry in entries for fault in _condition_faults(path, entry, study)]
        tests = [test.name for test in study.test]
        for path, entry in entries:
            for index, visits in enumerate(as_list(entry.get("visits"))):
                named = [str(test) for test in as_list(as_dict(visits).get("tests"))]
                found += _unknown((*path, "visits", index, "tests"), named, tests, "[[test]]")
        for name, value in as_dict(document.get("when_missing")).items():
            found += _value_faults(("when_missing", name), name, value, study)
        rows = [(path, entry.get("id")) for path, entry in entries if "row" in path]
        return [*found, *_twice("guideline", document), *_twice("treatment", document), *_repeated(rows)]

    return parse_document(text, GuidelineFile, file=file, what="guidelines file", more_faults=faults)


def read_tiers(path: Path, study: Study) -> TierFile:
    """Read a tiers file; raises BadInputError that lists every mistake with line and key."""
    return parse_tiers(read_text(path, what="tiers file"), study, file=str(path))


def parse_tiers(text: str, study: Study, *, file: str) -> TierFile:
    """Turn TOML text into what each tier can do for the patients of a study."""

    def faults(document: dict[str, Any]) -> list[Fault]:
        found: list[Fault] = []
        for index, entry in enumerate(map(as_dict, as_list(document.get("referral")))):
            found += _condition_faults(("referral", index), entry, study)
        column = _baseline(study, str(document.get("technique_column")))
        if column is None:
            found.append((("technique_column",), "no [[baseline]] of the study has this name"))
        for index, tier in enumerate(map(as_dict, as_list(document.get("tier")))):
            named = [str(technique) for technique in as_list(tier.get("techniques"))]
            found += _unknown(("tier", index, "techniques"), named, column.levels if column else named, "level")
        return [*found, *_twice("referral", document), *_twice("tier", document, key="tier")]

    return parse_document(text, TierFile, file=file, what="tiers file", more_faults=faults)


def _entries(document: dict[str, Any], outer: str, inner: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for index, body in enumerate(map(as_dict, as_list(document.get(outer)))):
        for place, entry in enumerate(map(as_dict, as_list(body.get(inner)))):
            yield (outer, index, inner, place), entry


def _condition_faults(path: KeyPath, entry: dict[str, Any], study: Study) -> Iterator[Fault]:
    """Conditions on facts that the study does not have, or of another kind."""
    for index, case in enumerate(map(as_dict, as_list(entry.get("any_of")))):
        for name, condition in case.items():
            yield from _value_faults((*path, "any_of", index, name), name, condition, study)


def _value_faults(path: KeyPath, name: str, value: object, study: Study) -> Iterator[Fault]:
    """A value or a condition must fit the kind of the baseline: bounds, levels, or true and false."""
    baseline = _baseline(study, name)
    if baseline is None:
        yield path, f'no [[baseline]] of the study is named "{name}"'
    elif baseline.kind == "number":
        if not _is_number(value) and not (isinstance(value, dict) and value and set(value) <= set(BOUNDS)):
            yield path, f"a number is bounded by {', '.join(BOUNDS)}"
    elif baseline.kind == "binary":
        if not isinstance(value, bool):
            yield path, "a binary fact is true or false"
    else:
        named = [str(level) for level in (value if isinstance(value, list) else [value])]
        yield from _unknown(path, named, baseline.levels, "level")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unknown(path: KeyPath, named: list[str], known: tuple[str, ...] | list[str], what: str) -> list[Fault]:
    return [(path, f'the study has no {what} "{name}"') for name in named if name not in known]


def _twice(table: str, document: dict[str, Any], *, key: str = "id") -> list[Fault]:
    entries = enumerate(map(as_dict, as_list(document.get(table))))
    return _repeated([((table, index), entry.get(key)) for index, entry in entries], key=key)


def _repeated(named: list[tuple[KeyPath, Any]], *, key: str = "id") -> list[Fault]:
    names = [name for _, name in named]
    return [((*p, key), f'"{name}" is taken') for i, (p, name) in enumerate(named) if name and name in names[:i]]


def _baseline(study: Study, name: str) -> Baseline | None:
    return next((baseline for baseline in study.baseline if baseline.name == name), None)
