"""A Dask cluster that does the work of `--jobs`, where one is named."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
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

    # First without a client, which goes on trying in the background and says so when it is thrown away.
    try:
        _reach(address)
    except TypeError as error:
        rule = "a tls address needs certificates: Dask's settings distributed.comm.tls, or DASK_DISTRIBUTED__COMM__TLS"
        raise BadInputError([Problem("--dask", None, None, rule)]) from error
    except (OSError, ValueError) as error:
        raise BadInputError(
            [Problem("--dask", None, None, f"no scheduler answers ({type(error).__name__})")]
        ) from error
    client = Client(address, timeout=WAIT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
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


def _reach(address: str) -> None:
    """Connect to a scheduler and let go; raises OSError, ValueError for an address, TypeError without certificates."""
    with ThreadPoolExecutor(1) as aside:  # Whoever calls may have an event loop of their own.
        aside.submit(lambda: asyncio.run(_reached(address))).result()


async def _reached(address: str) -> None:
    from distributed import Security  # noqa: PLC0415
    from distributed.comm.core import connect  # noqa: PLC0415

    arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    opened = connect(address, timeout=WAIT_SECONDS, **arguments)  # type: ignore[no-untyped-call]
    comm = await asyncio.wait_for(opened, WAIT_SECONDS + 1)
    await comm.close()
