"""Try a model's schedules on fresh synthetic patients, against guidelines and other policies, in a closed loop.

Every policy follows the very same patients, with the same luck of every test in every month. A policy sees what a
clinic would: baselines as recorded, results and marker values of its own visits. Everybody keeps every visit. The
patients are synthetic: this compares policies under the assumptions of docs/synthetic-data.md, and is no clinical
evidence. Earlier detection per test is what can be claimed from it, never survival.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from model.command_line import at_least, result, run, say
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.guidelines.tiers import ORDER
from model.saved import artifact
from model.saved.atomic_folder import new_folder
from model.schedule.policy import Policy, read_policy
from model.simulate.fresh import draw_fresh
from model.simulate.line_up import engine_entries, guideline_entries, rhythm_entries, rival_entries, static_entries
from model.simulate.picture import burden_against_delay
from model.simulate.run import report, run_policies
from synthetic_data.strata import STRATA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.simulate.summary import Outcome

HORIZON_MONTH = 120
RHYTHM_TESTS = ("sigmoidoscopy", "ct")
DESIGN_SEED = 1_000_000
PRICES = (0.3, 100.0)
NATURES = ("default", "half-hazard", "double-hazard", "poor-tests", "strong-markers", "null")
CAUTION = (
    "Synthetic patients: a comparison of policies under stated assumptions, no clinical evidence. Guideline rows "
    "marked other than V were not read in the original (docs/guidelines.md)."
)
EXAMPLES = """examples:
  python -m model.simulate --artifact artifacts/VERSION --patients 2000 --seed 1 --out simulation
  python -m model.simulate --artifact artifacts/VERSION --patients 20000 --seed 1 --nature double-hazard --out doubled
  python -m model.simulate --artifact artifacts/VERSION --patients 20000 --seed 1 --engine no --out guidelines-only
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and simulate."""
    parser = argparse.ArgumentParser(
        prog="python -m model.simulate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="a model's folder")
    parser.add_argument("--patients", type=at_least(2), required=True, metavar="N", help="how many fresh patients")
    parser.add_argument("--seed", type=at_least(0), required=True, metavar="S", help="of the patients and their luck")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for tables and figure")
    parser.add_argument(
        "--stratum", choices=STRATA, default="middle", help="who: 1-2 cm after endoscopy (middle, default), ..."
    )
    parser.add_argument(
        "--nature", choices=NATURES, default="default", help="what is true of them, unknown to the engine"
    )
    parser.add_argument("--prices", type=at_least(2), default=10, metavar="N", help="points per curve (default 10)")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="limits of the engine's plans (default: none)")
    parser.add_argument("--tier", choices=ORDER, help="plan with this tier's tests only")
    parser.add_argument("--guidelines", type=Path, default=DEFAULT_GUIDELINES, metavar="FILE")
    parser.add_argument(
        "--design", type=at_least(100), default=20_000, metavar="N", help="patients on whom the rivals are designed"
    )
    parser.add_argument("--engine", choices=("yes", "no"), default="yes", help="no: the other policies only")
    options = parser.parse_args(arguments)
    return run(lambda: simulate(options))


def simulate(options: argparse.Namespace) -> None:
    """Draw, follow, compare, write; nothing is written unless everything succeeded."""
    predictor = artifact.load(options.artifact).predictor
    study = predictor.study
    policy = read_policy(options.policy) if options.policy else Policy(rule="price", price=1.0)
    policy = policy.model_copy(update={"until_months": float(HORIZON_MONTH)})
    guidelines = read_guidelines(options.guidelines, study)
    who = {"stratum": options.stratum, "horizon_month": HORIZON_MONTH}
    prices = np.geomspace(*PRICES, options.prices)
    with new_folder(options.out) as folder:
        say(f"design: best plain calendars on {options.design} other patients")
        design = {"patients": options.design, "seed": options.seed + DESIGN_SEED, **who}
        believed = list(draw_fresh(study, nature="default", **design))
        actual = list(draw_fresh(study, nature=options.nature, **design))
        entries, silent = guideline_entries(guidelines, study, believed[0].baseline)
        line_up = [
            *entries,
            *rhythm_entries(study, RHYTHM_TESTS, HORIZON_MONTH),
            *static_entries(believed, actual, predictor, prices, horizon_month=HORIZON_MONTH),
        ]
        if options.engine == "yes":
            line_up += rival_entries(predictor, HORIZON_MONTH)
            line_up += engine_entries(predictor, prices, policy, tier=options.tier)
        say(f"{options.patients} fresh patients ({options.stratum}, {options.nature}), {HORIZON_MONTH} months")
        fresh = draw_fresh(study, nature=options.nature, patients=options.patients, seed=options.seed, **who)
        outcomes, patients = run_policies(fresh, line_up, study, tell=_now_and_then(10.0))
        document = {
            "synthetic": True,
            "caution": CAUTION,
            "model": options.artifact.name,
            "patients": options.patients,
            "seed": options.seed,
            **who,
            "nature": options.nature,
            "policy": policy.model_dump(),
            "tier": options.tier,
            "guidelines_silent": silent,
            "recurring": int(patients.recurs.sum()),
            **report(outcomes, patients, study, seed=options.seed),
        }
        _write(folder, document, outcomes)
    for line in _told(document):
        result(line)
    result(CAUTION)
    result(str(options.out))


def _now_and_then(seconds: float) -> Callable[[str], None]:
    """Tell something at most once in so many seconds."""
    told = perf_counter()

    def tell(line: str) -> None:
        nonlocal told
        if perf_counter() - told >= seconds:
            say(line)
            told = perf_counter()

    return tell


def _write(folder: Path, document: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    (folder / "simulation.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    pd.DataFrame(document["policies"]).to_csv(folder / "policies.csv", index=False, lineterminator="\n")
    flat = pd.json_normalize(document["against_guidelines"], sep="_")
    flat.to_csv(folder / "against_guidelines.csv", index=False, lineterminator="\n")
    title = f"{document['patients']} synthetic patients, stratum {document['stratum']}, nature {document['nature']}"
    (folder / "burden_against_delay.svg").write_text(burden_against_delay(outcomes, title=title), encoding="utf-8")


def _told(document: dict[str, Any]) -> list[str]:
    """The comparison in lines: guideline, its figures, and what each curve saves at its undetected time and burden."""
    lines = [
        "| guideline | curve | undetected months | burden | less burden, % | less undetected, % |",
        "|" + "---|" * 6,
    ]
    for row in document["against_guidelines"]:
        saved = [_percent(row[key]) for key in ("less_burden", "less_undetected")]
        figures = f"{row['guideline_undetected_months']:.2f} | {row['guideline_burden']:.2f}"
        lines.append(f"| {row['guideline']} | {row['curve']} | {figures} | {saved[0]} | {saved[1]} |")
    return lines


def _percent(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "not reached"
    return f"{100 * figure['value']:.0f} ({100 * figure['low']:.0f} to {100 * figure['high']:.0f})"


if __name__ == "__main__":
    sys.exit(main())
