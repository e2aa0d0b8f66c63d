"""Pictures of the pages for the documentation: the audit of a model, and the service's pages with invented patients.

`python -m examples.pictures --artifact artifacts/VERSION --cohort COHORT --out docs/images` needs a Chromium or Chrome
on this machine. The cohort is one that the model did not learn from; what was known of it on 2020-06-30 is known today.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from examples.browser import DESKTOP, PHONE, find_browser, running_browser
from examples.demo import example_patient
from examples.fill_store import fill
from examples.replay import enter_patient
from examples.serving import ServiceError, free_port, running_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser

COLOURS = 64  # Enough for words, lines and a few colours, at half the bytes.
MARGIN = 12.0  # Of page above and below, so that no letter touches the edge.
OPEN = "selector => document.querySelectorAll(selector).forEach(each => each.open = true)"
# Of the audit: file, window, from the top of one section to the end of another, what is unfolded.
AUDIT = (
    ("audit-answer", DESKTOP, "header", "section[aria-labelledby=answer]", ""),
    ("audit-literature", DESKTOP, "section[aria-labelledby=literature]", "section[aria-labelledby=literature]", ""),
    ("audit-event", DESKTOP, "section[aria-labelledby=event-distant]", "section[aria-labelledby=event-distant]", ""),
    (
        "audit-groups",
        DESKTOP,
        "section[aria-labelledby=groups]",
        "section[aria-labelledby=groups]",
        "section[aria-labelledby=groups] details:first-of-type",
    ),
    ("audit-phone", PHONE, "header", "section[aria-labelledby=answer]", ""),
)
UNTIL = date(2020, 6, 30)
# Of the service, with {} for the example patient: file, address, window, from where to where.
SERVICE = (
    ("patients", "/ui", DESKTOP, "header", "tbody tr:nth-child(12)"),
    ("patient", "/ui/patients/{}", DESKTOP, "header", "footer"),
    ("patient-phone", "/ui/patients/{}", PHONE, "header", "section[aria-labelledby=risk]"),
    ("monitoring", "/ui/monitoring", DESKTOP, "header", "footer"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all pictures; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.pictures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--artifact", type=Path, required=True, metavar="DIR", help="a trained model of the default study"
    )
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="from python -m synthetic_data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    options = parser.parse_args(arguments)
    path = find_browser()
    if path is None:
        print("pictures: no Chromium or Chrome is installed", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with running_browser(path) as browser:
            for name, window, first, last, unfolded in AUDIT:
                page = (options.artifact / "audit.html").resolve().as_uri()
                take(
                    browser, page, options.out / f"{name}.png", window=window, first=first, last=last, unfolded=unfolded
                )
            _take_service(browser, options.artifact, options.cohort, options.out)
    except ServiceError as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 1
    return 0


def take(
    browser: Browser,
    address: str,
    file: Path,
    *,
    window: dict[str, int],
    first: str,
    last: str,
    unfolded: str = "",
    cookie: dict[str, str] | None = None,
) -> None:
    """Take a picture of what lies between two elements of a page, as wide as the window."""
    with browser.new_context(viewport=window) as context:  # type: ignore[arg-type]
        context.add_cookies([cookie] if cookie else [])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(address)
        if unfolded:
            page.evaluate(OPEN, unfolded)
        boxes = [page.locator(place).bounding_box() for place in (first, last)]
        top, bottom = (box or {"y": 0.0, "height": 0.0} for box in boxes)
        start = max(top["y"] - MARGIN, 0.0)
        height = bottom["y"] + bottom["height"] + MARGIN - start
        clip = {"x": 0.0, "y": start, "width": window["width"], "height": height}
        shot = page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(shot)) as image:
        image.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _take_service(browser: Browser, artifact: Path, cohort: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "pictures.sqlite"
        fill(cohort, f"sqlite:///{database}", UNTIL)
        with running_service(artifact, database, free_port()) as (client, _):
            patient, visits = example_patient(datetime.now(tz=UTC).date())
            patient_id = enter_patient(client, patient)
            for visit in visits:
                client.post(f"/v1/patients/{patient_id}/visits", visit)
            cookie = client.log_in()
            for name, path, window, first, last in SERVICE:
                address, file = client.base + path.format(patient_id), out / f"{name}.png"
                take(browser, address, file, window=window, first=first, last=last, cookie=cookie)


if __name__ == "__main__":
    sys.exit(main())
