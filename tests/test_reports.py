"""The reports page: who may read it, which days it shows, what leaves it and what is written down."""

import csv
import hashlib
import io
import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from intake.actions import events
from intake.models import Callback, Event
from intake.reports import calls
from intake.reports.period import Period
from tests.report_world import World, utc

pytestmark = pytest.mark.django_db

WEEK = {"from": "2026-03-02", "to": "2026-03-08"}
TABLES = [
    "calls-by-day",
    "calls-by-hour",
    "dispositions",
    "not-service-calls",
    "callbacks-by-outcome",
    "funnel",
    "figures",
    "callback-list",
]


@pytest.fixture
def world(agent):
    return World(agent)


@pytest.fixture
def busy_week(world):
    """A little of everything in the week of 2 March 2026."""
    person = world.person(phone="+12025550143", name="Maria Invented")
    call = world.call_about(person, "2026-03-03 15:00:00", ended_as="referred")
    world.screen(call, level="emergency", acted="2026-03-03 15:02:00")
    world.check(call, "2026-03-03 15:10:00")
    world.offer(call, "2026-03-03 16:00:00", arrived="2026-03-04 16:00:00")
    world.call("2026-03-08 07:00:00", kind="silent", ended_as="non_service")
    world.callback("2026-03-03 15:00:00", tried=["2026-03-03 14:00:00"], status="reached")
    world.callback("2026-03-04 15:00:00", source="web", person=person, time_zone="America/Chicago")
    return world


@pytest.fixture
def desk(client_for, supervisor, frozen):
    return client_for(supervisor)


def page(client, **query):
    return client.get(reverse("admin:reports"), query or WEEK)


def file(client, code, **query):
    return client.get(reverse("admin:reports_csv", args=[code]), query or WEEK)


def content(response):
    return b"".join(response.streaming_content)


def parsed(raw):
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


# --- Who -----------------------------------------------------------------------------------------


def every_url():
    return [
        reverse("admin:reports"),
        *(reverse("admin:reports_csv", args=[code]) for code in TABLES),
        reverse("admin:reports_rows", args=["service_calls"]),
        reverse("admin:reports_rows", args=["callbacks_missed"]),
    ]


def test_supervisors_read_the_reports_and_nobody_else_does(
    client, client_for, supervisor, agent, privacy_officer, administrator, frozen
):
    for url in every_url():
        assert client_for(supervisor).get(url).status_code == 200, url
        for other in (agent, privacy_officer, administrator):
            assert client_for(other).get(url).status_code == 403, url
        assert client.get(url)["Location"].startswith(reverse("admin:login")), url
    assert not Event.objects.exclude(actor=supervisor).exists()


def test_reports_are_for_looking_only(desk, client_for, agent):
    for url in every_url():
        assert desk.post(url, WEEK).status_code == 405, url
        assert client_for(agent).post(url, WEEK).status_code == 403, url
    assert not Event.objects.exists()


def test_each_right_opens_its_own_part_only(client_for, frozen):
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_reports"))
    client = client_for(reader)
    response = page(client)
    assert response.status_code == 200
    assert b".csv" not in response.content
    assert file(client, "funnel").status_code == 403
    rows = reverse("admin:reports_rows", args=["service_calls"])
    assert client.get(rows, WEEK).status_code == 403
    # Exporting tables does not open the numbers of the people in them.
    reader.user_permissions.add(Permission.objects.get(codename="export_reports"))
    client = client_for(User.objects.get(pk=reader.pk))
    assert file(client, "funnel").status_code == 200
    assert file(client, "callback-list").status_code == 403


# --- Which days ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "choice", "shown"),
    [
        ("2026-03-10 14:00:00", "this_week", ("2026-03-09", "2026-03-15")),
        ("2026-03-10 14:00:00", "last_week", ("2026-03-02", "2026-03-08")),
        ("2026-03-10 14:00:00", "this_month", ("2026-03-01", "2026-03-31")),
        ("2026-03-10 14:00:00", "last_month", ("2026-02-01", "2026-02-28")),
        # Monday in UTC, still Sunday evening in New York.
        ("2026-03-09 03:30:00", "this_week", ("2026-03-02", "2026-03-08")),
        ("2026-03-09 04:00:00", "this_week", ("2026-03-09", "2026-03-15")),
    ],
)
def test_a_week_and_a_month_are_those_of_the_staff_clock(desk, frozen, now, choice, shown):
    frozen.move_to(utc(now))
    response = page(desk, period=choice)
    assert response.status_code == 200
    detail = Event.objects.get(verb="report.read").detail
    assert (detail["from"], detail["to"]) == shown


