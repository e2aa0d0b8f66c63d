"""A model on disk: `artifacts/<version>/`, written once and whole, verified before anything in it is believed."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

import numpy as np

from model.errors import ArtifactError
from model.features import feature_list
from model.onset.boosting import Trees
from model.onset.grid import TimeGrid
from model.onset.hazard import Parameters
from model.onset.missing import JointNormal
from model.onset.presence import N_STAGES, Presence, n_columns
from model.onset.scaling import Scaling
from model.onset.splines import Splines
from model.onset.usual import UsualMarkers
from model.predictor import CauseModel, Fitted, FittedPresence, Predictor, fading_features
from model.saved.atomic_folder import new_folder
from model.saved.golden import golden_file
from model.saved.signature import SIGNATURE, is_signed
from model.study.file import parse_study

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SCHEMA_VERSION = 3
LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "lifelines", "joblib")
MANIFEST = "manifest.json"
MANIFEST_SUM = "manifest.sha256"  # as `sha256sum -c` reads it: the manifest sums the files, this sums the manifest
GOLDEN = "golden.json"


@dataclass(frozen=True)
class LoadedModel:
    """A verified model folder.

    Attributes
    ----------
    version : the folder's name
    sha256 : one sum over the sums of all files
    manifest, facts : manifest.json and model_facts.json
    golden : golden.json; None in a model from before there was one
    """

    predictor: Predictor
    version: str
    sha256: str
    manifest: dict[str, Any]
    facts: dict[str, Any]
    folder: Path
    golden: bytes | None


def encode(predictor: Predictor, study_text: str, reports: dict[str, str]) -> dict[str, bytes]:
    """Turn a model and its reports into the files of an artifact, by name; equal models give equal bytes."""
    return {
        "model.npz": _arrays(predictor),
        "study.toml": study_text.encode(),
        GOLDEN: golden_file(predictor),
        **{name: text.encode() for name, text in reports.items()},
    }


def json_text(document: dict[str, Any]) -> str:
    """Write a report as every artifact holds it."""
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def version_of(study_name: str, files: dict[str, bytes]) -> str:
    """Name a version by what is in it: the study and the first 12 digits of the sum of these files."""
    return f"{study_name}-{_sum_of_sums(_sums(files))[:12]}"


def save(
    out: Path, version: str, files: dict[str, bytes], *, created: datetime, about: dict[str, Any]
) -> tuple[Path, bool]:
    """Write an artifact below `out`; returns (folder, whether it is new).

    Parameters
    ----------
    version : from `version_of`, of the files before they named their version
    files : from `encode`
    about : what else the manifest says: seed, data fingerprint, whether the data are synthetic, ...

    A version that exists is verified and left as it is.
    """
    folder = out / version
    if folder.exists():
        load(folder)
        return folder, False
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "version": version,
        "created": created.isoformat(timespec="seconds"),
        "libraries": {name: installed_version(name) for name in LIBRARIES},
        "files": _sums(files),
        "sha256": _sum_of_sums(_sums(files)),
        **about,
    }
    with new_folder(folder) as scratch:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        written = (json.dumps(manifest, indent=1) + "\n").encode()
        (scratch / MANIFEST).write_bytes(written)
        (scratch / MANIFEST_SUM).write_text(_line(MANIFEST, written), encoding="utf-8")
    return folder, True


def load(folder: Path, key: Ed25519PublicKey | None = None) -> LoadedModel:
    """Verify every sum, then read the model; raises ArtifactError and reads nothing further if a sum is wrong.

    key : whose signature the model must carry; None = anybody's, or none

    Nothing in the folder is executed: arrays are read without pickles, the rest is text.
    """
    try:
        written = _plain_file(folder, MANIFEST)
        manifest = json.loads(written)
        expected, there = dict(manifest["files"]), {path.name for path in folder.iterdir()}
        schema, total, version = manifest["schema_version"], manifest["sha256"], manifest["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        below = sorted(path.parent.name for path in folder.glob(f"[!.]*/{MANIFEST}"))
        rule = f"give one of those below it, such as {below[-1]}" if below else "or an incomplete one"
        raise ArtifactError(f"{folder}: no readable {MANIFEST}: not a model folder, {rule}") from None
    if key is not None and not is_signed(key, written, _required(folder, SIGNATURE)):
        raise ArtifactError(f"{folder}: {SIGNATURE} was not made with the key that is asked for")
    if schema != SCHEMA_VERSION:
        raise ArtifactError(f"{folder}: schema version {schema}, this program reads {SCHEMA_VERSION}: train it again")
    own = _sums({MANIFEST: written, MANIFEST_SUM: _line(MANIFEST, written).encode()})
    contents = {name: _verified(folder, name, sum_) for name, sum_ in {**expected, **own}.items()}
    if _sum_of_sums(expected) != total or folder.resolve().name != version:
        raise ArtifactError(f"{folder}: {MANIFEST} does not belong to these files")
    stray = sorted(there - {*contents, SIGNATURE})
    if stray:
        raise ArtifactError(f"{folder}: {stray[0]} is not part of the model: take it out of the folder")
    try:
        predictor = _predictor(contents["model.npz"], contents["study.toml"].decode())
        facts = json.loads(contents["model_facts.json"])
    except Exception as error:  # Whatever a forged file makes the readers raise, the answer is the same.
        rule = "the files are whole, but not a model that this program can read: train it again"
        raise ArtifactError(f"{folder}: {rule}") from error
    return LoadedModel(predictor, version, total, manifest, facts, folder, contents.get(GOLDEN))


def report(model: LoadedModel, name: str) -> bytes | None:
    """Read one of a model's files, verified anew; None if it has none of that name. Raises ArtifactError."""
    expected = model.manifest["files"].get(name)
    return None if expected is None else _verified(model.folder, name, expected)


