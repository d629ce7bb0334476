"""Time in SQL: whole seconds, counted and compared by the database itself.

Django's own ``TruncDate`` and differences of times run a Python function for every row on SQLite;
over a year of calls that takes five to fifteen times as long as the integer arithmetic here (see
``bench/reports.py``). The results are the same: a test holds them against Python's own clock.
"""

import math
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    Case,
    Expression,
    F,
    Func,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from intake.reports.period import Period

HOUR = 3600


class Epoch(Func):
    """Whole seconds since 1970, UTC; parts of a second are dropped, as on a clock."""

    output_field = BigIntegerField()
    arity = 1

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        # The percent sign passes two rounds of formatting.
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"
        return self.as_sql(compiler, connection, template=template, **extra)


def local_hour(field: str, period: Period) -> Combinable:
    """Hours on the wall clock since 1970, for a moment within ``period``.

    Divided by 24 it numbers the day, the rest is the hour of the day. Exact on days of 23 and 25
    hours and in zones off by quarters, since each stretch is shifted by the offset that held.
    """
    *earlier, (_end, last) = period.offsets()
    shift: Expression = Value(last, BigIntegerField())
    if earlier:
        shift = Case(
            *(When(**{f"{field}__lt": until}, then=Value(east)) for until, east in earlier),
            default=shift,
            output_field=BigIntegerField(),
        )
    return (Epoch(field) + shift) / Value(HOUR)


def seconds_between(start: str, end: str) -> Combinable:
    """Seconds from one column to another."""
    return Epoch(F(end)) - Epoch(F(start))


def nearest_rank(count: int, percent: int) -> int:
    """The place, counted from 0, of a percentile among ``count`` sorted values (nearest rank)."""
    return math.ceil(percent * count / 100) - 1


def percentiles(
    rows: QuerySet[Any], seconds: Combinable, count: int, percents: Sequence[int]
) -> list[int | None]:
    """The values at the nearest ranks among the ``count`` rows, in whole seconds.

    Each is one that really occurred; None where there are no rows.
    """
    if not count:
        return [None for _percent in percents]
    ordered = rows.annotate(seconds=seconds).order_by("seconds").values_list("seconds", flat=True)
    return [int(ordered[nearest_rank(count, percent)]) for percent in percents]
