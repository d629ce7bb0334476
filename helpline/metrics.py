"""Figures for Prometheus, read from the database when asked, behind a token.

Nothing is counted in the processes: every web server gives the same answer, and a restart forgets
nothing. Labels are codes of ours; no figure is about a person.
"""

from collections.abc import Iterator
from datetime import datetime
from secrets import compare_digest

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from intake.models.clock import database_now
from intake.reports import watch

NEVER = float("inf")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, to who holds METRICS_TOKEN; without one set there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not holds_the_token(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    try:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    except Error:
        # Prometheus takes it as "down", which it is.
        return HttpResponse(status=503)


def holds_the_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given, wanted = token.strip().encode(), settings.METRICS_TOKEN.encode()
    return scheme.lower() == "bearer" and compare_digest(given, wanted)


def exposition() -> bytes:
    # A registry of its own: the library's holds figures of the process, among them paths.
    registry = CollectorRegistry()
    registry.register(Promises(database_now(), by_web_server=timezone.now()))
    return generate_latest(registry)


class Promises(Collector):
    """Each figure as the database has it at ``now``. docs/monitoring.md says what they mean.

    ``now`` is the database's clock, and ``by_web_server`` that of who noted when a request came:
    the two may differ.
    """

    def __init__(self, now: datetime, *, by_web_server: datetime) -> None:
        self.now, self.by_web_server = now, by_web_server

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self.reminders()
        yield from self.callbacks()
        yield from self.requests()
        yield from self.machinery()

    def reminders(self) -> Iterator[GaugeMetricFamily]:
        now = self.now
        due, late = watch.due_and_late(now)
        yield by_channel(
            "helpline_reminders_due",
            "Reminders whose time has come and that nobody has got yet.",
            due,
        )
        yield by_channel(
            "helpline_reminders_late",
            "Reminders due for over five minutes and in nobody's hands.",
            late,
        )
        yield by_channel(
            "helpline_reminders_dead",
            "Reminders given up, which a supervisor has to look at.",
            watch.dead(),
        )
        sent = GaugeMetricFamily(
            "helpline_reminders_sent_last_hour",
            "Reminders sent in the last 60 minutes.",
            labels=("channel", "stage"),
        )
        for labels, number in watch.sent(now).items():
            sent.add_metric(labels, number)
        yield sent
        yield GaugeMetricFamily(
            "helpline_reminders_lag_seconds",
            "How long ago the oldest reminder was due that nobody has got yet, texts left out.",
            self.since(watch.due_since(now) or now),
        )

    def callbacks(self) -> Iterator[GaugeMetricFamily]:
        families = {
            name: GaugeMetricFamily(f"helpline_callbacks_{name}", text, labels=("urgency",))
            for name, text in (
                ("open", "Promised callbacks that are open."),
                ("overdue", "Open callbacks past the moment at which the pool is told."),
                ("breached", "Open callbacks past the moment at which a supervisor is told."),
            )
        }
        for urgency, numbers in watch.open_callbacks(self.now).items():
            for name, family in families.items():
                family.add_metric((urgency,), getattr(numbers, name))
        yield from families.values()
        yield GaugeMetricFamily(
            "helpline_callbacks_uncontacted",
            "Open callbacks with fewer than three attempts.",
            watch.uncontacted(),
        )

    def requests(self) -> Iterator[GaugeMetricFamily]:
        held = GaugeMetricFamily(
            "helpline_requests_held",
            "Requests of the public form that wait for somebody to look at them.",
            labels=("because",),
        )
        now = self.by_web_server
        counts, held_since = watch.held(now)
        for because, number in counts.items():
            held.add_metric((because,), number)
        yield held
        yield GaugeMetricFamily(
            "helpline_requests_held_lag_seconds",
            "How long ago the oldest request came that waits for somebody to look at it.",
            age(held_since, now),
        )
        yield GaugeMetricFamily(
            "helpline_requests_received_lag_seconds",
            "How long ago the oldest request came that no sweep has looked at.",
            age(watch.received_since() or now, now),
        )

    def machinery(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "helpline_sweep_age_seconds",
            "How long ago anybody looked for due reminders; +Inf is never.",
            self.since(watch.swept_at()),
        )
        ages = GaugeMetricFamily(
            "helpline_heartbeat_age_seconds",
            "How long ago a process gave a sign of life; +Inf is never.",
            labels=("process",),
        )
        for name, seen_at in watch.signs_of_life().items():
            ages.add_metric((name,), self.since(seen_at))
        yield ages
        yield by_channel(
            "helpline_channel_paused",
            "1 while a channel rests because it was found out.",
            watch.paused(self.now),
        )
        yield GaugeMetricFamily(
            "helpline_audit_seal_lag_seconds",
            "How long ago the oldest event was written that is not sealed yet.",
            self.since(watch.unsealed_since() or self.now),
        )

    def since(self, moment: datetime | None) -> float:
        return NEVER if moment is None else age(moment, self.now)


def age(moment: datetime, now: datetime) -> float:
    """Seconds. What lies ahead, because a clock was put back, counts as so long ago: it is no sign
    of life."""
    return abs((now - moment).total_seconds())


def by_channel(name: str, text: str, counts: watch.Channels) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=("channel",))
    for channel, number in counts.items():
        family.add_metric((channel,), number)
    return family
