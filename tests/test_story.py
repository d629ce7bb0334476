"""One call, from first ring to report. Read this first.

Through HTTP only, as an agent, a supervisor and a stranger, against `manage.py up`: a real web
server, Celery worker and beat, a real broker and a real mail server. Once on the embedded default,
once on PostgreSQL and a Redis-protocol server. Facilities are invented on the former; on the latter
they are the real directory where its file is at hand.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import mail_server, servers
from tests.telling import tells
from tests.test_up import Up, processes
from tests.visitor import Visitor

pytestmark = [pytest.mark.once, pytest.mark.slow]

PHONE = "+12025550143"
SECRETS = ("2025550143", "555-0143", "Quillfeather", "XMP-77")
NEW_YORK = ZoneInfo("America/New_York")
LEASE_SECONDS = 11


class Helpline(Up):
    """The helpline as an operator runs it, and the commands they have."""

    def __init__(self, data, mail_port, **environment):
        self.data = data
        self.environment = {
            "HELPLINE_DATA": data,
            "SECRET_KEY": None,
            "HELPLINE_KEYS": None,
            "DEMO": "0",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
            "HELPLINE_STAFF_EMAIL": "desk@example.org",
            "REMINDER_LEASE_SECONDS": str(LEASE_SECONDS),
            "REMINDER_SWEEP_SECONDS": "1",
            **environment,
        }
        super().__init__(data, **self.environment)

    def command(self, *arguments):
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=servers.ROOT,
            env=servers.child_environment(**self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def manage(self, *arguments):
        return self.command("manage.py", *arguments)

    def move_clock(self, gap):
        self.command("-m", "tests.move_clock", str(gap.total_seconds() / 3600))

    def kill_workers(self):
        """SIGKILL for the worker and its pool at once, as if the machine had lost power."""
        victims = [pid for pid, _parent, command in processes() if self._is_worker(pid, command)]
        assert victims
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

    def _is_worker(self, pid, command):
        return pid in self.family() and "celery" in command and " beat" not in command

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(data, **environment):
    mail_port = servers.free_port()
    inbox, mail = mail_server.start(mail_port)
    helpline = Helpline(data, mail_port, **environment)
    try:
        helpline.wait_until_ready()
        helpline.inbox = inbox
        yield helpline
    finally:
        inbox.stalled = False
        if helpline.process.poll() is None:
            helpline.stop()
        mail.stop()


def until(condition, *, seconds=180, saying=lambda: ""):
    """Wait for something real to happen in another process."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, saying()
        time.sleep(0.2)
    return found


@pytest.fixture(params=["embedded", "postgresql-and-redis"])
def helpline(request, run_folder):
    environment = {}
    if request.param != "embedded":
        environment["DATABASE_URL"] = request.getfixturevalue("postgresql").create("story")
        environment["REDIS_URL"] = request.getfixturevalue("valkey").url(60)
    with running(run_folder / "data", **environment) as helpline:
        yield helpline


def test_one_call_from_first_ring_to_report(helpline):
    staff = open_the_house(helpline)
    agent = Visitor(helpline.address, secrets=SECRETS)
    desk = agent.log_in("ava", staff["agent"])

    sheet = log_the_call(agent, desk)
    screen_says_inpatient_only(agent, sheet)
    ask_the_health_plan(agent, sheet)
    referral = offer_to_three_and_place_with_one(agent, sheet)
    due, promise = promise_tomorrow_at_nine(agent, sheet)
    close_the_call(agent, sheet)

    stranger_asks_for_a_callback(helpline, agent)

    helpline.inbox.stalled = True
    helpline.move_clock(due - datetime.now(UTC) + timedelta(seconds=30))
    reminded_once_though_the_worker_was_killed(helpline, agent, promise)
    ring_and_reach(agent)
    arrive(agent, referral)
    supervisor_reads_it_all(helpline, staff)
    the_audit_holds(helpline)


def open_the_house(helpline):
    """The operator imports the directory and makes accounts."""
    workbook = servers.real_directory()
    # On SQLite it is imported in tests/test_facilities.py.
    if workbook and "DATABASE_URL" in helpline.environment:
        assert "12,744 rows read" in helpline.manage("import_facilities", str(workbook))
    printed = helpline.manage("demo", "--calls", "0")
    found = re.findall(r"^([a-z ]+): (\S+) (\S+)$", printed, re.MULTILINE)
    return {role: password for role, _username, password in found}


