"""Where it broke, and nothing about whom."""

import io
import json
import logging
import sys
import threading

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_class

from helpline import reporting
from helpline.reporting import LineFormatter, Reporter, describe

pytestmark = pytest.mark.once

CANARY = "ZQX-canary-7f3a"


def break_with_a_cause():
    secret = CANARY
    try:
        {}[secret]
    except KeyError as error:
        raise ValueError(f"no {secret}") from error


@pytest.fixture
def failure():
    try:
        break_with_a_cause()
    except ValueError as error:
        return error


@pytest.fixture
def log():
    """A logger that writes with our formatter; log.lines are its lines, read back."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("tests.reporting")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.text = stream.getvalue
    logger.lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    return logger


@pytest.fixture
def request_with_canaries():
    return RequestFactory().post(
        f"/calls/?phone={CANARY}",
        {"narrative": CANARY, "password": CANARY},
        headers={"Cookie": f"session={CANARY}", "Referer": CANARY, "User-Agent": CANARY},
    )


def test_a_failure_is_its_type_and_its_code(failure):
    text = describe(failure)
    assert text.startswith("KeyError\n")
    assert "ValueError" in text
    assert "break_with_a_cause" in text
    assert CANARY not in text


def test_a_logged_failure_says_no_more(log, failure):
    log.error("It broke: %s", failure, exc_info=failure)
    [line] = log.lines()
    assert line["message"] == "It broke: ValueError"
    assert line["error"] == "ValueError"
    assert "break_with_a_cause" in line["where"]
    assert CANARY not in log.text()


def test_a_failure_as_the_message_itself_says_no_more(log, failure):
    log.error(failure)
    assert log.lines()[0]["message"] == "ValueError"


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("Not Found: %s", (f"/admin/?q={CANARY}",), "Not Found: /admin/"),
        (f'"GET /admin/?q={CANARY} HTTP/1.1" 200', (), '"GET /admin/ HTTP/1.1" 200'),
        ("Error handling request %s", (f"/a/b?x=1&y={CANARY}",), "Error handling request /a/b"),
        ("100% done", (), "100% done"),
        ("%(a)s", ({"a": 1},), "1"),
    ],
)
def test_addresses_lose_their_query_and_odd_messages_pass(log, message, arguments, expected):
    log.info(message, *arguments)
    assert log.lines()[0]["message"] == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Referer": f"https://{CANARY}.example/about/me"},
        {"Referer": f"{CANARY}"},
        {"Origin": f"https://{CANARY}.example"},
        {"Host": f"{CANARY}.example"},
        {"Host": f"{CANARY}_{CANARY}/"},
    ],
    ids=["from elsewhere", "no referrer at all", "origin", "host", "impossible host"],
)
def test_a_refused_request_does_not_say_where_it_came_from(log, client, headers):
    security = logging.getLogger("django.security")
    security.addHandler(log.handlers[0])
    try:
        client.handler.enforce_csrf_checks = True
        client.cookies["csrf"] = "a" * 32
        answer = client.post("/admin/login/", {}, secure=True, headers=headers)
    finally:
        security.removeHandler(log.handlers[0])
    assert answer.status_code in {400, 403}
    assert log.lines
    assert CANARY.lower() not in str(log.lines).lower()


def test_a_message_that_does_not_fit_its_arguments_is_shown_without_them():
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%d of %s", (CANARY,), None)
    assert json.loads(LineFormatter().format(record))["message"] == "%d of %s"


def test_a_request_in_a_message_is_its_method_and_path(log, request_with_canaries):
    log.error("Forbidden: %s", request_with_canaries)
    assert log.lines()[0]["message"] == "Forbidden: POST /calls/"


def test_several_lines_stay_one_line(log):
    log.info("one\ntwo")
    assert len(log.text().splitlines()) == 1


@pytest.mark.parametrize(
    "template",
    [
        "Task %(name)s[%(id)s] %(description)s: %(exc)s\n%(traceback)s",
        "Task %(name)s[%(id)s] succeeded in %(runtime)ss: %(return_value)s",
        "Task %(name)s[%(id)s] retry: %(exc)s",
        "TaskPool: Apply %(name)s %(id)s (args:%(args)r kwargs:%(kwargs)r)",
    ],
)
def test_celery_lines_name_task_and_id_only(log, template):
    values = {
        "name": "intake.tasks.sweep_desk",
        "id": "0193",
        "description": "raised unexpected",
        "exc": repr(ValueError(CANARY)),
        "traceback": CANARY,
        "return_value": CANARY,
        "runtime": 1,
        "args": f"[{CANARY}]",
        "kwargs": "{}",
    }
    log.error(template, values)
    assert "intake.tasks.sweep_desk[0193]" in log.lines()[0]["message"]
    assert CANARY not in log.text()


def test_the_report_of_django_holds_path_and_code_only(failure, request_with_canaries):
    kind = get_exception_reporter_class(request_with_canaries)
    assert kind is Reporter
    assert issubclass(kind, ExceptionReporter)
    reporter = kind(request_with_canaries, type(failure), failure, failure.__traceback__)
    for text in (reporter.get_traceback_text(), reporter.get_traceback_html()):
        assert "POST /calls/" in text
        assert "break_with_a_cause" in text
        assert CANARY not in text


def test_the_data_of_a_report_holds_no_form_cookie_header_or_local(failure, request_with_canaries):
    """For a report made by other code than ours, the filter drops what it is asked for."""
    data = reporting.ReporterFilter()
    assert data.get_post_parameters(request_with_canaries) == {}
    assert data.get_safe_cookies(request_with_canaries) == {}
    assert data.get_safe_request_meta(request_with_canaries) == {}
    assert data.get_safe_settings() == {}
    assert not data.get_traceback_frame_variables(request_with_canaries, failure.__traceback__)


def test_a_process_or_thread_that_dies_says_no_more(monkeypatch, capfd, failure):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    reporting.install_hooks()
    sys.excepthook(type(failure), failure, failure.__traceback__)
    thread = threading.Thread(target=break_with_a_cause)
    thread.start()
    thread.join()
    printed = capfd.readouterr().err
    assert printed.count("ValueError") == 2
    assert CANARY not in printed


def test_a_task_that_fails_or_succeeds_logs_no_value(log, monkeypatch):
    """Through Celery itself, at its most talkative."""
    from celery import Celery

    app = Celery("tests", broker="memory://", set_as_current=False)
    monkeypatch.setattr(logging.getLogger("celery.app.trace"), "handlers", log.handlers)
    monkeypatch.setattr(logging.getLogger("celery.app.trace"), "level", logging.DEBUG)

    @app.task(name="breaks")
    def breaks(value):
        raise ValueError(value)

    @app.task(name="returns")
    def returns(value):
        return value

    breaks.apply(args=[CANARY])
    returns.apply(args=[CANARY])
    failed, succeeded = log.lines()
    assert failed["message"].startswith("Task breaks[")
    assert failed["error"] == "ValueError"
    assert succeeded["message"].endswith("] succeeded")
    assert CANARY not in log.text()


@pytest.mark.django_db
def test_an_error_in_a_view_reaches_the_log_without_its_request(client, log, settings, monkeypatch):
    from helpline import health

    def fail():
        raise ValueError(CANARY)

    monkeypatch.setattr(health, "not_ready", fail)
    logger = logging.getLogger("django.request")
    monkeypatch.setattr(logger, "handlers", log.handlers)
    client.raise_request_exception = False
    response = client.get(f"/health/ready?q={CANARY}", headers={"X-Phone": CANARY})
    assert response.status_code == 500
    assert CANARY not in response.content.decode()
    assert log.lines()[0]["message"] == "Internal Server Error: /health/ready"
    assert CANARY not in log.text()


@pytest.mark.django_db
def test_debug_pages_say_no_more(client, settings, monkeypatch):
    from helpline import health

    settings.DEBUG = True

    def fail():
        raise ValueError(CANARY)

    monkeypatch.setattr(health, "not_ready", fail)
    client.raise_request_exception = False
    page = client.get(f"/health/ready?q={CANARY}").content.decode()
    assert "ValueError" in page
    assert CANARY not in page
