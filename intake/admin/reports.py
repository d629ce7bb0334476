"""The reports page and the rows behind each number. Read-only, and every reading is audited."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.admin.report_files import CALLBACK_LIST, FIGURES, export
from intake.admin.report_request import EXPORT, READ, Asked, audit, read_request, reading, require
from intake.models import Call, Callback
from intake.reports import callbacks, calls, charts, funnel, safety
from intake.reports.figures import NOTHING, Cell, Figure, RowsBehind, Table
from intake.reports.period import LONGEST_DAYS, Choice, Period
from intake.reports.rows import BEHIND, Behind

ROWS_A_PAGE = 50


def urls(site: AdminSite) -> list[URLPattern]:
    """``reports``, ``reports_rows`` and ``reports_csv``, to stand before the site's own URLs."""

    def page(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(route, site.admin_view(partial(view, site)), name=name)

    return [
        page("reports/", show, "reports"),
        page("reports/rows/<slug:code>/", show_rows, "reports_rows"),
        page("reports/<slug:code>.csv", export, "reports_csv"),
    ]


@reading(READ)
def show(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The report of some days; wrong dates come back on the form, without figures."""
    asked = read_request(request)
    context = {
        **site.each_context(request),
        "title": _("Reports"),
        "form": asked.form,
        "choices": _choices(asked),
        "longest": LONGEST_DAYS,
    }
    if asked.period is None:
        return TemplateResponse(request, "admin/intake/reports.html", context, status=422)
    audit(request, "report.read", asked)
    context |= _sections(asked, asked.period, may_export=request.user.has_perm(EXPORT))
    return TemplateResponse(request, "admin/intake/reports.html", context)


def _choices(asked: Asked) -> list[dict[str, Any]]:
    """The named periods as links; the one shown is marked."""
    return [
        {
            "label": choice.label,
            "url": f"?{urlencode({'period': choice.value})}",
            "is_current": choice == asked.choice,
        }
        for choice in Choice
        if choice != Choice.CUSTOM
    ]


def _sections(asked: Asked, period: Period, *, may_export: bool) -> dict[str, Any]:
    call_report = calls.read(period)
    callback_report = callbacks.read(period, now=asked.now)
    funnel_report = funnel.read(period, now=asked.now)
    days, hours, dispositions, non_service = (
        _panel(table, asked, may_export) for table in calls.tables(call_report)
    )
    (promises,) = (_panel(table, asked, may_export) for table in callbacks.tables(callback_report))
    (stages,) = (_panel(table, asked, may_export) for table in funnel.tables(funnel_report))
    return {
        "subtitle": _period_text(period),
        "zone": period.zone.key,
        "as_of": asked.now,
        "is_unfinished": period.end > asked.now,
        "has_clock_change": len(period.offsets()) > 1,
        "still_followed": funnel_report.still_followed,
        "call_figures": [_card(figure, asked) for figure in call_report.figures],
        "safety_figures": [_card(figure, asked) for figure in safety.figures(period)],
        "calls_by_day": _with(days, charts.by_day(call_report)),
        "calls_by_hour": _with(hours, charts.by_hour(call_report)),
        "dispositions": dispositions,
        "non_service": non_service,
        "callback_figures": [_card(figure, asked) for figure in callback_report.figures],
        "promises": _with(promises, charts.promises(callback_report)),
        "outcomes": [
            _link(RowsBehind(f"callbacks_{code}", label), asked)
            for code, label in callbacks.OUTCOMES.items()
        ],
        "overdue": callback_report.missed_and_open,
        "overdue_url": asked.url("reports_rows", "callbacks_overdue"),
        "funnel_figures": [_card(figure, asked) for figure in funnel_report.figures],
        "stages": _with(stages, charts.funnel(funnel_report)),
        "figures_url": asked.url("reports_csv", FIGURES) if may_export else "",
        "callback_list_url": asked.url("reports_csv", CALLBACK_LIST) if may_export else "",
    }


def _period_text(period: Period) -> str:
    first, last = (formats.date_format(day, "D, M j, Y") for day in (period.first, period.last))
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _card(figure: Figure, asked: Asked) -> dict[str, Any]:
    return {"figure": figure, "links": [_link(rows, asked) for rows in figure.rows]}


def _link(rows: RowsBehind, asked: Asked) -> dict[str, Any]:
    return {"label": rows.label, "url": asked.url("reports_rows", rows.code)}


def _panel(table: Table, asked: Asked, may_export: bool) -> dict[str, Any]:
    """A table as _chart.html and _report_table.html take it."""
    return {
        "id": table.code,
        "title": table.title,
        "formula": table.note,
        "headers": table.headers,
        "has_short_names": table.columns[0] in {"day", "hour"},
        "rows": [[_cell_text(cell) for cell in row] for row in table.rows],
        "csv_url": asked.url("reports_csv", table.code) if may_export else "",
    }


def _with(panel: dict[str, Any], drawing: charts.Bars | charts.Stages) -> dict[str, Any]:
    return {**panel, **{name: getattr(drawing, name) for name in drawing.__dataclass_fields__}}


def _cell_text(cell: Cell) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, date):
        return formats.date_format(cell, "D, M j")
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


# --- The rows behind a number --------------------------------------------------------------------


@reading(READ)
def show_rows(site: AdminSite, request: HttpRequest, code: str) -> HttpResponse:
    """The records a figure counted, each with a link; the audit names every one shown."""
    behind = BEHIND.get(code)
    if behind is None:
        raise Http404
    require(request, f"intake.view_{behind.model._meta.model_name}")
    asked = read_request(request)
    if asked.period is None:
        return HttpResponseRedirect(asked.url("reports"))
    found = behind.find(asked.period, asked.now)
    page = Paginator(found, ROWS_A_PAGE).get_page(request.GET.get("page"))
    records = list(page.object_list)
    audit(
        request,
        "list.read",
        asked,
        model=behind.model._meta.model_name,
        report=code,
        ids=[str(record.pk) for record in records],
    )
    headers = _row_headers(behind)
    context = {
        **site.each_context(request),
        "title": behind.title,
        "subtitle": f"{_period_text(asked.period)} · {asked.period.zone.key}",
        "back_url": asked.url("reports"),
        "query": asked.query,
        "page": page,
        "headers": headers,
        "rows": [_row(record, headers) for record in records],
        "total": ngettext("%(number)d record", "%(number)d records", page.paginator.count)
        % {"number": page.paginator.count},
    }
    return TemplateResponse(request, "admin/intake/reports_rows.html", context)


def _row_headers(behind: Behind) -> list[str]:
    if behind.model is Call:
        return [_("Call"), _("Began"), _("Kind"), _("Ended as")]
    return [_("Callback"), _("Deadline"), _("First attempt"), _("Status")]


def _row(record: Call | Callback, headers: Sequence[str]) -> dict[str, Any]:
    """Reference, times and codes: nothing that says who it was."""
    cells: Sequence[Any]
    if isinstance(record, Call):
        ending = record.get_disposition_display() or record.get_status_display()
        cells = [record.started_at, record.get_call_type_display(), ending]
    else:
        cells = [record.deadline_at, record.first_attempt_at, record.get_status_display()]
    return {
        "reference": record.reference,
        "url": _change_url(record),
        "cells": list(zip(headers[1:], cells, strict=True)),
    }


def _change_url(record: models.Model) -> str:
    return reverse(f"admin:intake_{record._meta.model_name}_change", args=[record.pk])