def test_without_a_choice_the_report_is_this_week(desk):
    assert desk.get(reverse("admin:reports")).status_code == 200
    assert Event.objects.get(verb="report.read").detail["from"] == "2026-03-09"


def test_the_days_follow_the_time_zone_of_the_helpline(desk, settings, world):
    settings.HELPLINE_TIME_ZONE = "America/Los_Angeles"
    world.call("2026-03-09 06:59:59")  # Sunday 23:59:59 in Los Angeles
    response = page(desk)
    assert "America/Los_Angeles" in response.content.decode()
    assert response.context["call_figures"][0]["figure"].value == 1


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        pytest.param("2026-03-08", "2026-03-02", "before the first", id="backwards"),
        pytest.param("2025-01-01", "2026-03-02", "at most 366 days", id="too long"),
        pytest.param("", "2026-03-02", "Give both dates", id="one missing"),
        pytest.param("02.03.2026", "2026-03-08", "YYYY-MM-DD", id="another order"),
        pytest.param("2026-02-30", "2026-03-08", "YYYY-MM-DD", id="no such day"),
        pytest.param("0001-01-01", "0001-01-02", "greater than", id="before time"),
        pytest.param("9999-12-31", "9999-12-31", "less than", id="after time"),
        pytest.param("9" * 5000, "2026-03-08", "YYYY-MM-DD", id="impossible number"),
        pytest.param("\u202e2026-03-02", "2026-03-08", "YYYY-MM-DD", id="right to left"),
        pytest.param("1; DROP TABLE", "<script>", "YYYY-MM-DD", id="not a date"),
        pytest.param("x" * 200_000, "2026-03-08", "YYYY-MM-DD", id="very long"),
    ],
)
def test_wrong_dates_come_back_with_a_message_and_no_figures(desk, first, last, told):
    response = page(desk, **{"from": first, "to": last})
    text = response.content.decode()
    assert response.status_code == 422
    assert told in text
    assert "<script>" not in text
    assert "figure-card" not in text
    assert not Event.objects.filter(verb="report.read").exists()


@pytest.mark.parametrize("query", ["period=custom&from=%00", "from=%ff"])
def test_an_address_that_is_not_text_is_refused(desk, query):
    assert desk.get(f"{reverse('admin:reports')}?{query}").status_code == 400


def test_an_unknown_period_is_told_and_a_file_of_wrong_dates_leads_back_to_the_form(desk):
    assert page(desk, period="next_year").status_code == 422
    response = file(desk, "funnel", **{"from": "2026-03-08", "to": "2026-03-02"})
    assert response.status_code == 302
    assert desk.get(response["Location"]).status_code == 422


# --- What is shown -------------------------------------------------------------------------------


