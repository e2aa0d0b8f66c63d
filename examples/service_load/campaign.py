"""Generated requests from the service's own OpenAPI document: no 500, and every answer as the document says."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from examples.service_load.clinic import all_at_once
from examples.service_load.generated import Ids, Operation, drawn
from examples.service_load.options import require
from examples.service_load.process import serving
from examples.service_load.schema import Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.service_load.caller import Answer
    from examples.service_load.databases import Place
    from examples.service_load.generated import Request
    from examples.service_load.options import Options

MOST_SHOWN = 20


def report(options: Options, place: Place) -> Iterator[str]:
    """Run and yield lines; raises BrokenPromiseError where an answer is not as the document says."""
    with serving(place, options.artifacts) as service:
        document = service.caller().ask("GET", "/openapi.json").json()
        operations = [
            Operation(method, path, about) for path, item in document["paths"].items() for method, about in item.items()
        ]
        schemas = Schemas(document["components"]["schemas"])
        ids = Ids(forbidden=service.key.split("_")[1])
        statuses: Counter[tuple[str, str, int]] = Counter()
        faults: Counter[str] = Counter()

        def work(number: int) -> None:
            caller, rng = service.caller(), random.Random(f"{options.seed} {number}")  # noqa: S311 - test data
            weights = [each.weight for each in operations]
            for operation in rng.choices(operations, weights, k=-(-options.requests // options.clients)):
                request = drawn(operation, schemas, ids, rng)
                headers = {name.replace("-", "_"): value for name, value in request.headers.items()}
                answer = caller.ask(operation.method.upper(), request.path, request.body, **headers)
                statuses[operation.method.upper(), operation.path, answer.status] += 1
                faults.update(_faults(request, answer, schemas))
                if answer.status < 300 and answer.headers.get("content-type") == "application/json" and answer.body:
                    ids.learn(request, answer.json())

        all_at_once(work, options.clients, during=lambda: None)
        log = service.verify_audit_log()
    yield f"{sum(statuses.values())} requests from {options.clients} clients to {len(operations)} operations"
    for route in sorted({key[:2] for key in statuses}, key=lambda key: (key[1], key[0])):
        found = ", ".join(f"{key[2]}: {count}" for key, count in sorted(statuses.items()) if key[:2] == route)
        yield f"    {' '.join(route)}  {found}"
    yield f"audit log: {log}"
    shown = "; ".join(f"{fault} ({count} times)" for fault, count in faults.most_common(MOST_SHOWN))
    require(not faults, f"every answer is one that the document describes: {shown}")
    yield "no 500, no answer that the document does not describe"


def _faults(request: Request, answer: Answer, schemas: Schemas) -> Iterator[str]:
    """Yield how an answer differs from what the document says of it."""
    about, where = request.operation.about, f"{request.operation.method.upper()} {request.operation.path}"
    if answer.status == 500:
        yield f"{where}: 500"
    described = about["responses"].get(str(answer.status))
    if described is None:
        yield f"{where}: {answer.status} is not in the document"
        return
    content = described.get("content", {})
    media = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        if answer.body:
            yield f"{where}: {answer.status} with a body"
    elif media not in content:
        yield f"{where}: {answer.status} as {media}, which is not in the document"
    elif media.endswith("json"):
        yield from (f"{where}: {fault}" for fault in schemas.faults(content[media].get("schema", {}), answer.json()))
