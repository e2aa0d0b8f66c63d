import hashlib
import io
import json
import pickle
import random
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from model.errors import ArtifactError
from model.saved import artifact
from model.saved.atomic_folder import new_folder
from model.saved.facts import model_facts
from model.study.file import DEFAULT_STUDY

CREATED = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
REPORTS = {"audit.json": "{}\n", "audit.html": "<!doctype html>\n"}


@pytest.fixture(scope="module")
def files(trained):
    facts = json.dumps(model_facts(trained.cohort, trained.predictor, trained.fits, seed=1, learner="linear"))
    return artifact.encode(trained.predictor, DEFAULT_STUDY.read_text(), {**REPORTS, "model_facts.json": facts})


@pytest.fixture(scope="module")
def saved(files, tmp_path_factory):
    return save(tmp_path_factory.mktemp("artifacts"), files)[0]


@pytest.fixture
def copy(saved, tmp_path):
    """The saved model, to be spoilt."""
    return Path(shutil.copytree(saved, tmp_path / saved.name))


def save(out, files, created=CREATED):
    return artifact.save(out, artifact.version_of("rnet", files), files, created=created, about={"seed": 1})


def reseal(folder, **changes):
    """What a forger would do: write files and make every sum right again."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, content in changes.pop("files", {}).items():
        (folder / name).write_bytes(content)
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    lines = "".join(f"{total}  {name}\n" for name, total in sorted(manifest["files"].items()))
    manifest |= {"sha256": hashlib.sha256(lines.encode()).hexdigest(), **changes}
    written = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(written)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(written).hexdigest()}  manifest.json\n")


class Bomb:
    """Unpickling it would leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def test_what_was_saved_predicts_the_same_to_the_last_bit(saved, trained):
    loaded = artifact.load(saved)
    early = trained.cohort.histories.select(np.flatnonzero(trained.cohort.outcomes.exit_month > 24)[:50])
    now = np.full(len(early), 24.0)
    for predict in ("predict", "predict_draws"):
        before, after = (getattr(predictor, predict)(early, now) for predictor in (trained.predictor, loaded.predictor))
        np.testing.assert_array_equal(before.incidence, after.incidence)
        np.testing.assert_array_equal(before.unseen, after.unseen)
    assert loaded.predictor.study == trained.predictor.study
    assert [cause.n_events for cause in loaded.predictor.causes] == [fit.n_events for fit in trained.fits]


def test_the_folder_says_what_it_is(saved):
    loaded = artifact.load(saved)
    assert loaded.version == saved.name
    assert loaded.manifest["created"] == "2026-01-10T12:30:00+00:00"
    assert loaded.manifest["seed"] == 1
    assert set(loaded.manifest["libraries"]) >= {"numpy", "scipy"}
    assert set(loaded.manifest["files"]) == {path.name for path in saved.iterdir()} - {
        "manifest.json",
        "manifest.sha256",
    }
    assert loaded.facts["patients"] == 600


def test_equal_models_are_equal_bytes(files, trained):
    again = artifact.encode(trained.predictor, DEFAULT_STUDY.read_text(), {"model_facts.json": ""})
    assert again["model.npz"] == files["model.npz"]


def test_another_model_is_another_version(files):
    assert artifact.version_of("rnet", files) == artifact.version_of("rnet", dict(reversed(files.items())))
    assert artifact.version_of("rnet", files) != artifact.version_of("rnet", {**files, "audit.json": b"{}"})


def test_a_version_saved_twice_stays_as_it_was(saved, files):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in saved.iterdir()}
    folder, is_new = save(saved.parent, files, created=CREATED + timedelta(days=1))
    assert (folder, is_new) == (saved, False)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in saved.iterdir()} == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_version_that_was_spoilt_is_not_taken_for_saved(copy, files):
    (copy / "audit.html").write_text("better")
    with pytest.raises(ArtifactError):
        save(copy.parent, files)


def test_any_byte_flipped_in_any_file_is_noticed(copy):
    rng = random.Random(1)
    for path in sorted(copy.iterdir()):
        content = path.read_bytes()
        # Every byte of what is read before the sums are known to be right; a sample of the rest.
        places = (
            range(len(content)) if "manifest" in path.name else rng.sample(range(len(content)), min(15, len(content)))
        )
        for place in places:
            flipped = bytearray(content)
            flipped[place] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            with pytest.raises(ArtifactError):
                artifact.load(copy)
        path.write_bytes(content)
    assert artifact.load(copy)


def test_a_missing_file_is_noticed(copy):
    for path in sorted(copy.iterdir()):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(ArtifactError, match=r"missing|no readable"):
            artifact.load(copy)
        path.write_bytes(content)


@pytest.mark.parametrize("stray", [".hidden", "extra.py", "folder/"])
def test_a_stray_file_is_noticed(copy, stray):
    if stray.endswith("/"):
        (copy / stray).mkdir()
    else:
        (copy / stray).write_text("print('hello')")
    with pytest.raises(ArtifactError, match="is not part of the model"):
        artifact.load(copy)