class Page(HTMLParser):
    """Ids, headings, and what the policy forbids."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.attributes, self.levels = [], set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.attributes |= {name for name, _value in attributes}
        self.ids += [value for name, value in attributes if name == "id"]
        if re.fullmatch(r"h\d", tag):
            self.levels.append(int(tag[1]))


def test_the_page_tells_the_week_in_figures_charts_and_tables(desk, busy_week):
    response = page(desk)
    text = response.content.decode()
    assert response.status_code == 200
    assert "Mon, Mar 2, 2026 to Sun, Mar 8, 2026" in text
    assert "The clock changes within these days" in text
    for told in ("Safety-screen rate", "2 min 00 s", "Call to arrival", "Callbacks kept", "50%"):
        assert told in text
    assert len(re.findall(r"<svg viewBox=.0 0 \d+ 236.", text)) == 2
    read = Page(text)
    assert len(read.ids) == len(set(read.ids))
    assert not read.attributes & {"style", "onclick", "onload"}
    assert all(later - earlier <= 1 for earlier, later in pairwise(read.levels))


def test_a_chart_has_a_title_a_description_and_the_same_numbers_in_its_table(desk, busy_week):
    text = page(desk).content.decode()
    figure = re.search(r'<figure [^>]*aria-labelledby="calls-by-day.*?</figure>', text, re.DOTALL)[
        0
    ]
    assert '<title id="calls-by-day-svg-title">Calls by day</title>' in figure
    assert "2 calls. Most: 1 at Tue, Mar 3; fewest: 0 at Mon, Mar 2." in figure
    bars = re.findall(r"<title>(.*?): (\d+) (.*?)</title>", figure)
    assert bars == [("Tue, Mar 3", "1", "service calls"), ("Sun, Mar 8", "1", "not service calls")]
    rows = re.findall(r'<th scope="row">(.*?)</th>((?:<td class="number">\d+</td>)+)', figure)
    numbers = {day: re.findall(r"\d+", cells) for day, cells in rows}
    assert numbers["Tue, Mar 3"] == ["1", "0", "1"]
    assert numbers["Sun, Mar 8"] == ["0", "1", "1"]
    assert len(numbers) == 7


def test_a_chart_is_drawn_right_in_a_language_with_decimal_commas(desk, busy_week):
    response = desk.get(reverse("admin:reports"), WEEK, headers={"Accept-Language": "es"})
    figure = response.content.decode()
    drawn = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', figure)
    assert drawn
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", position) for position in drawn)


def test_days_that_are_not_over_are_said_to_be_provisional(desk, world):
    world.call_about(world.person(), "2026-03-09 15:00:00")
    assert "These days are not over" in page(desk, period="this_week").content.decode()
    text = page(desk).content.decode()
    assert "These days are not over" not in text
    assert "14 days" in text


def test_a_year_of_days_is_one_page_with_a_bar_a_day(desk, world):
    for month in range(1, 13):
        world.call(f"2025-{month:02d}-15 15:00:00")
    response = page(desk, **{"from": "2025-01-01", "to": "2025-12-31"})
    assert response.status_code == 200
    assert response.content.decode().count("series-1 thin") == 12


def test_the_number_of_queries_does_not_grow_with_the_calls(
    desk, busy_week, django_assert_max_num_queries
):
    for _n in range(20):
        busy_week.call_about(busy_week.person(), "2026-03-05 15:00:00")
        busy_week.callback("2026-03-05 15:00:00")
    with django_assert_max_num_queries(40):
        page(desk)


def test_no_page_of_the_reports_shows_who_it_was(desk, busy_week):
    rows = [reverse("admin:reports_rows", args=[code]) for code in ("red_flags", "callbacks_kept")]
    for url in (reverse("admin:reports"), *rows):
        text = desk.get(url, WEEK).content.decode()
        assert "55501" not in text
        assert "555-01" not in text
        assert "Maria" not in text


# --- The rows behind a figure --------------------------------------------------------------------


def test_every_link_of_the_page_leads_to_rows_and_the_audit_names_them(desk, busy_week):
    links = set(re.findall(r'href="(/admin/reports/rows/[^"]+)"', page(desk).content.decode()))
    assert len(links) > 15
    for link in links:
        assert desk.get(link.replace("&amp;", "&")).status_code == 200, link
    url = reverse("admin:reports_rows", args=["callbacks_missed"])
    response = desk.get(url, WEEK)
    # Asked for twice: as a link of the page, and here.
    first, event = [
        event
        for event in Event.objects.filter(verb="list.read")
        if event.detail["report"] == "callbacks_missed"
    ]
    assert first.detail == event.detail
    shown = re.findall(r"B-\w{8}", response.content.decode())
    assert len(shown) == 1
    assert event.detail["ids"] == [str(Callback.objects.get(status="open").pk)]


def test_rows_come_fifty_to_a_page_and_an_unknown_list_is_not_found(desk, world):
    for _n in range(51):
        world.call("2026-03-03 15:00:00")
    url = reverse("admin:reports_rows", args=["service_calls"])
    first, second = desk.get(url, WEEK), desk.get(url, {**WEEK, "page": 2})
    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 1)
    assert desk.get(url, {**WEEK, "page": "9" * 5000}).status_code == 200
    assert desk.get(reverse("admin:reports_rows", args=["everything"]), WEEK).status_code == 404
    wrong = desk.get(url, {"from": "x"})
    assert wrong.status_code == 302


# --- Files ---------------------------------------------------------------------------------------


def test_a_file_holds_the_numbers_of_the_page(desk, busy_week):
    response = file(desk, "calls-by-day")
    report = calls.read(Period(date(2026, 3, 2), date(2026, 3, 8), ZoneInfo("America/New_York")))
    (table, *_others) = calls.tables(report)
    assert parsed(content(response)) == [
        [str(header) for header in table.headers],
        *([str(cell) for cell in row] for row in table.rows),
    ]


@pytest.mark.parametrize("code", TABLES)
def test_a_file_is_private_neutral_in_name_and_fit_for_a_spreadsheet(desk, busy_week, code):
    response = file(desk, code)
    raw = content(response)
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Disposition"] == (
        f'attachment; filename="{code}-2026-03-02-to-2026-03-08.csv"'
    )
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == raw.count(b"\n")


@pytest.mark.parametrize("code", TABLES)
def test_an_export_is_in_the_audit_with_rows_columns_and_the_hash_of_the_file(
    desk, busy_week, code, supervisor
):
    raw = content(file(desk, code))
    event = Event.objects.get(verb="report.exported")
    rows = parsed(raw)
    assert event.actor == supervisor
    assert event.detail["report"] == code
    assert (event.detail["from"], event.detail["to"]) == ("2026-03-02", "2026-03-08")
    assert event.detail["rows"] == len(rows) - 1
    assert len(event.detail["columns"]) == len(rows[0])
    assert event.detail["sha256"] == hashlib.sha256(raw).hexdigest()


def test_the_list_of_callbacks_has_each_promise_with_its_number_to_dial(desk, busy_week):
    headers, kept, missed = parsed(content(file(desk, "callback-list")))
    kept, missed = (dict(zip(headers, row, strict=True)) for row in (kept, missed))
    assert kept["outcome"] == "Kept"
    assert (kept["attempts"], kept["phone"]) == ("1", "")
    assert missed["outcome"] == "Missed"
    assert missed["deadline_utc"] == "2026-03-04 15:00:00"
    assert missed["deadline_local"] == "2026-03-04 09:00"
    assert missed["time_zone"] == "America/Chicago"
    assert (missed["source"], missed["status"]) == ("Public web form", "Open")
    assert missed["phone"] == "+12025550143"


def test_a_number_that_asked_not_to_be_called_does_not_leave(desk, world):
    person = world.person(phone="+12025550143", do_not_call=True)
    world.callback("2026-03-04 15:00:00", person=person)
    raw = content(file(desk, "callback-list"))
    assert b"5550143" not in raw
    headers, row = parsed(raw)
    assert dict(zip(headers, row, strict=True))["do_not_call"] == "yes"


def test_the_list_of_callbacks_has_exactly_the_promises_of_its_days(desk, world):
    inside = [world.callback(at) for at in ("2026-03-02 05:00:00", "2026-03-09 03:59:59")]
    world.callback("2026-03-02 04:59:59")
    world.callback("2026-03-09 04:00:00")
    _headers, *rows = parsed(content(file(desk, "callback-list", **WEEK, select_across="1")))
    assert [row[0] for row in rows] == [callback.reference for callback in inside]


def test_without_the_audit_there_is_no_page_and_no_file(desk, busy_week, monkeypatch):
    def refuse(*args, **fields):
        raise RuntimeError("the audit cannot be written")

    monkeypatch.setattr(events, "write", refuse)
    for url in every_url():
        with pytest.raises(RuntimeError):
            desk.get(url, WEEK)


def test_too_long_a_file_is_refused_with_a_message_and_not_half_sent(desk, world, monkeypatch):
    monkeypatch.setattr("intake.reports.spreadsheet.MOST_ROWS", 2)
    response = file(desk, "calls-by-hour")
    assert response.status_code == 302
    assert "more than 100,000 rows" in desk.get(response["Location"]).content.decode()
    assert not Event.objects.filter(verb="report.exported").exists()


def test_an_unknown_file_is_not_found(desk):
    assert file(desk, "people").status_code == 404
