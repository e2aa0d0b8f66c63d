"""The container file, as far as it can be read: nothing here builds it."""

import importlib.util
import json
import re
from pathlib import Path, PurePosixPath

import pytest

from service.access.roles import RULES
from service.settings import OPTIONS, PREFIX, read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lines():
    """Its instructions, as (word, rest)."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [tuple(line.split(" ", 1)) for line in joined.splitlines() if line]


@pytest.fixture(scope="module")
def variables(lines):
    return dict(pair.split("=", 1) for word, rest in lines if word == "ENV" for pair in rest.split())


def told(lines, word):
    return [rest for name, rest in lines if name == word]


def copied(lines):
    """What it takes from this folder."""
    return [path for rest in told(lines, "COPY") if not rest.startswith("--from") for path in rest.split()[:-1]]


def test_everything_it_copies_is_there_and_let_through_and_nothing_else_is(lines):
    let_through = [
        line.removeprefix("!") for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")
    ]
    assert sorted(copied(lines)) == sorted(let_through)
    assert all((ROOT / path).exists() for path in copied(lines))
    assert "*" in (ROOT / ".containerignore").read_text().splitlines()


def test_it_has_every_folder_that_the_service_imports_from(lines):
    named = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())[1]
    assert set(json.loads(f"[{named}]")) <= set(copied(lines))


def test_its_packages_are_those_of_the_runtime_lock_by_their_hashes(lines):
    (install,) = (line for line in told(lines, "RUN") if " pip install" in line or "/pip install" in line)
    steps = [step for step in install.split("&&") if "pip install" in step]
    assert [step.split("-r ")[1].strip() for step in steps] == ["/locks/build.lock", "/locks/runtime.lock"]
    assert all("--require-hashes" in step and "--no-deps" in step for step in steps)
    locks = [PurePosixPath(path).name for path in copied(lines) if path.endswith(".lock")]
    assert locks == ["build.lock", "runtime.lock"]


def test_its_base_is_pinned_and_a_python_that_this_project_takes(lines):
    bases = {rest.split()[0] for rest in told(lines, "FROM")}
    (base,) = bases
    version = re.fullmatch(r"docker\.io/library/python:(\d+)\.(\d+)\.\d+-slim-[a-z]+", base)
    least = re.search(r'requires-python = ">=(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert tuple(map(int, version.groups())) >= tuple(map(int, least.groups()))


def test_it_runs_as_somebody_who_owns_what_must_be_written(lines, variables):
    assert told(lines, "USER") == ["risk"]
    words = [word for word, _ in lines]
    assert words.index("USER") < words.index("VOLUME") < words.index("ENTRYPOINT")
    (made,) = (line for line in told(lines, "RUN") if "useradd" in line)
    volumes = json.loads(told(lines, "VOLUME")[0])
    for folder in (*volumes, variables["NUMBA_CACHE_DIR"]):
        assert re.search(rf"install -d -o risk -g risk [^&]*{folder}\b", made)


def test_its_settings_are_the_service_s_and_no_secret_is_among_them(variables):
    ours = {name: value for name, value in variables.items() if name.startswith(PREFIX)}
    settings = read_settings([], ours)
    assert str(settings.artifacts) == "/artifacts"
    assert settings.database.database == "/data/recurrence-risk.sqlite"
    assert {name.removeprefix(PREFIX).lower() for name in ours} <= set(OPTIONS)
    assert not re.search(r"key|secret|password|token", " ".join(variables), re.IGNORECASE)


def test_what_it_starts_and_what_it_asks_itself_are_there(lines):
    command = json.loads(told(lines, "ENTRYPOINT")[0])
    assert command[:2] == ["python", "-m"]
    assert importlib.util.find_spec(f"{command[2]}.__main__")
    (check,) = told(lines, "HEALTHCHECK")
    (route,) = re.findall(r"/[a-z]+z", check)
    assert RULES["GET", route].public
