"""Change lists that stay quick over millions of rows, and walk any distance back.

A list counts a few pages ahead, sorts as an index does, and goes by days and months between two
ends of an index. After a thousand rows "Earlier" leads on: the same list, ending where this one
ends.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.core.paginator import InvalidPage, Page, Paginator
from django.db import DataError, connection, models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake.typed_text import EARLIEST, LATEST

if TYPE_CHECKING:
    from intake.admin.base import HelplineAdmin

SEARCH_ID = "s"
MONTHS_OFFERED = 120
# The moment of the last row is asked for again, so that no row of that moment is left out.
MOMENT = timedelta(microseconds=1)


class ListPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of at most ``most`` rows, never counting further; ``on_top`` rows come before others.

    Those stand in the order they came, the longest waiting on top: two walks of an index, where
    one ordering by a condition would sort the whole table.
    """

    def __init__(
        self,
        object_list: QuerySet[Any],
        per_page: int,
        *,
        most: int,
        on_top: Q | None = None,
        dated: str = "",
    ) -> None:
        super().__init__(object_list, per_page)
        self.most, self.parts = most, [object_list]
        if on_top is not None:
            first = object_list.filter(on_top).order_by(dated, "id")
            self.parts = [first, object_list.exclude(on_top)]

    @cached_property
    def _lengths(self) -> list[int]:
        # Without the order: the rarest of several filters may then lead.
        return [part.order_by()[: self.most + 1].count() for part in self.parts]

    @cached_property
    def count(self) -> int:
        return min(sum(self._lengths), self.most)

    @property
    def is_cut(self) -> bool:
        """Whether there is more than was counted."""
        return sum(self._lengths) > self.most

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        stop = min(start + self.per_page, self.count)
        rows: list[Any] = []
        for part, length in zip(self.parts, self._lengths, strict=True):
            rows += part[max(start, 0) : max(stop, 0)]
            start, stop = start - length, stop - length
        return Page(rows, number, self)


class HelplineChangeList(ChangeList):
    """A change list whose search terms live in the database, behind ``?s=<opaque id>``."""

    model_admin: "HelplineAdmin"

    def get_filters_params(self, params: Any = None) -> Any:
        lookups = super().get_filters_params(params)
        lookups.pop(SEARCH_ID, None)
        return lookups

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Only by a column that ``sortable_by`` names: Django takes any number in the address."""
        asked = self.params.pop(ORDER_VAR, "")
        kept = [part for part in asked.split(".") if self._is_sortable(part)]
        if kept:
            self.params[ORDER_VAR] = ".".join(kept)
        return super().get_ordering(request, queryset)

    def _is_sortable(self, part: str) -> bool:
        number = part.removeprefix("-")
        is_one = number.isascii() and number.isdigit() and int(number[:4]) < len(self.list_display)
        return is_one and self.list_display[int(number[:4])] in (self.sortable_by or ())

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        queryset = super().get_queryset(request, exclude_parameters)
        text = self.model_admin.searched_text(request)
        return self.model_admin.find(queryset, text) if text is not None else queryset

    @cached_property
    def _record_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=["_"])

    def url_for_result(self, result: Any) -> str:
        """As Django's, but found once for all rows."""
        return self._record_url.replace("/_/", f"/{quote(result.pk)}/", 1)

    def get_results(self, request: HttpRequest) -> None:
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            self.result_list = paginator.page(self.page_num).object_list
        except (InvalidPage, OverflowError, ValueError, DataError) as error:
            raise IncorrectLookupParameters from error
        self.paginator, self.result_count = paginator, paginator.count
        self.multi_page = self.result_count > self.list_per_page
        self.show_full_result_count, self.full_result_count = False, None
        self.show_admin_actions, self.can_show_all = True, False

    @property
    def earlier(self) -> str:
        """The address of what lies beyond the last page; "" while there are pages to turn."""
        pages: Any = self.paginator
        if not (pages.is_cut and self.page_num >= pages.num_pages):
            return ""
        last, dated = self.result_list[-1], self.model_admin.dated
        end = {f"{dated}__lt": (getattr(last, dated) + MOMENT).isoformat()} if dated else None
        return self.get_query_string(end or {"id__lt": str(last.pk)}, [PAGE_VAR])


# --- Filters ------------------------------------------------------------------------------------


