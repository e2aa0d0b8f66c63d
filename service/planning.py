"""What the service plans by: its policies by name, the guidelines to show beside a plan, and what tiers can do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from model.errors import BadInputError, NotSupportedError, Problem
from model.guidelines.file import DEFAULT_GUIDELINES, DEFAULT_TIERS, read_guidelines, read_tiers
from model.schedule.policy import POLICIES, read_policy
from service.errors import Fault, InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model.guidelines.entries import GuidelineFile, TierFile
    from model.schedule.policy import Policy
    from model.study.definition import Study

# Whose patients the guidelines and tiers that come along speak of.
GUIDELINES_ARE_FOR = "rnet"
DEFAULTS = ("default", "match-guideline", "max-unseen-risk")


@dataclass(frozen=True)
class Planning:
    """What plans are made by.

    Attributes
    ----------
    policies : by name, those that can plan for the model's study
    default : one of the names; None where there are none
    guidelines, tiers : None where they speak of other patients
    """

    policies: Mapping[str, Policy]
    default: str | None
    guidelines: GuidelineFile | None
    tiers: TierFile | None

    @cached_property
    def sums(self) -> dict[str, str]:
        """SHA-256 of the guidelines and of the tiers, by name, as they were read: comments do not count."""
        files = {"guidelines": self.guidelines, "tiers": self.tiers}
        return {
            name: hashlib.sha256(file.model_dump_json().encode()).hexdigest()
            for name, file in files.items()
            if file is not None
        }

    def named(self, name: str | None, at: str = "query.policy") -> tuple[str, Policy]:
        """Find a policy, the default where none is named; raises InvalidError or NotSupportedError."""
        name = name or self.default
        if name is None:
            raise NotSupportedError("no policy can plan for this study: it has neither tests nor a [policy]")
        if name not in self.policies:
            raise InvalidError([Fault(at, f"must be one of {', '.join(self.policies)}")])
        return name, self.policies[name]


def read_planning(study: Study, folder: Path = POLICIES) -> Planning:
    """Read the policies of a folder; raises BadInputError for a file that is no good or has no price yet."""
    ours = study.name == GUIDELINES_ARE_FOR
    guidelines = read_guidelines(DEFAULT_GUIDELINES, study) if ours else None
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise BadInputError([Problem(str(folder), None, None, "no policy file (*.toml) here")])
    policies, problems = {}, []
    for path in files:
        policy = read_policy(path)
        if rule := _unready(policy, guidelines):
            problems.append(Problem(str(path), None, *rule))
        elif _fits(policy, study, guidelines):
            policies[path.stem] = policy
    if problems:
        raise BadInputError(problems)
    default = next((name for name in (*DEFAULTS, *policies) if name in policies), None)
    return Planning(policies, default, guidelines, read_tiers(DEFAULT_TIERS, study) if ours else None)


def _unready(policy: Policy, guidelines: GuidelineFile | None) -> tuple[str, str] | None:
    """Return (key, rule) where a policy could only be used once more is known."""
    if policy.rule != "match-guideline":
        return None
    if policy.price is None:
        return "price", "find it first with `python -m model.schedule` and write it into the file"
    if guidelines is not None and policy.guideline not in {each.id for each in guidelines.guideline}:
        return "guideline", "no [[guideline]] has this id"
    return None


def _fits(policy: Policy, study: Study, guidelines: GuidelineFile | None) -> bool:
    """Whether a policy can plan for a study: the planner needs tests, the study's rule needs its figures."""
    if policy.rule == "max-unseen-risk":
        return study.policy is not None
    tested = any(study.found_by_test(cause) for cause in study.targets)
    return tested and (policy.rule != "match-guideline" or guidelines is not None)