def log_the_call(agent, desk):
    """Daily clonazepam, stopped two days ago, a seizure the last time."""
    page = agent.follow(desk, "Log a call")
    form = page.form(having="call-call_type")
    # At noon, which there is every day: an hour of March is left out.
    stopped = (datetime.now(NEW_YORK) - timedelta(days=2)).replace(hour=12)
    form.fill(**{
        "call-call_type": "about_self",
        "call-narrative": "Stopped by herself two days ago. Shaky, no sleep.",
        "caller-alias": "Wren",
        "caller-name": "Wren Quillfeather",
        "caller-phone": "(202) 555-0143",
        "caller-zip_code": "20001",
        "caller-voicemail_rule": "none",
        "person-age": 41,
        "substances-0-substance": "Klonopin",
        "substances-0-dose_mg": "2",
        "substances-0-times_a_day": "2",
        "substances-0-days_a_week": 7,
        "substances-0-duration": 2,
        "substances-0-duration_unit": "years",
        "substances-0-last_used_at": stopped.strftime("%Y-%m-%dT%H:%M"),
        "substances-0-stopped_abruptly": "yes",
        "substances-0-source": "own_prescription",
    })  # fmt: skip
    before = agent.submit(page, form, button="draft")
    assert before.status == 200, before.words
    assert "Inpatient only" not in before.words
    refused = agent.get(before.url.split("?")[0].replace("change/", "insurance/").split("#")[0])
    assert "safety screen" in refused.words.lower()
    return before


def sheet_form(agent, sheet):
    page = agent.get(sheet.url)
    return page, page.form(having="call-call_type")


def screen_says_inpatient_only(agent, sheet):
    page, form = sheet_form(agent, sheet)
    questions = [name for name in form.choices if name.startswith("screen-")]
    form.fill(**dict.fromkeys(questions, "no"))
    form.fill(**{"screen-withdrawal_seizure": "yes"})
    screened = agent.submit(page, form, button="screened")
    assert screened.status == 200, screened.words
    assert "Inpatient only" in screened.words
    assert "safe to" not in screened.words.replace("safe to call", "")
    assert "911" in screened.words


def ask_the_health_plan(agent, sheet):
    page, form = sheet_form(agent, sheet)
    consent = agent.submit(page, form, button="consent")
    given = consent.form(having="given_how").fill(
        given_how="verbal",
        confirmed="on",
        health_plan="on",
        health_plan_recipient="Example Mutual",
        facilities="on",
    )
    assert agent.submit(consent, given).status == 200

    page, form = sheet_form(agent, sheet)
    request = agent.submit(page, form, button="insurance")
    asked = request.form(having="new-payer_name").fill(**{
        "new-payer_name": "Example Mutual",
        "new-member_id": "XMP-77",
        "levels_wanted": ["4-WM", "3.7-WM"],
    })  # fmt: skip
    check = agent.submit(request, asked)
    assert "Waiting to be worked" in check.words, check.words
    taken = agent.submit(check, check.form(action="/take/"))
    answer = agent.get(taken.url.replace("change/", "answer/"))
    told = answer.form(having="representative").fill(
        coverage="active",
        representative="Dana",
        payer_reference="CALL-4",
        not_a_guarantee="on",
        **{"level-3.7-WM-covered": "yes"},
    )
    answered = agent.submit(answer, told)
    assert "Verified" in answered.words, answered.words
    assert "Dana" in answered.words


def offer_to_three_and_place_with_one(agent, sheet):
    page, form = sheet_form(agent, sheet)
    need = agent.submit(page, form, button="referral")
    shown = agent.submit(need, need.form(having="zip_code"))
    offers = shown.form(having="facilities")
    assert len(offers.choices["facilities"]) >= 3, shown.words
    offers.fill(facilities=offers.choices["facilities"][:3])
    asked = agent.submit(shown, offers)
    assert asked.words.count("Asked") >= 3, asked.words
    accepting = agent.get(asked.address("/accept/"))
    placed = agent.submit(accepting, accepting.form(having="contact").fill(contact="Intake desk"))
    assert "Accepted" in placed.words
    assert placed.words.count("Withdrawn") >= 2, placed.words
    return placed.url


def promise_tomorrow_at_nine(agent, sheet):
    page, form = sheet_form(agent, sheet)
    promise = agent.submit(page, form, button="callback")
    tomorrow = (datetime.now(NEW_YORK) + timedelta(days=1)).replace(
        hour=9, minute=0, second=0, microsecond=0
    )
    form = promise.form(having="due").fill(
        due=tomorrow.strftime("%Y-%m-%dT%H:%M"), asked_outside_hours="on", reason="How was it?"
    )
    promised = agent.submit(promise, form)
    assert promised.status == 200, promised.words
    assert "9:00 AM" in promised.words, promised.words
    return tomorrow.astimezone(UTC), re.search(r"B-[0-9A-Z]{8}", promised.title)[0]


