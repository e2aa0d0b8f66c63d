"""An audit of a small cohort, drawn once for all tests of its page, and what a reader would meet there."""

from __future__ import annotations

import functools
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from model.audit.report import render
from model.audit.run import run
from tests.model.audit.known import cohort_of, constant_predictor, surveilled_with
from tests.model.builders import study_by_test

FACTS = {
    "title": "Made <b>up</b>",
    "version": "v1",
    "synthetic": True,
    "about": {"title": "Drawn & kept", "source": "nobody", "command": "draw"},
    "sha256": {"patients.csv": "ab" * 32},
    "seed": 3,
    "command": "python -m model.train --cohort DIR --seed 3",
}


@functools.cache
def example_document():
    """One event found by tests, death, two centres; pictures at one landmark only, which is what takes time to draw."""
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=18.0)
    history, ended, _ = surveilled_with(np.random.default_rng(5), study, 300, hazard=0.012, death=0.006, until=48.0)
    cohort = replace(cohort_of(study, history, ended), centre=("North", "South") * 150)
    predictor = constant_predictor(study, [0.012, 0.006])
    prior = constant_predictor(study, [0.02, 0.006])
    audit = run(cohort, np.arange(300) % 2, [predictor] * 2, seed=3, jobs=1, version="v1", prior_alone=[prior] * 2)
    drawn = {key: [row for row in audit[key] if row["landmark"] == 12.0] for key in ("curves", "decision_curve")}
    return {**audit, **drawn}


@functools.cache
def example_page():
    return render(example_document(), FACTS)


class Outline(HTMLParser):
    """What a screen reader would meet: (tag, attributes) in order, and whether tags close as they should."""

    VOID = ("meta", "path", "use", "br", "link", "rect")

    def __init__(self, page):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]
