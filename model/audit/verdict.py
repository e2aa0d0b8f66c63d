"""The verdict: what the figures of the document say, by rules that were fixed before any figure was seen.

Three questions are asked of every event: do the numbers come out right over all (`overall`), do high and low
predictions mean what they say (`slope`), do the numbers come out right in each kind of patients (`subgroup`)? Each
question may raise a false alarm with a third of LEVEL, shared by all of its comparisons after Holm; so a right model is
flagged anywhere with a probability of at most LEVEL. What is flagged and lies outside LIMITS limits the use; a flag
within them says that a deviation is real, and small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.multiplicity import chance_of_count, chance_of_slope, holm

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05
QUESTIONS = ("overall", "slope", "subgroup")
# Observed over expected, and the slope, within which a deviation does not limit the use.
LIMITS = (0.8, 1.25)

Row = dict[str, Any]


def verdict(document: Row) -> Row:
    """Work out the verdict from `events`, `rules`, `one_step`, `one_step_calibration`, `by_horizon` and `fairness`.

    Returns
    -------
    level, limits : the rule's
    comparisons : by question, how many were made
    flags[] : {question, event, group, level, value, low, high, p_adjusted, limits_use, text}
    gate[] : {event, oe, slope, oe_within, slope_covers_1, passed}; the last three None where it cannot be judged
    fit_for[], not_for[] : {event, group, level, text}; event None: of all events
    """
    overall = [_overall(document, event) for event in document["events"]]
    slopes = [_slope(document, event) for event in document["events"]]
    subgroups = [
        {**row, "number": row["ratio"], "p": row["p_value"]}
        for row in document["fairness"]
        if row["p_value"] is not None
    ]
    asked = dict(zip(QUESTIONS, (_judged(overall), _judged(slopes), subgroups), strict=True))
    label = {event["name"]: event["label"] for event in document["events"]}
    flags = [flag for question, rows in asked.items() for flag in _flags(question, rows, label)]
    gate = [_gate(*of_event) for of_event in zip(overall, slopes, strict=True)]
    of_all = {"event": None, "group": None, "level": None}
    return {
        "level": LEVEL,
        "limits": list(LIMITS),
        "comparisons": {question: len(rows) for question, rows in asked.items()},
        "flags": flags,
        "gate": gate,
        "fit_for": [
            {
                "event": name,
                "group": None,
                "level": None,
                "text": _fit(label[name], name, each, asked["subgroup"], flags),
            }
            for name, each in zip(label, gate, strict=True)
            if each["oe"] and not _limiting(flags, name, ("overall", "slope"))
        ],
        "not_for": [
            *({key: flag[key] for key in ("event", "group", "level", "text")} for flag in flags if flag["limits_use"]),
            *(
                {
                    "event": row["event"],
                    "group": None,
                    "level": None,
                    "text": f"{label[row['event']]}: not judged, {why}",
                }
                for row in overall
                if (why := row["too_few"]) is not None
            ),
            {**of_all, "text": _beyond(document["rules"]["supported_until"])},
        ],
    }


def _overall(document: Row, event: Row) -> Row:
    """Observed over expected of one event: one step ahead where tests find it, else where most events are seen."""
    if event["observed"] == "test":
        row = next(
            each for each in document["one_step"] if each["event"] == event["name"] and each["level"] == "all visits"
        )
        number, events, expected = row["ratio"], row["observed"], row["expected"]
        too_few = None if number else f"too few events ({events})"
    else:
        row = _fullest(document, event)
        number, events, too_few = row["oe"], row["events"], row["too_few"]
        expected = events / number["value"] if number else None
    p = chance_of_count(events, expected) if number else None
    return _question(event, number, p=p, events=events, expected=expected, too_few=too_few)


def _slope(document: Row, event: Row) -> Row:
    if event["observed"] == "test":
        row = next(each for each in document["one_step_calibration"] if each["event"] == event["name"])
    else:
        row = _fullest(document, event)
    number = row["slope"]
    return _question(event, number, p=chance_of_slope(**number) if number else None, too_few=row["too_few"])


def _question(event: Row, number: Row | None, **more: object) -> Row:
    return {"event": event["name"], "group": None, "level": None, "number": number, **more}


def _fullest(document: Row, event: Row) -> Row:
    """The row of `by_horizon` with most events, of those that have figures if any has."""
    rows: list[Row] = [row for row in document["by_horizon"] if row["event"] == event["name"]]
    return max(rows, key=lambda row: (row["too_few"] is None, row["events"]))


def _judged(rows: Sequence[Row]) -> list[Row]:
    rows = [row for row in rows if row["p"] is not None]
    adjusted = holm(np.array([row["p"] for row in rows])).tolist()
    return [{**row, "p_adjusted": each} for row, each in zip(rows, adjusted, strict=True)]


def _flags(question: str, rows: Sequence[Row], label: dict[str, str]) -> list[Row]:
    found = []
    for row in rows:
        number = row["number"]
        if row["p_adjusted"] > LEVEL / len(QUESTIONS):
            continue
        outside = not LIMITS[0] <= number["value"] <= LIMITS[1]
        flag = {"question": question, **{key: row[key] for key in ("event", "group", "level")}, **number}
        flag |= {"p_adjusted": row["p_adjusted"], "limits_use": outside}
        found.append(
            {**flag, "text": f"{label[row['event']]}: {_what(question, row)}{'' if outside else ', a small deviation'}"}
        )
    return found


def _what(question: str, row: Row) -> str:
    if question == "slope":
        wrong = "too high where high and too low where low" if row["number"]["value"] < 1 else "not far enough apart"
        return f"predictions are {wrong} (slope {_told(row['number'])})"
    where = "" if question == "overall" else f"where {row['label']} is {row['level']}, "
    return f"{where}{_told(row['number'])} times as many observed as predicted"


def _gate(overall: Row, slope: Row) -> Row:
    """The rule for release: observed/expected within LIMITS, and the slope's interval covers 1."""
    oe, number = overall["number"], slope["number"]
    within = LIMITS[0] <= oe["value"] <= LIMITS[1] if oe else None
    covers = number["low"] <= 1 <= number["high"] if number else None
    passed = None if within is None or covers is None else within and covers
    return {
        "event": overall["event"],
        "oe": oe,
        "slope": number,
        "oe_within": within,
        "slope_covers_1": covers,
        "passed": passed,
    }


def _fit(label: str, name: str, gate: Row, subgroups: Sequence[Row], flags: Sequence[Row]) -> str:
    slope = f", slope {_told(gate['slope'])}" if gate["slope"] else ""
    n, off = sum(row["event"] == name for row in subgroups), len(_limiting(flags, name, ("subgroup",)))
    groups = f"; off by more than chance in {off or 'none'} of {n} groups of patients" if n else ""
    settled = all(
        LIMITS[0] <= each["low"] and each["high"] <= LIMITS[1] for each in (gate["oe"], gate["slope"]) if each
    )
    fit = "about as many observed as predicted" if settled else "not shown to be off, though events are few"
    return f"{label}: {fit} (observed/predicted {_told(gate['oe'])}{slope}){groups}"


def _limiting(flags: Sequence[Row], name: str, questions: Sequence[str]) -> list[Row]:
    return [flag for flag in flags if flag["event"] == name and flag["question"] in questions and flag["limits_use"]]


def _beyond(month: float) -> str:
    return f"moments after month {month:g}, beyond which too few later events were seen"


def _told(number: Row) -> str:
    return f"{number['value']:.2f} ({number['low']:.2f} to {number['high']:.2f})"