def close_the_call(agent, sheet):
    page, form = sheet_form(agent, sheet)
    closed = agent.submit(page, form.fill(**{"closing-disposition": "referred"}), button="close")
    assert closed.status == 200
    assert "Closed" in closed.words or "closed" in closed.words


def stranger_asks_for_a_callback(helpline, agent):
    """With somebody looking over their shoulder, and a finger that presses twice."""
    stranger = Visitor(helpline.address, secrets=("3035550177", "555-0177"))
    page = stranger.get("/callback/")
    time.sleep(4)  # nobody fills this in faster
    form = page.form(having="phone").fill(
        phone="(303) 555-0177", in_danger="no", day="tomorrow", part="afternoon", consent="on"
    )
    thanks = stranger.submit(page, form)
    assert thanks.status == 200, thanks.words
    assert not tells(thanks.html, "0177")
    again = stranger.submit(page, form)
    assert again.status == 200
    assert {cookie.name for cookie in stranger.cookies} <= {"csrftoken", "csrf", "__Host-csrf"}
    listed = agent.get("/admin/intake/callback/")
    assert "Public web form" in listed.words
    promises = set(re.findall(r"B-[0-9A-Z]{8}", listed.words))
    assert len(promises) == 2, promises


def reminded_once_though_the_worker_was_killed(helpline, agent, promise):
    """Claimed, and the mail server keeps the worker waiting: there it dies."""
    inbox = helpline.inbox
    until(lambda: inbox.waiting, saying=lambda: helpline.output)
    helpline.kill_workers()
    inbox.stalled = False
    until(lambda: "worker" in helpline.output and "restarted" in helpline.output)
    until(lambda: inbox.messages, saying=lambda: helpline.output)
    desk = until(lambda: with_reminder(agent))
    assert promise in desk.words
    time.sleep(LEASE_SECONDS + 3)
    ids = inbox.message_ids()
    assert len(ids) == len(set(ids)), ids
    (due, *_later) = inbox.messages
    assert due["To"] == "ava@example.org"
    text = due["Subject"] + due.get_content()
    assert not any(secret in text for secret in SECRETS)
    return due


def with_reminder(agent):
    desk = agent.get("/admin/")
    return desk if "/seen/" in desk.html else None


def ring_and_reach(agent):
    desk = agent.get("/admin/")
    callback = agent.get(re.search(r"/admin/intake/callback/[0-9a-f-]{36}/change/", desk.html)[0])
    assert PHONE not in callback.html
    dial = agent.submit(callback, callback.form(action="/claim/"))
    assert "No voicemail." in dial.words
    assert PHONE not in dial.html
    ringing = agent.submit(dial, dial.form(having="shown"), button="Show the number")
    assert f"tel:{PHONE}" in ringing.html
    talking = agent.submit(ringing, ringing.form(having="note"), button="identity")
    reached = agent.submit(talking, talking.form(having="note"), button="reached")
    assert "Recorded: Reached the person" in reached.words


def arrive(agent, referral_url):
    referral = agent.get(referral_url)
    arriving = agent.get(referral.address("/arrived/"))
    (form,) = (form for form in arriving.forms if ["", "", "Arrived"] in form.buttons)
    arrived = agent.submit(arriving, form)
    assert "Arrived" in arrived.words


def supervisor_reads_it_all(helpline, staff):
    supervisor = Visitor(helpline.address, secrets=SECRETS)
    supervisor.log_in("sam", staff["supervisor"])
    today = datetime.now(NEW_YORK).date()
    since = today - timedelta(days=10)
    report = supervisor.get(f"/admin/reports/?from={since}&to={today}")
    assert report.status == 200, report.words
    rows = [" ".join(row.split()) for row in report.text.splitlines() if row.strip()]
    text = " ".join(rows)
    assert "Referred to a facility" in text
    assert PHONE not in report.html
    files = [href for href, label in report.links if ".csv" in href or "CSV" in label]
    assert files
    return text


def the_audit_holds(helpline):
    helpline.manage("shell", "-c", "from intake.tasks import seal_events; seal_events()")
    assert "sealed and intact" in helpline.manage("verify_audit")
