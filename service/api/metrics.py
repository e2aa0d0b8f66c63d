"""Counts and times of requests for Prometheus, by route template: never by path, which names a patient."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"


class Metrics:
    """What one process counts; with PROMETHEUS_MULTIPROC_DIR set, `text` gives the sum over its processes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "recurrence_risk_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "recurrence_risk_request_seconds",
            "Time to the end of an answer.",
            ("route",),
            buckets=BOUNDS_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "recurrence_risk_requests_in_flight",
            "Requests being answered now.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.model_problem = Gauge(
            "recurrence_risk_model_problem",
            "1 if the model that ought to answer may not, and another one goes on.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self.audit_broken = Gauge(
            "recurrence_risk_audit_broken",
            "1 if the audit log did not hold when it was last verified here, 0 if it did or was not verified.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count one answer."""
        shown = route or NO_ROUTE
        self.requests.labels(method if method in METHODS else "other", shown, str(status)).inc()
        self.seconds.labels(shown).observe(seconds)

    def text(self) -> bytes:
        """Write everything down as Prometheus reads it."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
