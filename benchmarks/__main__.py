"""Command line: `python3 dev.py bench`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from dataclasses import asdict
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from benchmarks.suite import Bench
from model.command_line import at_least, result, say
from synthetic_data.__main__ import main as write_synthetic_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).parent / "results.json"
LIBRARIES = ("numpy", "scipy", "pandas", "lifelines")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite on one core; writes `benchmarks/results.json` and prints a table."""
    parser = argparse.ArgumentParser(
        prog="python3 dev.py bench",
        description="Time reading, fitting, answering and planning on one core, each against a peer in the same run.",
    )
    parser.add_argument("--patients", type=at_least(200), default=2000, metavar="N", help="default 2000")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # lifelines warns of rare columns; the peers are only timed
    rows = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(limits=1):
        with redirect_stdout(StringIO()):
            write_synthetic_cohort(["--patients", str(options.patients), "--seed", "1", "--out", f"{folder}/cohort"])
        result("| what | a second | against | ratio of times, ours / theirs |")
        result("|---|---|---|---|")
        for row in Bench(Path(folder) / "cohort").run():
            result(f"| {row.name} ({row.n}) | {row.per_second:,.0f} | {row.against} | {row.ratio:.2f} |")
            rows.append({**asdict(row), "per_second": row.per_second})
    about = {"patients": options.patients, "machine": platform.machine(), "python": platform.python_version()}
    libraries = {name: version(name) for name in LIBRARIES}
    RESULTS.write_text(json.dumps({**about, "libraries": libraries, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    say(f"written: {RESULTS.parent.name}/{RESULTS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
