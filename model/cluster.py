"""A Dask cluster that does the work of `--jobs`, where one is named."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from joblib import parallel_config

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS = 10
# By import name: the libraries on which the last digits of a result hang.
DECIDING = ("numpy", "scipy", "sklearn", "pandas", "numba")


@contextmanager
def spread_over(address: str | None) -> Iterator[None]:
    """Send what runs in parallel meanwhile to the workers of the scheduler at an address; None = to none.

    The workers run what they are sent: only a cluster that nobody else can reach may be named. Raises BadInputError
    where nobody answers, no worker is there, or a worker runs other versions of what the results hang on.
    """
    if address is None:
        yield
        return
    from distributed import Client  # noqa: PLC0415 - heavy, and seldom asked for

    try:
        client = Client(address, timeout=WAIT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise BadInputError(
            [Problem("--dask", None, None, f"no scheduler answers ({type(error).__name__})")]
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError as error:
            raise BadInputError([Problem("--dask", None, None, "the scheduler has no worker")]) from error
        versions = cast("dict[str, Any]", client.get_versions(packages=list(DECIDING)))
        ours = versions["client"]["packages"]
        others = [worker["packages"] for worker in versions["workers"].values()]
        if odd := [name for name in DECIDING if any(theirs[name] != ours[name] for theirs in others)]:
            rule = f"workers have other versions than this program of {', '.join(odd)}"
            raise BadInputError([Problem("--dask", None, None, rule)])
        with parallel_config(backend="dask", client=client, wait_for_workers_timeout=WAIT_SECONDS):
            yield
