"""Errors and log lines that tell where it broke, and nothing about whom.

Exception texts quote values (`Key (phone)=(…) already exists`), and so do locals, forms, query
strings and cookies. So a report holds the type of an exception and the code it passed through,
never its text. The price is paid when debugging; the code location is usually enough.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import ItemsView, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

# What follows the question mark of an address.
QUERY = re.compile(r"(/[^\s?\"']*)\?[^\s\"']*")
# What we signed into an address: whoever has it may look after somebody's request.
SIGNED = re.compile(r"/[A-Za-z0-9_-]{20,}(?:(?::|%3A)[A-Za-z0-9_-]{5,})+", re.IGNORECASE)

# What Django quotes of a header when it refuses a request: the page somebody came from, a host.
QUOTED = re.compile(r"(?<= - ).*(?=does not match any)|(?<=HTTP_HOST header): .*", re.DOTALL)


def describe(error: BaseException | None) -> str:
    """Type and code locations of an exception and its causes, innermost last; no texts."""
    return "\n".join(line for part in chain(error) for line in part)


def chain(error: BaseException | None) -> Iterator[list[str]]:
    """Causes first. A cycle of causes ends where it began."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for link in reversed(seen):
        yield [name_of(type(link)), *locations(link.__traceback__)]


def name_of(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def locations(trace: TracebackType | None) -> list[str]:
    return [
        f"  {frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(trace)
    ]


class LineFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and for errors type and code."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": safe_message(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = name_of(type(error))
            line["where"] = describe(error)
        return json.dumps(line)


def safe_message(record: logging.LogRecord) -> str:
    """The message with exceptions reduced to their type and addresses to their path, unsigned."""
    args = record.args
    if isinstance(args, Mapping):
        message = celery_message(args) if "id" in args and "name" in args else None
        if message is None:
            message = interpolate(record.msg, {key: safe_value(v) for key, v in args.items()})
    else:
        message = interpolate(record.msg, tuple(safe_value(value) for value in args or ()))
    if record.name.startswith("django.security."):
        message = QUOTED.sub("", message)
    return SIGNED.sub("/-", QUERY.sub(r"\1", message))


def interpolate(template: object, args: Any) -> str:
    text = str(safe_value(template))
    if not args:
        return text
    try:
        return str(text % args)
    except (TypeError, ValueError, KeyError):
        return text


def safe_value(value: object) -> object:
    if isinstance(value, BaseException):
        return name_of(type(value))
    if isinstance(value, HttpRequest):
        return f"{value.method} {value.path}"
    return value


def celery_message(args: Mapping[str, Any]) -> str:
    """Celery's own lines quote the exception, the arguments and the return value; this does not."""
    outcome = args.get("description") or ("succeeded" if "return_value" in args else "received")
    return f"Task {args['name']}[{args['id']}] {outcome}"


class ReporterFilter(SafeExceptionReporterFilter):
    """Drops form, cookies, headers, settings and locals wholesale, not field by field."""

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(
        self, request: HttpRequest, tb_frame: Any
    ) -> ItemsView[str, Any]:
        return {}.items()


class Reporter(ExceptionReporter):
    """Error pages of DEBUG and error mails: path, exception type and code locations."""

    def get_traceback_text(self) -> SafeString:
        method = self.request.method if self.request else "-"
        path = self.request.path if self.request else "-"
        # Safe as plain text is: the page below escapes it.
        return SafeString(f"{method} {path}\n{describe(self.exc_value)}\n")

    def get_traceback_html(self) -> SafeString:
        return format_html(
            "<!doctype html><title>Error</title><pre>{}</pre>", escape(self.get_traceback_text())
        )


def install_hooks() -> None:
    """Errors outside any log (a dying process, a thread, a broken handler) keep the same silence."""
    sys.excepthook = lambda kind, error, trace: print_error(error)
    threading.excepthook = lambda args: print_error(args.exc_value)
    sys.unraisablehook = lambda args: print_error(args.exc_value)
    # A failing log handler would otherwise print the message and its arguments.
    logging.raiseExceptions = False


def print_error(error: BaseException | None) -> None:
    sys.stderr.write(describe(error) + "\n")
