"""Two questions a machine may ask: is this process alive, and can the helpline keep its promises?"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from intake.models import Heartbeat
from intake.models.clock import database_now
from intake.reports import watch

# Beat rings every 5 s; a dozen rings missed in a row is a stop, not a delay.
HEARTBEAT_MAX_AGE = timedelta(seconds=60)
BROKER_TIMEOUT_SECONDS = 2


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part works; 503 with the names of those that do not, and nothing else."""
    failed = not_ready()
    response = JsonResponse({"not_ready": failed}, status=503 if failed else 200)
    # The answer is the report; Django would write each as an error while the helpline starts.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def not_ready() -> list[str]:
    """The names of the parts that do not work.

    "sweep": nobody has looked for due reminders for two minutes. "reminders": one is due for over
    five minutes and in nobody's hands. "requests": what the public form took is not looked at
    for two minutes. Requests that wait for a human are not among it: a stranger could make some.
    """
    # Asked once: a server that does not answer costs the connection's time-out each time.
    is_there = database_answers()
    of_the_database: dict[str, Callable[[], bool]] = {
        "database": is_migrated,
        "worker": lambda: was_seen("worker"),
        "beat": lambda: was_seen("beat"),
        "sweep": lambda: watch.is_swept(database_now()),
        "reminders": lambda: watch.late_since(database_now()) is None,
        # The web server noted when they came, by its own clock.
        "requests": lambda: watch.is_admitted(timezone.now()),
    }
    failed = [
        name for name, probe in of_the_database.items() if not (is_there and answers_yes(probe))
    ]
    return failed if broker_answers() else [*failed, "broker"]


def answers_yes(probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except Error:
        return False


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


# Databases known to be migrated. They stay so for the life of the process; "no" is asked again.
_migrated: set[str] = set()


def is_migrated() -> bool:
    if connection.alias not in _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.add(connection.alias)
    return True


def broker_answers() -> bool:
    try:
        return bool(broker().ping())
    except (RedisError, OSError):
        return False


@cache
def broker() -> Redis:
    return Redis.from_url(
        broker_url(),
        socket_timeout=BROKER_TIMEOUT_SECONDS,
        socket_connect_timeout=BROKER_TIMEOUT_SECONDS,
    )


def broker_url() -> str:
    """Celery says redis+socket:// where the client library says unix://."""
    return settings.BROKER_URL.replace("redis+socket://", "unix://", 1)


def was_seen(name: str) -> bool:
    """Has this process given a sign of life in the last minute?

    The `heartbeat` task, sent by beat and run by a worker, stamps both their rows.
    """
    seen_at = timezone.now() - HEARTBEAT_MAX_AGE
    return answers_yes(Heartbeat.objects.filter(name=name, seen_at__gt=seen_at).exists)
