"""The product doing its job: a synthetic cohort, a model with its audit, and one patient followed over HTTP.

`python3 dev.py demo` runs this. Everything it makes goes into `demo-data/`, which each run makes anew.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from examples.replay import enter_patient, replay
from examples.serving import ServiceError, require_free, running_service

FOLDER = Path("demo-data")
N_PATIENTS = 4000
HORIZON_MONTHS = 24.0

# Days before today: the last visit is recent, so that the next one lies ahead.
RESECTED = 840
PATIENT = {
    "patient_ref": "demo-1",
    "tier": "regional",
    "baseline": {
        "age_years": 58,
        "sex": "female",
        "size_mm": 14,
        "depth": "submucosa",
        "central_depression": True,
        "grade": "G2",
        "ki67_percent": 5,
        "lymphovascular_invasion": False,
        "margin": "R0",
        "technique": "esd",
        "adjuvant": "none",
        "ppi_use": False,
    },
}
VISITS: list[tuple[int, dict[str, float], dict[str, str]]] = [
    (650, {"cga": 52}, {"sigmoidoscopy": "negative", "pelvic_mri": "negative"}),
    (460, {"cga": 49}, {"sigmoidoscopy": "negative", "ct": "negative"}),
    (70, {"cga": 96}, {"sigmoidoscopy": "negative"}),
    (12, {"cga": 101, "liquid_biopsy_score": 41}, {"pelvic_mri": "negative", "liver_mri": "negative"}),
]


def main() -> int:
    """Run the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
    parser.add_argument("--exit", action="store_true", help="stop at the end instead of serving until Ctrl-C")
    options = parser.parse_args()
    # Whoever is asked to stop stops the service too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return demonstrate(options.port, stop_at_the_end=options.exit)
    except ServiceError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0


def demonstrate(port: int, *, stop_at_the_end: bool) -> int:
    """Make everything anew in FOLDER and follow the patient; raises ServiceError."""
    require_free(port)  # before the minute of training, not after it
    shutil.rmtree(FOLDER, ignore_errors=True)
    cohort, artifacts = FOLDER / "cohort", FOLDER / "artifacts"
    _step("A synthetic cohort", "synthetic_data", "--patients", str(N_PATIENTS), "--seed", "1", "--out", str(cohort))
    _step("A model and its audit", "model.train", "--cohort", str(cohort), "--out", str(artifacts), "--jobs", "2")
    print("\n== One patient, visit by visit, over HTTP\n", flush=True)
    with running_service(artifacts, FOLDER / "demo.sqlite", port) as (client, service):
        model = client.get("/v1/model")["model"]
        patient, visits = example_patient(datetime.now(tz=UTC).date())
        patient_id = enter_patient(client, patient)
        for line in replay(client, patient_id, visits, horizon=HORIZON_MONTHS):
            print(line)
        print(f"Model {model['version']}. {model['notice']}\n")
        print(f"The patient's page:  {client.base}/ui/patients/{patient_id}")
        print(f"The audit:           {artifacts / model['version'] / 'audit.html'}")
        print(f"The same, served:    {client.base}/v1/models/{model['version']}/calibration")
        print(f"Log in with the key: {FOLDER / 'demo.key'}")
        print(f"The HTTP interface:  {client.base}/openapi.json", flush=True)
        if not stop_at_the_end:
            print("\nThe service stays up until Ctrl-C.", flush=True)
            service.wait()
    return 0


def example_patient(today: date) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the patient and the visits as the service takes them."""
    visits = [{"date": _before(today, days), "markers": m, "tests": t} for days, m, t in VISITS]
    return {**PATIENT, "origin_date": _before(today, RESECTED)}, visits


def _before(today: date, days: int) -> str:
    return (today - timedelta(days=days)).isoformat()


def _step(title: str, module: str, *arguments: str) -> None:
    """Run one of the project's commands as a user would, and say how long it took."""
    print(f"\n== {title}\n$ python -m {' '.join([module, *arguments])}", flush=True)
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603 - our own command
    print(f"({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
