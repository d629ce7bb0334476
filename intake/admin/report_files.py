"""Reports as CSV files: hashed and written to the audit before the first byte goes out."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from intake.admin.report_request import EXPORT, READ, audit, read_request, reading, require
from intake.reports import callback_list, callbacks, calls, funnel, safety
from intake.reports.figures import Figure, Table
from intake.reports.period import Period
from intake.reports.spreadsheet import File, TooManyRows, csv_file

CALLBACK_LIST = "callback-list"
FIGURES = "figures"
# Numbers to ring and the promises behind them: nobody exports what they may not open.
LIST_PERMISSIONS = ("intake.view_callback", "intake.view_person")

TABLES: dict[str, Callable[[Period, datetime], list[Table]]] = {
    **dict.fromkeys(calls.TABLES, lambda period, now: calls.tables(calls.read(period))),
    **dict.fromkeys(
        callbacks.TABLES, lambda period, now: callbacks.tables(callbacks.read(period, now=now))
    ),
    **dict.fromkeys(funnel.TABLES, lambda period, now: funnel.tables(funnel.read(period, now=now))),
}


@reading(READ, EXPORT)
def export(site: AdminSite, request: HttpRequest, code: str) -> HttpResponseBase:
    """One table of the report, its figures, or the list of callbacks, for the days asked for."""
    if code not in {*TABLES, FIGURES, CALLBACK_LIST}:
        raise Http404
    if code == CALLBACK_LIST:
        require(request, *LIST_PERMISSIONS)
    asked = read_request(request)
    if asked.period is None:
        return HttpResponseRedirect(asked.url("reports"))
    try:
        columns, made = _make(code, asked.period, asked.now)
    except TooManyRows as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(asked.url("reports"))
    audit(
        request,
        "report.exported",
        asked,
        report=code,
        columns=columns,
        rows=made.rows,
        sha256=made.sha256,
    )
    return _send(made, code, asked.period)


def _make(code: str, period: Period, now: datetime) -> tuple[Sequence[str], File]:
    """The file and the codes of its columns."""
    if code == CALLBACK_LIST:
        columns = callback_list.COLUMNS
        return columns, csv_file(columns, callback_list.rows(period, now=now))
    if code == FIGURES:
        return _figures(period, now)
    table = next(table for table in TABLES[code](period, now) if table.code == code)
    return table.columns, csv_file(table.headers, table.rows)


def _figures(period: Period, now: datetime) -> tuple[Sequence[str], File]:
    figures: list[Figure] = [
        *calls.read(period).figures,
        *safety.figures(period),
        *callbacks.read(period, now=now).figures,
        *funnel.read(period, now=now).figures,
    ]
    return Figure.COLUMNS, csv_file(Figure.COLUMNS, (figure.row() for figure in figures))


def _send(made: File, code: str, period: Period) -> HttpResponseBase:
    """In pieces from memory: personal data in clear never touches the disk.

    The name tells the report and its days, nothing of what the helpline is for.
    """
    return FileResponse(
        io.BytesIO(made.content),
        as_attachment=True,
        filename=f"{code}-{period.first}-to-{period.last}.csv",
        content_type="text/csv; charset=utf-8",
    )