def newest(folder: Path) -> Path:
    """Return the version below `folder` that was created last; raises ArtifactError when there is none."""
    created: dict[Path, str] = {}
    for manifest in sorted(folder.glob(f"[!.]*/{MANIFEST}")):  # A leading dot: writing was broken off there.
        try:
            created[manifest.parent] = str(json.loads(manifest.read_text(encoding="utf-8"))["created"])
        except (ValueError, KeyError, TypeError, OSError, RecursionError):
            continue
    if not created:
        raise ArtifactError(f"{folder}: no model here; train one with `python -m model.train`")
    return max(created, key=lambda path: (created[path], path.name))


def _sums(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def _sum_of_sums(sums: dict[str, str]) -> str:
    lines = "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _line(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n"


def _verified(folder: Path, name: str, expected: str) -> bytes:
    content = _required(folder, name)
    if hashlib.sha256(content).hexdigest() != expected:
        raise ArtifactError(f"{folder}: {name} was changed after it was written; the model is not loaded")
    return content


def _required(folder: Path, name: str) -> bytes:
    try:
        return _plain_file(folder, name)
    except (OSError, ValueError, TypeError):  # of the latter two a forged manifest has names that no file can have
        raise ArtifactError(f"{folder}: {name} is missing") from None


def _plain_file(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.name != name or path.is_symlink() or (path.exists() and not path.is_file()):
        raise ArtifactError(f"{folder}: {name} is not a plain file of this folder")
    return path.read_bytes()


def _arrays(predictor: Predictor) -> bytes:
    """Pack every fitted number; members carry no time stamp, so that equal numbers are equal bytes."""
    arrays: dict[str, Any] = {
        "landmark_month": predictor.grid.landmark_month,
        "horizon_month": np.array(predictor.grid.horizon_month),
        "exact": np.array(predictor.grid.exact),
        "supported_until_month": np.array(predictor.supported_until_month),
        **{f"scaling.{name}": getattr(predictor.scaling, name) for name in _SCALING},
        "luck": predictor.luck,
        "baselines.mean": predictor.scaling.baselines.mean,
        "baselines.covariance": predictor.scaling.baselines.covariance,
        **{f"splines.{name}": getattr(predictor.scaling.splines, name) for name in _SPLINES},
        "usual.effect": predictor.scaling.usual.effect,
        "usual.sd": predictor.scaling.usual.sd,
    }
    for number, trees in enumerate(predictor.scaling.trees, 1):
        arrays |= {f"trees{number}.{name}": getattr(trees, name) for name in _TREES}
    for number, cause in enumerate(predictor.causes, 1):
        arrays[f"cause{number}.n_events"] = np.array(cause.n_events)
        for name, fitted in (("hazard", cause.hazard), ("past", cause.past)):
            if fitted is not None:
                arrays[f"cause{number}.{name}.best"] = fitted.best.pack()
                arrays[f"cause{number}.{name}.draws"] = fitted.draws.pack()
                arrays[f"cause{number}.{name}.around"] = np.array(fitted.best.around)
        if cause.presence is not None:
            arrays[f"cause{number}.presence.best"] = cause.presence.best.effect
            arrays[f"cause{number}.presence.draws"] = cause.presence.draws.effect
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


_SCALING = ("mean", "scale", "low", "high", "flagged")
_SPLINES = ("column", "knot", "intercept", "slope", "scale")
_TREES = ("feature", "threshold", "left", "right", "value")


def _predictor(content: bytes, study_text: str) -> Predictor:
    study = parse_study(study_text, file="study.toml")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        exact = bool(arrays["exact"])
        grid = TimeGrid(arrays["landmark_month"], float(arrays["horizon_month"]), exact=exact)
        baselines = JointNormal(arrays["baselines.mean"], arrays["baselines.covariance"])
        splines = Splines(*(arrays[f"splines.{name}"] for name in _SPLINES))
        boosted = range(1, len(study.event) + 1) if "trees1.value" in arrays else ()
        trees = tuple(
            _trees(arrays, f"trees{number}", arrays["scaling.mean"].size + arrays["scaling.flagged"].size)
            for number in boosted
        )
        scales = {name: arrays[f"scaling.{name}"] for name in _SCALING}
        usual = UsualMarkers(arrays["usual.effect"], arrays["usual.sd"])
        scaling = Scaling(**scales, baselines=baselines, splines=splines, usual=usual, trees=trees)
        features = feature_list(study)
        n_fading = len(fading_features(features))
        known_at_once = {item.name for item in study.baseline}
        n_first = sum(feature.source in known_at_once for feature in features)
        n_draws = len(arrays["cause1.hazard.draws"])
        shapes = {
            **{f"scaling.{name}": (len(features),) for name in ("mean", "scale", "low", "high")},
            "baselines.mean": (n_first,),
            "baselines.covariance": (n_first, n_first),
            "luck": (n_draws, n_first),
            "usual.effect": (len(study.marker), 1 + n_first),
            "usual.sd": (len(study.marker),),
        }
        if any(arrays[name].shape != shape for name, shape in shapes.items()):
            raise ValueError("these numbers belong to other features")
        causes = []
        for number in range(1, len(study.event) + 1):
            hazard = _fitted(arrays, f"cause{number}.hazard", len(grid.fade), scaling.n_scores, n_fading)
            by_test = study.found_by_test(number)
            past = _fitted(arrays, f"cause{number}.past", 1, scaling.n_scores, 0) if by_test else None
            presence = _presence(arrays, f"cause{number}.presence", n_columns(features), n_draws)
            causes.append(CauseModel(hazard, past, int(arrays[f"cause{number}.n_events"]), presence))
        return Predictor(study, grid, scaling, tuple(causes), float(arrays["supported_until_month"]), arrays["luck"])


def _fitted(arrays: Mapping[str, Any], name: str, n_bins: int, n_scores: int, n_fading: int) -> Fitted:
    best, draws = arrays[f"{name}.best"], arrays[f"{name}.draws"]
    if {best.shape[-1], draws.shape[-1]} != {n_bins + 1 + n_scores + n_fading}:  # 1: the clock
        raise ValueError("these numbers belong to other features")
    around = float(arrays[f"{name}.around"])
    sizes = {"n_bins": n_bins, "n_scores": n_scores}
    return Fitted(*(Parameters.unpack(values, **sizes, around=around) for values in (best, draws)))


def _presence(arrays: Mapping[str, Any], name: str, n_columns: int, n_draws: int) -> FittedPresence | None:
    if f"{name}.best" not in arrays:
        return None
    best, draws = arrays[f"{name}.best"], arrays[f"{name}.draws"]
    if best.shape != (N_STAGES, n_columns) or draws.shape != (n_draws, *best.shape):
        raise ValueError("these numbers belong to other markers")
    return FittedPresence(Presence(best), Presence(draws))


def _trees(arrays: Mapping[str, Any], name: str, n_scores: int) -> Trees:
    trees = Trees(*(arrays[f"{name}.{part}"] for part in _TREES))
    shape, here = trees.value.shape, np.arange(trees.value.shape[-1])
    # Children come after their parent, or a walk down the tree would never end.
    down = all(((child >= here) & (child < shape[-1])).all() for child in (trees.left, trees.right))
    if not down or not ((trees.feature >= 0) & (trees.feature < n_scores)).all() or trees.threshold.shape != shape:
        raise ValueError("these are no trees")
    return trees