@pytest.mark.parametrize("name", ["model.npz", "manifest.json", "manifest.sha256"])
def test_a_symlink_is_refused_even_if_it_leads_to_the_right_bytes(copy, tmp_path, name):
    (copy / name).rename(tmp_path / "elsewhere")
    (copy / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="is not a plain file of this folder"):
        artifact.load(copy)


def test_a_manifest_cannot_reach_outside_its_folder(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy.parent / "outside").write_text("x")
    reseal(copy, files={"../outside": b"x"})
    with pytest.raises(ArtifactError, match="is not a plain file of this folder"):
        artifact.load(copy)
    assert "../outside" not in manifest["files"]


def test_another_schema_is_refused_by_its_number(copy):
    reseal(copy, schema_version=1)
    with pytest.raises(
        ArtifactError, match=f"schema version 1, this program reads {artifact.SCHEMA_VERSION}: train it again"
    ):
        artifact.load(copy)


def test_the_folder_above_a_model_is_told_from_one(saved):
    with pytest.raises(ArtifactError, match=f"not a model folder, give one of those below it, such as {saved.name}"):
        artifact.load(saved.parent)


def test_a_folder_under_another_name_is_refused(copy):
    with pytest.raises(ArtifactError, match="does not belong"):
        artifact.load(copy.rename(copy.parent / "rnet-latest"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": 3}', "[" * 100_000, "\udcff"])
def test_a_manifest_that_is_none(copy, content):
    (copy / "manifest.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ArtifactError, match=r"no readable manifest\.json"):
        artifact.load(copy)


def test_a_pickle_is_never_opened(copy, tmp_path):
    trace = tmp_path / "trace"
    arrays = dict(np.load(copy / "model.npz"))
    within, member, alone = io.BytesIO(), io.BytesIO(), pickle.dumps(Bomb(trace))
    np.savez(within, **arrays | {"landmark_month": np.array([Bomb(trace)], dtype=object)})
    with zipfile.ZipFile(member, "w") as archive:
        archive.writestr("landmark_month.npy", alone)
    for content in (within.getvalue(), member.getvalue(), alone):
        reseal(copy, files={"model.npz": content})
        with pytest.raises(ArtifactError, match="not a model that this program can read"):
            artifact.load(copy)
    assert not trace.exists()
    pickle.loads(alone)
    assert trace.exists()  # else this test would prove nothing


def test_numbers_of_another_shape_are_refused(copy):
    whole = dict(np.load(copy / "model.npz"))
    spoilt = [
        {name: value for name, value in whole.items() if name != "scaling.mean"},
        {name: value for name, value in whole.items() if name != "cause1.past.best"},
        whole | {"cause2.past.draws": whole["cause2.past.draws"][:, :-1]},
        whole | {"cause4.hazard.best": whole["cause4.hazard.best"][:-1]},
        whole | {"cause1.hazard.draws": whole["cause1.hazard.draws"][:, :-1]},
        whole | {"scaling.mean": whole["scaling.mean"][:-1]},
        whole | {"baselines.mean": whole["baselines.mean"][:-1]},
        whole | {"baselines.covariance": whole["baselines.covariance"][:-1]},
        whole | {"luck": whole["luck"][:, :-1]},
        whole | {"luck": whole["luck"][:-1]},
    ]
    for arrays in spoilt:
        content = io.BytesIO()
        np.savez(content, **arrays)
        reseal(copy, files={"model.npz": content.getvalue()})
        with pytest.raises(ArtifactError, match="not a model that this program can read"):
            artifact.load(copy)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"name = 1"])
def test_a_file_that_is_no_array_archive_is_refused(copy, content):
    reseal(copy, files={"model.npz": content})
    with pytest.raises(ArtifactError, match="not a model that this program can read"):
        artifact.load(copy)


def test_writing_that_breaks_off_leaves_nothing(tmp_path):
    def break_off():
        with new_folder(tmp_path / "made" / "target") as scratch:
            (scratch / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list((tmp_path / "made").iterdir()) == []


def test_a_folder_appears_whole_and_is_never_written_over(tmp_path):
    target = tmp_path / "target"
    with new_folder(target) as scratch:
        (scratch / "a").write_text("1")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    with pytest.raises(FileExistsError), new_folder(target):
        pass
    assert (target / "a").read_text() == "1"


def test_whoever_is_slower_does_not_win(tmp_path):
    def write_while_another_is_quicker():
        with new_folder(tmp_path / "target") as scratch:
            (scratch / "a").write_text("slow")
            with new_folder(tmp_path / "target") as other:
                (other / "a").write_text("quick")

    with pytest.raises(FileExistsError):
        write_while_another_is_quicker()
    assert (tmp_path / "target" / "a").read_text() == "quick"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_newest_is_the_one_created_last(tmp_path, files):
    with pytest.raises(ArtifactError, match="no model here"):
        artifact.newest(tmp_path)
    first, _ = save(tmp_path, {**files, "audit.html": b"1"}, created=CREATED)
    second, _ = save(tmp_path, {**files, "audit.html": b"2"}, created=CREATED + timedelta(seconds=1))
    assert artifact.newest(tmp_path) == second
    shutil.copytree(second, tmp_path / ".writing-x")  # left by a process that was killed
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "manifest.json").write_text("no")
    shutil.rmtree(second)
    assert artifact.newest(tmp_path) == first
