"""Golden cases: invented patients of a study with the answers that the model gave when it was trained.

A model that answers them otherwise, or with curves that cannot be, is not the model that was audited: its files, the
libraries or the machine changed what it says.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from model.features import transformed
from model.types import NEGATIVE, NOT_DONE, Histories

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.forecast import Forecast
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.study.entries import Baseline, Marker
    from model.types import FloatArray

N_CASES = 6
MOST_VISITS = 3
# Ends of a range are for typing errors; these stay this far inside, on the scale that the study models on.
MARGIN = 0.05
# Libraries of another version may round otherwise, and nothing more.
RELATIVE, ABSOLUTE = 1e-6, 1e-9
FROM_SCALE: dict[str, Callable[[float], float]] = {"none": float, "log": math.exp, "log1p": math.expm1}
INPUTS = ("baseline", "visit_month", "marker", "test")


def golden_cases(study: Study, until_month: float) -> tuple[Histories, FloatArray]:
    """Invent patients from the study file alone: (histories, moments (N_CASES,) from 0 to `until_month`).

    Values are spread over their ranges by the golden ratio, some are missing, no test is positive.
    """
    moment = np.linspace(0.0, until_month, N_CASES)
    n_visits = np.minimum(np.arange(N_CASES), MOST_VISITS)
    number = np.arange(1, MOST_VISITS + 1)
    month = np.where(number <= n_visits[:, None], moment[:, None] * number / (n_visits[:, None] + 1), np.inf)
    baseline = [[_baseline(item, case, place) for place, item in enumerate(study.baseline)] for case in range(N_CASES)]
    marker = np.full((N_CASES, MOST_VISITS, len(study.marker)), np.nan)
    test = np.full((N_CASES, MOST_VISITS, len(study.test)), NOT_DONE, dtype=np.int8)
    for case, visit in zip(*np.nonzero(np.isfinite(month)), strict=True):
        for place, item in enumerate(study.marker):
            if (case + visit + place) % 3:
                marker[case, visit, place] = _number(item, _spread(case + visit, place + 1))
        test[case, visit] = np.where((case + visit + np.arange(len(study.test))) % 2, NEGATIVE, NOT_DONE)
    return Histories(np.array(baseline).reshape(N_CASES, len(study.baseline)), month, marker, test), moment


def golden_file(predictor: Predictor) -> bytes:
    """Write the golden cases with this model's answers, as an artifact keeps them."""
    histories, moment = golden_cases(predictor.study, predictor.supported_until_month)
    found = _forecasts(predictor, histories, moment)
    document = {
        "about": "Invented patients, made from the study file alone, and the model's answers to them.",
        "inputs": {name: _plain(getattr(histories, name)) for name in INPUTS} | {"as_of_month": _plain(moment)},
        "horizon_months": list(predictor.study.horizon_months),
        "answers": {name: _plain(values) for name, values in _answers(predictor.study, found).items()},
    }
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def golden_faults(predictor: Predictor, golden: bytes | None) -> list[str]:
    """Try a model on the golden cases: what is wrong with its answers, nothing if they are right.

    golden : the file that came with the model; without it the answers are only held to what any model must keep
    """
    try:
        if golden is None:
            return _impossible(_forecasts(predictor, *golden_cases(predictor.study, predictor.supported_until_month)))
        document = json.loads(golden)
        given = {name: np.array(document["inputs"][name], dtype=np.float64) for name in (*INPUTS, "as_of_month")}
        given["visit_month"] = np.where(np.isnan(given["visit_month"]), np.inf, given["visit_month"])
        histories = Histories(given["baseline"], given["visit_month"], given["marker"], given["test"].astype(np.int8))
        kept = {name: np.array(values, dtype=np.float64) for name, values in document["answers"].items()}
        found = _forecasts(predictor, histories, given["as_of_month"])
        return _impossible(found) or _differences(_answers(predictor.study, found), kept)
    except Exception as error:  # noqa: BLE001 (a forged file may make the readers or the model raise anything)
        return [f"the golden cases cannot be answered ({type(error).__name__})"]


def _forecasts(predictor: Predictor, histories: Histories, moment: FloatArray) -> dict[str, Forecast]:
    """Best estimate and both ends of the band, (n_cases, ...) each."""
    with threadpool_limits(limits=1), np.errstate(all="ignore"):  # sums must not depend on the machine's cores
        low, high = predictor.predict_draws(histories, moment).band()
        return {"value": predictor.predict(histories, moment), "low": low, "high": high}


def _answers(study: Study, forecasts: dict[str, Forecast]) -> dict[str, FloatArray]:
    """Unseen now (n_cases, n_causes), and probability by horizon (n_horizons, n_cases, n_causes), with their bands."""
    found = {}
    for name, forecast in forecasts.items():
        found[f"unseen.{name}"] = forecast.unseen
        found[f"probability.{name}"] = np.stack([forecast.at(months) for months in study.horizon_months])
    return found


def _impossible(forecasts: dict[str, Forecast]) -> list[str]:
    """Hold curves to what any model must keep. Ends of bands are taken cause by cause: they need not add up."""
    slack, faults = 1e-9, []
    for name, forecast in forecasts.items():
        unseen, curve = forecast.unseen, forecast.incidence
        if not (np.isfinite(unseen).all() and np.isfinite(curve).all()):
            faults.append(f"{name}: not every risk is a finite number")
        elif min(unseen.min(), curve.min()) < 0 or max(unseen.max(), curve.max()) > 1 + slack:
            faults.append(f"{name}: a risk lies outside 0 to 1")
        elif (np.diff(curve, axis=-1) < -slack).any():
            faults.append(f"{name}: a risk falls with time")
    if not faults:
        best, low, high = (forecasts[name] for name in ("value", "low", "high"))
        if max(best.unseen.sum(axis=-1).max(), best.incidence.sum(axis=-2).max()) > 1 + slack:
            faults.append("value: the risks of all events add up to more than 1")
        if (low.incidence > high.incidence + slack).any() or (low.unseen > high.unseen + slack).any():
            faults.append("low, high: a band is upside down")
    return faults


def _differences(here: dict[str, FloatArray], kept: dict[str, FloatArray]) -> list[str]:
    faults = []
    for name, values in here.items():
        if name not in kept or kept[name].shape != values.shape:
            faults.append(f"{name}: no golden answers of this shape")
        elif not np.allclose(values, kept[name], rtol=RELATIVE, atol=ABSOLUTE):
            worst = float(np.abs(values - kept[name]).max())
            faults.append(f"{name}: differs from the golden answers by up to {worst:.2g}")
    return faults


def _baseline(item: Baseline, case: int, place: int) -> float:
    spread = _spread(case, place)
    if not item.required and (case + place) % 4 == 3:
        return math.nan
    if item.kind == "number":
        return _number(item, spread)
    return float(int(spread * (len(item.levels) or 2)))


def _number(item: Baseline | Marker, spread: float) -> float:
    """Put a share of 0 to 1 into the item's range, or just above its reference where there is no range."""
    if item.range is None:
        return (getattr(item, "reference", None) or 0.0) + spread
    low, high = transformed(np.array(item.range), item.transform)
    return FROM_SCALE[item.transform](low + (high - low) * (MARGIN + (1 - 2 * MARGIN) * spread))


def _spread(case: int, place: int) -> float:
    return ((case + 1) * 0.6180339887498949 + place * 0.41421356237309515) % 1.0


def _plain(array: Any) -> Any:
    """Turn an array into lists, NaN and infinity into null."""
    values = np.asarray(array, dtype=object)
    values[~np.isfinite(array)] = None
    return values.tolist()
