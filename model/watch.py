"""Long work may be watched: somebody sees each result pass, and changes nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from joblib import Parallel

# A worker that holds much memory is replaced between two jobs; nothing is lost, and nobody can do anything about it.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)

Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Takes the results as they come, how many there will be, and what is being done; hands the results on."""
Runner = Callable[[str, Iterable[Any]], list[Any]]
"""Takes what is being done and joblib's delayed calls; returns their results in order."""


def unwatched(results: Iterable[Any], total: int, what: str) -> Iterable[Any]:  # noqa: ARG001
    """Nobody looks."""
    return results


def runner(jobs: int, watch: Watch) -> Runner:
    """Share work among so many processes, watched."""

    def run(what: str, tasks: Iterable[Any]) -> list[Any]:
        known = list(tasks)
        return list(watch(Parallel(n_jobs=jobs, return_as="generator")(known), len(known), what))

    return run
