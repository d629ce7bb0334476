"""Change lists over millions of rows: counted no further than a thousand, and run on indexes."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from intake.actions import events
from intake.admin import lists
from intake.admin.base import HelplineAdmin
from intake.models import (
    Call,
    Callback,
    Event,
    Facility,
    InsuranceCheck,
    Person,
    Referral,
    Reminder,
)
from tests import casting
from tests.sheets import text_of
from tests.visitor import Page

pytestmark = pytest.mark.django_db

LIST = "/admin/intake/call/"
# One list, the ways it is asked, and the index each has to run on.
PLANS = [
    (Call, {}, "call_started"),
    (Call, {"started_at__gte": "2026-03-01T00:00:00-05:00"}, "call_started"),
    (Call, {"status": "open"}, "call_by_status"),
    (Call, {"status": "closed"}, "call_started"),
    (Call, {"call_type": "silent"}, "call_by_type"),
    (Call, {"disposition": "referred"}, "call_by_ending"),
    (Callback, {}, "callback_list"),
    (Callback, {"status": "reached"}, "callback_by_status"),
    (Callback, {"urgency": "urgent"}, "callback_by_urgency"),
    (Callback, {"source": "web"}, "callback_by_source"),
    (Referral, {}, "referral_list"),
    (Referral, {"status": "arrived"}, "referral_by_status"),
    (InsuranceCheck, {}, "insurance_check_list"),
    (InsuranceCheck, {"status": "verified"}, "insurance_check_by_status"),
    (Reminder, {}, "reminder_list"),
    (Event, {}, "event_at"),
    (Event, {"verb": "call.opened"}, "event_verb"),
    (Event, {"actor_kind": "system"}, "event_by_system"),
    (Event, {"actor_kind": "user"}, "event_at"),
    (Facility, {}, "facility_list"),
    (Person, {"language": "es"}, "person_language"),
    (Person, {"do_not_call__exact": "1"}, "person_do_not_call"),
]


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def logged(number, agent, now, **fields):
    rows = [
        Call(
            started_at=now - timedelta(minutes=n),
            taken_by=agent,
            call_type=Call.CallType.ABOUT_SELF,
            **fields,
        )
        for n in range(number)
    ]
    return Call.objects.bulk_create(rows)


# --- Counting and paging --------------------------------------------------------------------------


def test_a_list_counts_no_further_than_its_limit_and_says_so(browser, agent, now, monkeypatch):
    monkeypatch.setattr(HelplineAdmin, "counted", 100)
    logged(100, agent, now)
    page = text_of(browser.get(LIST))
    assert "100 calls" in page
    assert "More than" not in page
    logged(1, agent, now)
    assert "More than 100 calls" in text_of(browser.get(LIST))


def test_no_query_of_a_list_counts_or_reads_without_a_limit(
    browser, agent, now, django_assert_num_queries
):
    logged(3, agent, now)
    browser.get(LIST)
    with django_assert_num_queries(9) as asked:
        browser.get(LIST)
    of_calls = [query["sql"] for query in asked.captured_queries if "intake_call" in query["sql"]]
    assert len(of_calls) == 4  # a count, a page, and both ends of the calendar
    assert all("LIMIT" in sql for sql in of_calls)


def test_earlier_goes_on_where_the_last_page_ends_until_all_was_seen(
    browser, agent, now, monkeypatch
):
    monkeypatch.setattr(HelplineAdmin, "counted", 100)
    rows = logged(230, agent, now)
    seen, address, pages = [], LIST, 0
    while address:
        pages += 1
        response = browser.get(address)
        change_list = response.context["cl"]
        seen += [row.pk for row in change_list.result_list]
        parsed = Page(address, 200, response.content.decode())
        onward = [href for href, text in parsed.links if text.strip() == "Earlier"]
        next_page = f"p={change_list.page_num + 1}"
        turned = [href for href, text in parsed.links if next_page in href]
        address = LIST + (turned or onward or [""])[0] if turned or onward else ""
    assert pages == 5
    assert set(seen) == {row.pk for row in rows}


def test_a_list_that_goes_by_id_is_walked_by_id(supervisor, agent, now, client_for, monkeypatch):
    monkeypatch.setattr(HelplineAdmin, "counted", 50)
    callback = casting.open_callback(due_at=now, now=now)
    casting.tried(callback, *(now + timedelta(minutes=n) for n in range(60)), by=agent)
    client = client_for(supervisor)
    first = client.get("/admin/intake/attempt/")
    assert "id__lt=" in first.context["cl"].earlier
    rest = client.get("/admin/intake/attempt/" + first.context["cl"].earlier)
    assert rest.context["cl"].result_count == 10


def test_a_filter_and_a_search_go_on_with_earlier(browser, agent, now, monkeypatch):
    monkeypatch.setattr(HelplineAdmin, "counted", 50)
    logged(60, agent, now)
    response = browser.get(f"{LIST}?call_type__exact=about_self")
    kept = parse_qs(urlsplit(response.context["cl"].earlier).query)
    assert kept["call_type__exact"] == ["about_self"]
    assert browser.get(LIST + response.context["cl"].earlier).context["cl"].result_count == 11


def test_what_waits_stands_on_top_over_several_pages(browser, agent, now, monkeypatch):
    monkeypatch.setattr(admin.site._registry[Referral], "list_per_page", 2)
    moments = [now - timedelta(hours=n) for n in range(5)]
    closed = {"status": "closed", "closed_by": agent}
    for n, at in enumerate(moments):
        [call] = logged(1, agent, at)
        ended = closed | {"closed_at": at} if n % 2 else {}
        Referral(call=call, searched_at=at, searched_by=agent, **ended).save(force_insert=True)
    shown = []
    for page in (1, 2, 3):
        change_list = browser.get(f"/admin/intake/referral/?p={page}").context["cl"]
        shown += [row.searched_at for row in change_list.result_list]
    # Open ones, the longest waiting first; then the others, the newest first.
    assert shown == [moments[n] for n in (4, 2, 0, 1, 3)]


@pytest.mark.parametrize("page", ["0", "99", "x", "-1", "9" * 30])
def test_a_page_that_is_not_there_is_no_error(browser, agent, now, page):
    logged(3, agent, now)
    assert browser.get(f"{LIST}?p={page}").status_code in (200, 302)


# --- Sorting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["1", "-1", "2.-1", "4", "-99", "x", "9" * 30, "-", "."])
def test_a_list_is_sorted_by_nothing_that_has_no_index(browser, agent, now, order):
    rows = logged(3, agent, now)
    change_list = browser.get(f"{LIST}?o={order}").context["cl"]
    by = [str(part) for part in change_list.queryset.query.order_by]
    assert set(by) <= {"started_at", "-started_at", "-id", "-pk"}
    assert {row.pk for row in change_list.result_list} == {row.pk for row in rows}


def test_the_start_of_a_call_sorts_both_ways(browser, agent, now):
    rows = logged(3, agent, now)
    for order, expected in (("1", rows[::-1]), ("-1", rows)):
        change_list = browser.get(f"{LIST}?o={order}").context["cl"]
        assert list(change_list.result_list) == expected


# --- Days -----------------------------------------------------------------------------------------


def choices_of(response):
    change_list = response.context["cl"]
    spec = next(spec for spec in change_list.filter_specs if isinstance(spec, lists.DayFilter))
    with timezone.override(settings.HELPLINE_TIME_ZONE):
        return {choice["display"]: choice for choice in spec.choices(change_list)}


def test_days_and_months_are_those_of_the_helpline(browser, agent, frozen, now):
    """Seven minutes past midnight UTC is still the evening before in New York."""
    late = now.replace(hour=0, minute=7)
    before = logged(1, agent, late)
    today = logged(1, agent, now)
    last_month = logged(1, agent, now - timedelta(days=20))
    choices = choices_of(browser.get(LIST))
    for name, expected in (
        ("Today", today),
        ("Yesterday", before),
        ("Last 7 days", before + today),
        ("March 2026", before + today),
        ("February 2026", last_month),
        ("Any time", before + today + last_month),
    ):
        response = browser.get(LIST + choices[name]["query_string"])
        shown = {row.pk for row in response.context["cl"].result_list}
        assert shown == {row.pk for row in expected}, name
        assert choices_of(response)[name]["selected"], name
    assert "January 2026" not in choices
    assert "Tomorrow" not in choices


def test_the_day_the_clocks_change_has_its_own_length(browser, agent, frozen, now):
    """8 March 2026 has 23 hours in New York."""
    frozen.move_to(now - timedelta(days=2))
    browser.force_login(agent)
    choice = choices_of(browser.get(LIST))["Today"]
    ends = parse_qs(urlsplit(choice["query_string"]).query)
    assert ends["started_at__gte"] == ["2026-03-08T00:00:00-05:00"]
    assert ends["started_at__lt"] == ["2026-03-09T00:00:00-04:00"]


def test_what_is_due_can_be_looked_at_ahead(browser, now):
    casting.open_callback(due_at=now + timedelta(days=1), now=now)
    choices = choices_of(browser.get("/admin/intake/callback/"))
    response = browser.get("/admin/intake/callback/" + choices["Tomorrow"]["query_string"])
    assert response.context["cl"].result_count == 1


@pytest.mark.parametrize(
    "given", ["x", "2026-99-99", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "\0", "9" * 300]
)
def test_a_moment_that_is_none_is_refused_without_an_error(browser, agent, now, given):
    logged(1, agent, now)
    for end in ("gte", "lt"):
        answer = browser.get(LIST, {f"started_at__{end}": given})
        assert answer.status_code in (200, 302, 400)


@pytest.mark.parametrize("lookup", ["year", "month", "day", "date", "week_day", "hour"])
def test_no_part_of_a_moment_can_be_asked_for_that_has_no_index(browser, lookup):
    assert browser.get(f"{LIST}?started_at__{lookup}=3").status_code == 400


# --- Indexes --------------------------------------------------------------------------------------


def plan_of(queryset):
    """How the database would walk a large table: scans of whole ones and sorts are priced out."""
    if connection.vendor == "sqlite":
        return queryset.explain()
    with connection.cursor() as cursor:
        # A table that was analyzed while it was empty is believed to stay so, and any index will do.
        cursor.execute(
            "UPDATE pg_class SET reltuples = -1, relpages = 0"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')"
        )
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    return queryset.explain()


@pytest.mark.parametrize(
    ("model", "asked", "index"), PLANS, ids=[f"{p[0].__name__} {p[1]}" for p in PLANS]
)
def test_every_list_and_filter_runs_on_its_index(administrator, model, asked, index):
    administrator.is_superuser = True
    administrator.save()
    request = RequestFactory().get("/", asked)
    request.user = administrator
    registered = admin.site._registry[model]
    change_list = registered.get_changelist_instance(request)
    rows = change_list.paginator.parts[-1]
    plan = plan_of(rows[:50])
    assert index in plan, plan
    if connection.vendor == "sqlite":
        # A part of the order beyond the index is sorted a few rows at a time.
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


def test_the_values_of_a_filter_are_found_without_reading_every_row(administrator, now):
    for verb in ("b.two", "a.one", "b.two", "c.three"):
        events.write(verb, by=administrator, now=now)
    assert lists.held_values(Event._meta.get_field("verb")) == ["a.one", "b.two", "c.three"]
    assert lists.held_values(Person._meta.get_field("language")) == []


def test_attempts_are_counted_for_the_rows_shown_alone(browser, agent, now):
    callback = casting.open_callback(due_at=now, now=now)
    casting.tried(callback, now, now + timedelta(minutes=1), by=agent)
    casting.open_callback(due_at=now, now=now, person=casting.maria(phone=casting.JOHN))
    response = browser.get("/admin/intake/callback/")
    assert sorted(row.tries_made for row in response.context["cl"].result_list) == [0, 2]
    assert "GROUP BY" not in str(Call.objects.with_level().query)


# --- On a phone -----------------------------------------------------------------------------------


def test_every_cell_of_a_list_says_what_it_is(browser, agent, now):
    logged(1, agent, now)
    page = text_of(browser.get(LIST))
    for label in ("Reference", "Started", "Call type", "Status", "Disposition", "Taken by"):
        assert f'<td class="cell-name" aria-hidden="true">{label}</td>' in page
