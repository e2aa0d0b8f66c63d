"""Training on a real cluster of other processes."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from model.train import main as train
from tests.model.builders import EXACT, HEAD
from tests.model.test_train_small import write


@pytest.fixture(scope="module")
def scheduler():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cluster's own, of machines slower than it likes
        from distributed import LocalCluster  # noqa: PLC0415

        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            yield cluster.scheduler_address


@pytest.fixture
def arguments(tmp_path):
    study = tmp_path / "tiny.toml"
    study.write_text(HEAD.format(until=24.0, horizon=24.0) + EXACT)
    rng = np.random.default_rng(1)
    event = np.where(rng.random(80) < 0.5, "death", "none")
    write(tmp_path / "cohort", 80, np.round(rng.uniform(1, 40, 80), 1), event)
    return ["--cohort", str(tmp_path / "cohort"), "--study", str(study), "--out"]


def test_f38_a_cluster_writes_the_same_files_as_one_process(tmp_path, scheduler, arguments, capsys):
    alone, together = tmp_path / "alone", tmp_path / "together"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="distributed")
        assert train([*arguments, str(together), "--dask", scheduler]) == 0
    assert train([*arguments, str(alone)]) == 0
    first, second = capsys.readouterr().out.split()
    assert first.rpartition("/")[2] == second.rpartition("/")[2]
    names = {path.name for path in (tmp_path / first).iterdir()}
    assert names == {path.name for path in (tmp_path / second).iterdir()}
    for name in names - {"manifest.json", "manifest.sha256"}:  # these say when
        assert (tmp_path / first / name).read_bytes() == (tmp_path / second / name).read_bytes(), name


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", ""])
def test_a_cluster_that_does_not_answer_is_told_in_one_line(tmp_path, address, arguments, capsys, monkeypatch):
    monkeypatch.setattr("model.cluster.WAIT_SECONDS", 1)
    assert train([*arguments, str(tmp_path / "out"), "--dask", address]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("--dask: no scheduler answers")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("address", "said"), [("tls://127.0.0.1:1", "a tls address needs certificates"), ("127.0.0.1", "no scheduler")]
)
def test_nothing_follows_that_line_when_the_program_ends(tmp_path, address, said, arguments):
    command = [sys.executable, "-m", "model.train", *arguments, str(tmp_path / "out"), "--dask", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"--dask: {said}")
