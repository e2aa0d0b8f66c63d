"""Write a synthetic cohort, or verify the generator against its published targets."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pyarrow as pa
from tqdm import tqdm

from synthetic_data.arrays import BLOCK, Component, stream
from synthetic_data.biology import uncertain_nature
from synthetic_data.cohort import Part, draw_parts
from synthetic_data.guidelines import GUIDELINES
from synthetic_data.parameters import CAUSES
from synthetic_data.plan_file import PlanFileError, read_plan
from synthetic_data.plans import Plan, every
from synthetic_data.tables import FORMATS, FolderNotEmptyError, refuse_full_folder, write_cohort
from synthetic_data.targets import PATIENTS, as_table, check_targets
from synthetic_data.variants import VARIANTS, Variant

DONE, FAILED, BAD_INPUT = 0, 1, 2
PLANS: dict[str, Plan] = {"yearly": every(12.0), "six-monthly": every(6.0), **GUIDELINES}
EXAMPLES = """examples:
  python -m synthetic_data --patients 4000 --seed 7 --out cohort
  python -m synthetic_data --variant small-centre --seed 1 --out small
  python -m synthetic_data --patients 1000000 --seed 1 --format parquet --out large
  python -m synthetic_data --patients 4000 --seed 7 --plan NCCN --out the-same-patients-under-NCCN
  python -m synthetic_data --verify
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 when done, 1 when a target is missed, 2 for bad input."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.verify:
        if options.variant != "default" or options.plan or options.uncertain:
            parser.error("--verify simulates its own strata: give it --patients and --seed only")
        return _verify(options.patients or PATIENTS, options.seed)
    try:
        _write(options)
    except (FolderNotEmptyError, PlanFileError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return DONE


def _verify(patients: int, seed: int) -> int:
    checks = list(check_targets(seed=seed, patients=patients))
    sys.stdout.write(as_table(checks))
    return DONE if all(c.passed for c in checks) else FAILED


def _write(options: argparse.Namespace) -> None:
    refuse_full_folder(options.out)
    variant = _variant(options)
    patients = options.patients or variant.patients
    blocks = -(-patients // BLOCK)
    counts: Counter[str] = Counter()
    started = perf_counter()
    parts = tqdm(draw_parts(variant, patients=patients, seed=options.seed), total=blocks, unit="block", disable=None)
    about = _about(options, variant, patients)
    write_cohort(options.out, _counted(parts, counts), about, table_format=options.format)
    events = ", ".join(f"{name} {counts[name]}" for name in (*CAUSES, "death", "none"))
    seconds = perf_counter() - started
    sys.stdout.write(
        f"{patients} synthetic patients, {counts['visits']} visits; {events}; {seconds:.1f} s\n{options.out}\n"
    )


def _variant(options: argparse.Namespace) -> Variant:
    variant = VARIANTS[options.variant]
    if options.plan:
        variant = replace(variant, plan=PLANS.get(options.plan) or read_plan(Path(options.plan)))
    if options.uncertain:
        variant = replace(
            variant, nature=uncertain_nature(variant.nature, stream(options.seed, 0, Component.LITERATURE))
        )
    return variant


def _about(options: argparse.Namespace, variant: Variant, patients: int) -> dict[str, object]:
    command = f"python -m synthetic_data --variant {options.variant} --patients {patients} --seed {options.seed}"
    if options.plan:
        command += f" --plan {options.plan if options.plan in PLANS else Path(options.plan).name}"
    if options.uncertain:
        command += " --uncertain"
    return {
        "title": f"Synthetic rectal NET cohort, variant {options.variant}: {variant.about}",
        "synthetic": True,
        "source": "drawn by synthetic_data; its figures and their sources are in docs/synthetic-data.md",
        "licence": "Apache-2.0",
        "command": f"{command} --format {options.format} --out DIR",
        "lesion_hazard_10_years": dict(zip(CAUSES, variant.nature.scale.round(6).tolist(), strict=True)),
    }


def _counted(parts: Iterable[Part], counts: Counter[str]) -> Iterator[dict[str, pa.Table]]:
    for part in parts:
        tables = part.tables()
        counts["visits"] += tables["visits"].num_rows
        counts.update(tables["outcomes"]["event"].to_pylist())
        yield tables


def _patients(text: str) -> int:
    number = int(text)
    if not 0 < number < 10_000_000:  # the identifier has seven digits
        raise argparse.ArgumentTypeError("must be from 1 to 9999999")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synthetic_data",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="DIR", help="folder to write; must be new or empty")
    what.add_argument("--verify", action="store_true", help="check the default variant against published figures")
    parser.add_argument("--patients", type=_patients, metavar="N", help="how many (default: the variant's own number)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="default 0")
    parser.add_argument("--variant", choices=VARIANTS, default="default", metavar="NAME", help=", ".join(VARIANTS))
    parser.add_argument(
        "--plan", metavar="PLAN", help=f"instead of the variant's own: {', '.join(PLANS)}, or a csv file (month,tests)"
    )
    parser.add_argument("--uncertain", action="store_true", help="draw baseline hazards from the literature's spread")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    return parser


if __name__ == "__main__":
    sys.exit(main())
