"""A process of its own that says what answers compiled: `python -m tests.service.models.compiler FOLDER`."""

import json
import sys
from datetime import date
from pathlib import Path

from model.schedule.policy import POLICIES
from service.api import answers, scheduling
from service.models.registry import Registry
from service.record import Patient, Visit


def compiled() -> dict[str, int]:
    """How many versions of each compiled function there are, by its place."""
    ours = [vars(module) for name, module in sys.modules.items() if name.startswith("model.")]
    functions = {value for names in ours for value in names.values() if hasattr(value, "py_func")}
    return {f"{each.__module__}.{each.__name__}": len(each.signatures) for each in functions if each.signatures}


def main() -> None:
    """Try a model out, then answer as for a patient without visits and one with a visit."""
    registry = Registry(Path(sys.argv[1]), POLICIES)
    ready = registry.try_out(registry.load(registry.newest()))
    tried, day = compiled(), date(2024, 7, 15)
    new = Patient(date(2024, 1, 15), {})
    for patient in (new, new.with_visit(Visit(day, {}, {"ct": "negative"}))):
        answers.risk(ready.model, patient, day)
        scheduling.quick(ready.model, ready.planning, patient, day)
        scheduling.full(ready.model, ready.planning, patient, day, tier=None, policy=None)
    sys.stdout.write(json.dumps({"tried": tried, "answered": compiled()}))


if __name__ == "__main__":
    main()
