"""The results on real patients, as a table for people: the audit's own numbers, none computed here."""

from __future__ import annotations

from typing import Any

LANDMARKS = (12.0, 36.0)
HORIZON = 24.0
HEAD = (
    "| landmark | at risk | deaths | AUC | landmark Cox | difference | no covariates | scaled Brier | O/E |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def results_table(audit: dict[str, Any]) -> str:
    """Markdown table of death within two years at landmarks 1 and 3 years, cross-validated by patient."""
    return "\n".join([HEAD, *(_line(audit, landmark) for landmark in LANDMARKS)])


def row_of(rows: list[dict[str, Any]], landmark: float, **also: str) -> dict[str, Any]:
    """Pick the row of one landmark at the two-year horizon."""
    wanted = {"landmark": landmark, "horizon": HORIZON, **also}
    return next(row for row in rows if all(row[key] == value for key, value in wanted.items()))


def _line(audit: dict[str, Any], landmark: float) -> str:
    model = row_of(audit["by_horizon"], landmark)
    cox = row_of(audit["baselines"], landmark, name="landmark_cox")
    alike = row_of(audit["baselines"], landmark, name="aalen_johansen")
    cells = [
        f"{landmark / 12:g} y",
        str(model["n"]),
        str(model["events"]),
        *(_shown(number) for number in (model["auc"], cox["auc"], cox["difference"]["auc"], alike["auc"])),
        *(_shown(number) for number in (model["ipa"], model["oe"])),
    ]
    return f"| {' | '.join(cells)} |"


def _shown(number: dict[str, float]) -> str:
    return f"{number['value']:.3f} ({number['low']:.3f} to {number['high']:.3f})"
