"""The collector of what sources and services have counted. Labels are from closed lists: sources, outcomes, states, windows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from verify_service import __version__
from verify_service.services import Services
from verify_service.sources.client import SourceRuntime
from verify_service.sources.policy import SourceState
from verify_service.storage.backlog import Backlog
from verify_service.telemetry.durations import Durations
from verify_service.telemetry.loop_lag import LoopLag
from verify_service.verification.plan import local_day

Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, float]]
_WAITS = (
    ("verify_tickets_open", "Tickets of deferred registers.", "open_tickets"),
    ("verify_tickets_overdue", "Tickets nobody looked at.", "overdue_tickets"),
    ("verify_outbox_waiting", "Events not routed to webhook endpoints.", "waiting_events"),
    ("verify_deliveries_waiting", "Deliveries to be made, or made again.", "waiting_deliveries"),
    ("verify_deliveries_dead", "Deliveries that were given up.", "dead_deliveries"),
    ("verify_webhook_endpoints_failing", "Endpoints that failed again and again.", "failing_endpoints"),
)


class ServiceMetrics(Collector):
    """Reads the counts of one application's services when it is collected. `backlog` is set by who can wait for the store."""

    def __init__(self, services: Services, lag: LoopLag) -> None:
        self._services = services
        self._lag = lag
        self.backlog: Backlog | None = None

    def collect(self) -> Iterator[Metric]:
        """Give every family, also those without samples, so that a dashboard finds the name."""
        runtimes = {name: channel.runtime for name, channel in self._services.channels.items()}
        yield from self._of_process()
        yield from _counted(runtimes)
        yield from _how_they_do(runtimes)
        yield from self._of_store()

    def _of_process(self) -> Iterator[Metric]:
        counts = self._services.counts
        yield _gauge("verify_build_info", "Always 1.", [((__version__,), 1.0)], "version")
        yield _gauge("verify_event_loop_lag_seconds", "The latest wake-up of the last minute.", [((), self._lag.worst)])
        running = float(len(self._services.background))
        yield _gauge("verify_background_verifications", "Verifications going on in this process.", [((), running)])
        states = [((state,), float(n)) for state, n in counts.states.items()]
        yield _counter("verify_verifications", "Verifications by the state they came into.", states, "state")
        yield _histogram("verify_issue_commit_seconds", "Seconds to make a report version durable.", {(): counts.commits})

    def _of_store(self) -> Iterator[Metric]:
        known = self.backlog
        for name, help_text, counted in _WAITS:
            yield _gauge(name, help_text, [] if known is None else [((), float(getattr(known, counted)))])


def _counted(runtimes: Mapping[str, SourceRuntime]) -> Iterator[Metric]:
    totals = {name: runtime.status.total() for name, runtime in runtimes.items()}
    answers = [((name, code.value), float(n)) for name, total in totals.items() for code, n in total.answers.items()]
    yield _counter("verify_answers", "Questions by source and outcome.", answers, "source", "outcome")
    attempts = [
        ((name, "whole" if code is None else code.value), float(n)) for name, total in totals.items() for code, n in total.attempts.items()
    ]
    yield _counter("verify_source_attempts", "Attempts by how they ended.", attempts, "source", "outcome")
    received = [((name,), float(total.bytes_received)) for name, total in totals.items()]
    yield _counter("verify_source_received_bytes", "Bytes of whole answers.", received, "source")
    durations: dict[Labels, Durations] = {(name,): total.durations for name, total in totals.items()}
    yield _histogram("verify_source_call_seconds", "Seconds an attempt took.", durations, "source")
    waits: dict[Labels, Durations] = {(name,): total.waits for name, total in totals.items()}
    yield _histogram("verify_source_wait_seconds", "Seconds an attempt waited for a place and quota.", waits, "source")


def _how_they_do(runtimes: Mapping[str, SourceRuntime]) -> Iterator[Metric]:
    policies = {name: runtime.policy.snapshot() for name, runtime in runtimes.items()}
    states = [((name, state.value), float(policy.state is state)) for name, policy in policies.items() for state in SourceState]
    yield _gauge("verify_source_state", "1 for the state that the source is in.", states, "source", "state")
    yield _gauge("verify_source_in_flight", "Calls under way.", [((n,), p.in_flight) for n, p in policies.items()], "source")
    yield _gauge("verify_source_waiting", "Calls waiting for a place.", [((n,), p.waiting) for n, p in policies.items()], "source")
    left = [((n, window), float(getattr(p, window).left)) for n, p in policies.items() for window in ("per_second", "per_day")]
    yield _gauge("verify_source_quota_left", "Calls that may still be made now.", left, "source", "window")
    yield from _observed(runtimes)


def _observed(runtimes: Mapping[str, SourceRuntime]) -> Iterator[Metric]:
    seen = {name: (runtime, runtime.status.observed()) for name, runtime in runtimes.items()}
    success = [((name,), o.last_success.timestamp()) for name, (_, o) in seen.items() if o.last_success is not None]
    yield _gauge("verify_source_last_success_timestamp_seconds", "When an answer last arrived whole.", success, "source")
    ages = [((n,), float((local_day(r.clock()) - o.window.as_of[0]).days)) for n, (r, o) in seen.items() if o.window.as_of is not None]
    yield _gauge("verify_source_oldest_answer_days", "Age of the oldest data that answers speak for.", ages, "source")
    drift = [((n, kind), float(len(getattr(o, f"{kind}_fields")))) for n, (_, o) in seen.items() for kind in ("new", "missing")]
    yield _gauge("verify_source_drifted_fields", "Fields that have come or gone since the reader was written.", drift, "source", "kind")


def _gauge(name: str, help_text: str, samples: Samples, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(name, help_text, labels=labels), samples)


def _counter(name: str, help_text: str, samples: Samples, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(name, help_text, labels=labels), samples)


def _filled(family: Any, samples: Samples) -> Metric:
    for labels, value in samples:
        family.add_metric(labels, value)
    metric: Metric = family
    return metric


def _histogram(name: str, help_text: str, durations: Mapping[Labels, Durations], *labels: str) -> Metric:
    family = HistogramMetricFamily(name, help_text, labels=labels)
    for values, counted in durations.items():
        family.add_metric(values, list(counted.cumulative()), counted.seconds)
    return family