class DayFilter(admin.FieldListFilter):
    """Today, yesterday, a week or a month, in the zone of the helpline: two ends of an index."""

    template = "admin/day_filter.html"

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, *args: Any, **named: Any
    ) -> None:
        self.model = model
        self.since, self.until = f"{field.name}__gte", f"{field.name}__lt"
        super().__init__(field, request, params, model, *args, **named)
        used: Any = self.used_parameters
        self.given = {name: values[-1] for name, values in used.items()}

    def expected_parameters(self) -> list[str | None]:
        return [self.since, self.until]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{name: _moment(text) for name, text in self.given.items()})

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        oldest, newest = self._end("", today), self._end("-", today)
        any_time = self._choice(changelist, _("Any time"))
        yield any_time
        known = False
        for name, first, days in _stretches(is_ahead=newest >= _days_from(today, 1)):
            begin = _days_from(today, first)
            choice = self._choice(changelist, name, begin, _days_from(begin, days))
            known = known or choice["selected"]
            yield choice
        for begin, end in _months(oldest, newest):
            name = date_format(begin, "F Y")
            choice = self._choice(changelist, name, begin, end)
            known = known or choice["selected"]
            yield choice | {"year": begin.year, "short": date_format(begin, "M")}
        if self.given and not known:
            yield {"selected": True, "display": _("A stretch of your own"), "query_string": ""}

    def _choice(
        self,
        changelist: ChangeList,
        name: str,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> dict[str, Any]:
        ends = {self.since: begin.isoformat(), self.until: end.isoformat()} if begin and end else {}
        return {
            "selected": self.given == ends,
            "display": name,
            "query_string": changelist.get_query_string(
                ends, [PAGE_VAR, *([] if ends else [self.since, self.until])]
            ),
        }

    def _end(self, sign: str, otherwise: datetime) -> datetime:
        """The oldest or the newest moment there is, from one end of the index."""
        name = self.field.name
        held = self.model._default_manager.filter(**{f"{name}__isnull": False})
        moment = held.order_by(f"{sign}{name}").values_list(name, flat=True).first()
        return timezone.localtime(moment) if moment else otherwise


def _moment(text: str) -> datetime:
    """A moment, or the beginning of a day; raises ``IncorrectLookupParameters``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise IncorrectLookupParameters from error
    if not EARLIEST.year <= moment.year <= LATEST.year:
        # At the very ends of the calendar no zone but its own can tell the time.
        raise IncorrectLookupParameters
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _stretches(*, is_ahead: bool) -> Iterator[tuple[str, int, int]]:
    """(name, first day counted from today, number of days)."""
    if is_ahead:
        yield _("Next 7 days"), 0, 7
        yield _("Tomorrow"), 1, 1
    yield _("Today"), 0, 1
    yield _("Yesterday"), -1, 1
    yield _("Last 7 days"), -6, 7


def _days_from(midnight: datetime, days: int) -> datetime:
    """Midnight some days on, though the clocks change between."""
    moved = midnight.replace(tzinfo=None) + timedelta(days=days)
    return moved.replace(tzinfo=midnight.tzinfo)


def _months(oldest: datetime, newest: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The first moments of each month and the next, the newest month first."""
    begin = newest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _month in range(MONTHS_OFFERED):
        end = (begin.replace(day=1) + timedelta(days=40)).replace(day=1)
        yield begin, end
        if begin <= oldest:
            return
        begin = (begin - timedelta(days=1)).replace(day=1, hour=0)


class HeldValuesFilter(admin.AllValuesFieldListFilter):
    """The values a column holds, found by leaping along its index from each to the next.

    Django's own reads every row for them.
    """

    def __init__(self, field: Any, *args: Any, **named: Any) -> None:
        super().__init__(field, *args, **named)
        self.lookup_choices: Any = held_values(field)


def held_values(field: "models.Field[Any, Any]") -> list[str]:
    """The different values of a column, in order."""
    named = connection.ops.quote_name
    table, column = named(field.model._meta.db_table), named(str(field.column))
    # Names of our own models; nothing typed.
    leap = f"SELECT MIN({column}) FROM {table} WHERE {column} > held.value"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE held(value) AS (SELECT MIN({column}) FROM {table}"  # noqa: S608
            f" UNION ALL SELECT ({leap}) FROM held WHERE held.value IS NOT NULL)"
            " SELECT value FROM held WHERE value IS NOT NULL"
        )
        return [value for (value,) in cursor.fetchall()]
