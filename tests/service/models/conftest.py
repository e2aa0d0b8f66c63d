"""Two versions of a model side by side, and services of one database."""

import json
import math
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from model.saved import artifact
from model.study.file import DEFAULT_STUDY
from service.app import create_app
from service.settings import Settings
from tests.service.conftest import NOW, admin_of, serving
from tests.service.databases import KINDS, new_database


@pytest.fixture(scope="session")
def second(tmp_path_factory, model):
    """Another version: in it what tests find is twice as frequent from now on."""
    causes = [
        replace(cause, hazard=replace(cause.hazard, best=twice(cause.hazard.best), draws=twice(cause.hazard.draws)))
        for cause in model.predictor.causes
    ]
    predictor = replace(model.predictor, causes=tuple(causes))
    return save(tmp_path_factory.mktemp("second"), predictor, model.facts)


def twice(parameters):
    """Parameters of twice the hazard."""
    return replace(parameters, shape=parameters.shape + math.log(2))


def save(folder, predictor, facts, *, golden=True, study_text=None):
    """An artifact of these numbers, made a day before the first model: without golden answers if it is an old one."""
    study_text = study_text or DEFAULT_STUDY.read_text(encoding="utf-8")
    files = artifact.encode(predictor, study_text, {"model_facts.json": json.dumps(facts)})
    if not golden:
        del files["golden.json"]
    version = artifact.version_of(predictor.study.name, files)
    return artifact.save(folder, version, files, created=NOW - timedelta(days=1), about={"synthetic": True})[0]


def broken(predictor):
    """The same model with a hazard that is no number in one draw."""
    first, *others = predictor.causes
    shape = first.hazard.draws.shape.copy()
    shape[0] = float("nan")
    hazard = replace(first.hazard, draws=replace(first.hazard.draws, shape=shape))
    return replace(predictor, causes=(replace(first, hazard=hazard), *others))


@pytest.fixture
def folder(tmp_path, model, second):
    """A folder with both versions."""
    for each in (model.folder, second):
        shutil.copytree(each, tmp_path / "artifacts" / each.name)
    return tmp_path / "artifacts"


@pytest.fixture(params=KINDS)
def either(request):
    """Each kind of database in turn, for the tests that ask for both."""
    return request.param


@pytest.fixture
def url(request, tmp_path):
    kind = request.getfixturevalue("either") if "either" in request.fixturenames else "sqlite"
    return new_database(kind, request, tmp_path)


@pytest.fixture
def start(url, folder):
    """Start a service of the database; gives (client, app) each time. At first the first model is live."""
    opened = []

    def serve(**settings):
        given = {"artifacts": folder, "requests_per_second": 0, **settings}
        app = create_app(Settings(url, **given), clock=lambda: NOW)
        server = serving(app)
        client = admin_of(app, server.__enter__())
        opened.append((server, client))
        return client, app

    yield serve
    for server, client in reversed(opened):
        client.close()
        server.__exit__(None, None, None)
