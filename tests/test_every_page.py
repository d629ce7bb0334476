"""What holds for every answer of every address: its headers, its markup, and what it leaves behind."""

import re
from html.parser import HTMLParser

import pytest

from tests.everywhere import posted_everywhere, walked
from tests.test_headers import ALWAYS, LEAVES, POLICY
from tests.walk import Markup

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# Pages of the frame itself: they show no record, so nobody reads one there.
SHOWS_NO_RECORD = {
    "admin/login/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/jsi18n/",
    "admin/auth/user/add/",
    "admin/auth/user/<id>/password/",
    "admin/intake/call/add/",
    "admin/paper/",
    # What the desk showed a moment ago is in the audit already: see tests/test_desk.py.
    "admin/desk/live/",
    "admin/session/",
    # The box to search in.
    "admin/find/",
}
# What was sent to them empty shows nothing: see tests/test_call_sheet_live.py, test_known_caller.py.
SHOWS_WHAT_WAS_SENT = {"admin/intake/call/live/", "admin/intake/call/known-caller/"}
# The desk of a role without callers is a list of places to go.
DESK = ("admin/", "admin/<app_label>/")
# The call sheet names earlier calls of the number, which is a second thing to read.
READS_MORE = ("change", "dial", "referral", "insurance", "callback")


@pytest.fixture(scope="session")
def walk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return walked()


@pytest.fixture(scope="session")
def answers(django_db_setup, django_db_blocker):
    """Every answer to a GET and to a POST."""
    with django_db_blocker.unblock():
        return [*walked().visits, *posted_everywhere()]


@pytest.fixture(scope="session")
def pages(answers):
    """Every page once for each role, address pattern and status."""
    shown = {
        (visit.role, visit.route, visit.method, visit.status): visit
        for visit in answers
        if visit.is_page
    }
    return list(shown.values())


# --- What comes with it --------------------------------------------------------------------------


def test_every_answer_carries_the_one_policy_and_the_other_headers(answers):
    assert len(answers) > 1000
    for visit in answers:
        assert set(visit.headers["Content-Security-Policy"].split("; ")) == POLICY, visit
        leaves = visit.route == "leave/" and visit.status == 303
        for name, value in {**ALWAYS, **(LEAVES if leaves else {})}.items():
            assert visit.headers[name] == value, f"{visit}: {name}"
        assert visit.headers["Cache-Control"] == "no-store", visit


def test_no_page_holds_a_script_a_style_or_an_address_of_elsewhere(pages):
    wrong = {f"{visit}: {fault}" for visit in pages for fault in Markup(visit.body).faults}
    assert not wrong, "\n".join(sorted(wrong))


def test_the_markup_test_sees_what_it_looks_for():
    page = (
        '<p style="x"><a onclick="x" href="javascript:x"></a><style></style><script></script>'
        '<script type="application/json"></script><script src="/x.js"></script>'
        '<img src="//elsewhere/x"><a href="https://elsewhere/"></a><form action="http://x/"></form>'
    )
    assert len(Markup(page).faults) == 7


def test_no_field_for_what_a_caller_says_is_remembered_by_the_browser(pages):
    """Shared desks: what one agent typed is not offered to the next."""
    wrong = set()
    for visit in pages:
        if visit.route.startswith("admin/intake/"):
            # The sign-in dialog of every page is for the staff's own name.
            names = set(Remembered(visit.body).names) - {"username"}
            wrong |= {f"{visit.route} {name}" for name in names}
    assert not wrong, "\n".join(sorted(wrong))


class Remembered(HTMLParser):
    """The names of text fields a browser may fill in by itself."""

    def __init__(self, text):
        super().__init__()
        self.names, self.is_off = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.is_off = given.get("autocomplete") == "off"
        typed = {"text", "tel", "search", "email", "number", "date", "datetime-local", "time"}
        is_typed = tag == "textarea" or (tag == "input" and given.get("type", "text") in typed)
        if is_typed and not self.is_off and given.get("autocomplete") != "off":
            self.names.append(given.get("name"))

    def handle_endtag(self, tag):
        if tag == "form":
            self.is_off = False


# --- What it leaves behind -----------------------------------------------------------------------


def test_reading_changes_nothing_but_the_audit(walk):
    assert not walk.changed


def test_everything_read_is_written_to_the_audit(answers):
    unwritten = [str(visit) for visit in answers if shows_records(visit) and not visit.events]
    assert not unwritten, "\n".join(unwritten)


def test_a_list_or_a_history_read_is_one_event(walk):
    for visit in walk.visits:
        is_list = re.fullmatch(r"admin/(intake|auth)/\w+/", visit.route)
        if visit.status == 200 and (is_list or visit.route.endswith("/history/")):
            assert visit.events == 1, visit


def test_a_record_read_is_one_event_or_two(walk):
    """Two where a page shows the record and a list beside it."""
    for visit in walk.visits:
        if visit.status == 200 and "<path:object_id>" in visit.route:
            assert visit.events in {1, 2}, visit


def shows_records(visit):
    """A staff page or file that was shown, except those that hold no record."""
    is_shown = visit.status in {200, 422} and visit.route.startswith("admin/")
    if not is_shown or visit.route in SHOWS_NO_RECORD | SHOWS_WHAT_WAS_SENT:
        return False
    if visit.route in DESK:
        return visit.role in {"Agent", "Supervisor"}
    return True


def test_what_was_refused_or_not_found_writes_no_read(answers):
    for visit in answers:
        if visit.method == "GET" and visit.status in {302, 403, 404}:
            assert visit.events == 0, visit
