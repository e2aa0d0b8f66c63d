"""What is tried before a model answers: a plan comes out, and no question waits for a compiler after it."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from model.schedule.policy import POLICIES
from service.models.registry import unplanned
from service.planning import read_planning


@pytest.fixture
def planning(model):
    return read_planning(model.predictor.study, POLICIES)


def test_nothing_is_compiled_once_a_model_has_been_tried_out(folder):
    command = [sys.executable, "-m", "tests.service.models.compiler", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    found = json.loads(done.stdout)
    assert found["tried"]["model.schedule.course.improve_each"] == 1
    assert found["answered"] == found["tried"]


def test_a_model_that_plans_is_right_and_without_a_policy_there_is_nothing_to_plan(model, planning):
    assert unplanned(model, planning) is None
    assert unplanned(model, replace(planning, default=None)) is None


def test_a_model_of_which_no_plan_comes_out_is_said_to_be_wrong(model, planning):
    first, *others = model.predictor.causes
    hazard = replace(first.hazard, best=replace(first.hazard.best, shape=first.hazard.best.shape * math.nan))
    wrong = {
        "supported_until_month": (-1.0, "0.0 months after the origin is not supported"),
        "causes": ((replace(first, hazard=hazard), *others), "the model gives no finite number for this record"),
    }
    for name, (value, why) in wrong.items():
        said = unplanned(replace(model, predictor=replace(model.predictor, **{name: value})), planning)
        assert said.startswith(f"the default policy gives no plan for a golden case: {why}")
