"""The models below the artifacts' folder: what each is, and whether it may answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.errors import ArtifactError, BadInputError, NotSupportedError
from model.saved import artifact
from model.saved.golden import golden_cases, golden_faults
from model.schedule.outline import outlines
from model.schedule.planner import Patients
from service.errors import Fault, NotFoundError
from service.models.errors import RefusedModelError
from service.planning import Planning, read_planning

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from model.saved.artifact import LoadedModel
    from service.models.history import History

NO_SUCH = "There is no such model."


@dataclass(frozen=True)
class Ready:
    """A model that may answer: verified, tried on its golden cases, with what it plans by."""

    model: LoadedModel
    planning: Planning


@dataclass(frozen=True)
class Registry:
    """The models of one folder.

    Attributes
    ----------
    folder : of models, or one model's own
    policies : a folder of policy files
    key : whose signature a model must carry; None = anybody's, or none
    """

    folder: Path
    policies: Path
    key: Ed25519PublicKey | None = None

    @property
    def only(self) -> str | None:
        """The version, if the folder is one model's own."""
        return self.folder.resolve().name if (self.folder / artifact.MANIFEST).is_file() else None

    def folders(self) -> dict[str, Path]:
        """Find what could be a model, by version."""
        if self.only is not None:
            return {self.only: self.folder}
        below = [path for path in self.folder.glob("[!.]*") if path.is_dir() or path.is_symlink()]
        return {path.name: path for path in sorted(below)}

    def newest(self) -> str:
        """Return the version that was created last; raises ArtifactError."""
        return self.only or artifact.newest(self.folder).name

    def load(self, version: str) -> LoadedModel:
        """Read a model and verify its sums and signature; raises NotFoundError or RefusedModelError."""
        # Looked up among those that there are: a version that is a path leads nowhere.
        folder = self.folders().get(version)
        if folder is None:
            raise NotFoundError(NO_SUCH)
        if self.only is None and folder.is_symlink():
            raise RefusedModelError(version, [Fault("files", "the folder is a link to another one")])
        try:
            return artifact.load(folder, self.key)
        except ArtifactError as error:
            raise RefusedModelError(version, [Fault("files", str(error).removeprefix(f"{folder}: "))]) from error

    def try_out(self, model: LoadedModel) -> Ready:
        """Try a model on its golden cases, and read what it plans by; raises RefusedModelError."""
        faults = [Fault("self-test", rule) for rule in golden_faults(model.predictor, model.golden)]
        if faults:
            raise RefusedModelError(model.version, faults)
        try:
            planning = read_planning(model.predictor.study, self.policies)
        except BadInputError as error:
            # By name: where the folder lies is nobody's business beyond this machine.
            rules = [str(replace(each, file=Path(each.file).name)) for each in error.problems]
            raise RefusedModelError(model.version, [Fault("policies", rule) for rule in rules]) from error
        if rule := unplanned(model, planning):
            raise RefusedModelError(model.version, [Fault("self-test", rule)])
        return Ready(model, planning)


def unplanned(model: LoadedModel, planning: Planning) -> str | None:
    """Plan for the first golden case by the default policy: say what is wrong, None if it is right.

    On a new installation this also compiles the search, for which no request should wait.
    """
    if planning.default is None:
        return None
    histories, moment = golden_cases(model.predictor.study, model.predictor.supported_until_month)
    first = np.arange(1)
    try:
        _, policy = planning.named(None)
        ((_, outline),) = outlines(model.predictor, Patients(histories.select(first), moment[first]), policy)
    except NotSupportedError as error:
        return f"the default policy gives no plan for a golden case: {error}"
    return None if np.isfinite(outline.month).all() else "the default policy plans visits at no finite month"


def foreign(model: LoadedModel, study: str) -> list[Fault]:
    """Say so if a model is for another study's patients."""
    name = model.predictor.study.name
    return [] if name == study else [Fault("study", f"it is for the study {name}, and our records for {study}")]


def forged(model: LoadedModel, past: History) -> list[Fault]:
    """Say so if other files had the model's name before: a version never changes once written."""
    changed = any(each.version == model.version and each.sha256 != model.sha256 for each in past.changes)
    return [Fault("files", "they are not those that had this name before")] if changed else []


def doubts(model: LoadedModel) -> list[str]:
    """Say what a reader should know of a model that may answer all the same."""
    found = []
    if model.golden is None:
        found.append("It has no golden answers: the self-test only sees that its answers are possible.")
    libraries = model.manifest.get("libraries", {})
    other = [f"{name} {made}" for name, made in libraries.items() if made != _installed(name)]
    if other:
        found.append(f"It was made with other versions of libraries than this program's: {', '.join(other)}.")
    return found


def _installed(name: str) -> str | None:
    return installed_version(name) if name in artifact.LIBRARIES else None
