"""Each figure of the reports, against numbers counted by hand."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.actions import callbacks as promises
from intake.actions import claims, dialing
from intake.models import Call, Callback
from intake.reports import callbacks, calls, funnel, safety
from intake.reports.figures import Figure, Unit, duration_text, percent_text
from intake.reports.period import Choice, Period, named
from intake.reports.rows import BEHIND
from intake.rules import retries
from tests.casting import maria, open_callback, rung
from tests.report_world import World, utc

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")
# Monday to Sunday; on the Sunday the clock goes from 02:00 to 03:00.
WEEK = Period(date(2026, 3, 2), date(2026, 3, 8), NEW_YORK)
NOW = utc("2026-03-10 14:00:00")


@pytest.fixture
def world(agent):
    return World(agent)


def figure_of(figures, code):
    return next(figure for figure in figures if figure.code == code)


def parts(figure):
    return (figure.numerator, figure.denominator)


# --- Days ----------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize(
    ("choice", "first", "last"),
    [
        (Choice.THIS_WEEK, "2026-03-09", "2026-03-15"),
        (Choice.LAST_WEEK, "2026-03-02", "2026-03-08"),
        (Choice.THIS_MONTH, "2026-03-01", "2026-03-31"),
        (Choice.LAST_MONTH, "2026-02-01", "2026-02-28"),
    ],
)
def test_a_named_period_is_whole_weeks_from_monday_or_whole_months(choice, first, last):
    period = named(choice, today=date(2026, 3, 10), zone=NEW_YORK)
    assert (str(period.first), str(period.last)) == (first, last)


@pytest.mark.once
@pytest.mark.parametrize("today", ["2026-01-01", "2028-02-29", "2026-12-31"])
def test_months_end_where_they_end(today):
    today = date.fromisoformat(today)
    month = named(Choice.THIS_MONTH, today=today, zone=NEW_YORK)
    assert month.first.day == 1
    assert (month.last + timedelta(days=1)).day == 1
    before = named(Choice.LAST_MONTH, today=today, zone=NEW_YORK)
    assert before.last + timedelta(days=1) == month.first


@pytest.mark.once
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("America/New_York", "2026-03-10", 24, id="an ordinary day"),
        pytest.param("America/New_York", "2026-03-08", 23, id="the clock goes forward"),
        pytest.param("America/New_York", "2026-11-01", 25, id="the clock goes back"),
        pytest.param("Asia/Beirut", "2026-03-29", 23, id="midnight itself is skipped"),
        pytest.param("America/Havana", "2026-11-01", 25, id="midnight comes twice"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", 23.5, id="by half an hour"),
    ],
)
def test_a_day_is_as_long_as_the_clock_makes_it(zone, day, hours):
    day = date.fromisoformat(day)
    period = Period(day, day, ZoneInfo(zone))
    assert period.end - period.start == timedelta(hours=hours)


@pytest.mark.once
def test_a_change_of_the_clock_is_found_to_the_second():
    assert WEEK.offsets() == [
        (utc("2026-03-08 07:00:00"), -5 * 3600),
        (utc("2026-03-09 04:00:00"), -4 * 3600),
    ]


# --- Calls ---------------------------------------------------------------------------------------


def test_calls_fall_on_the_day_and_hour_of_the_staff_clock(world):
    world.call("2026-03-02 04:59:59")  # Sunday 23:59:59: before the week
    world.call("2026-03-02 05:00:00")  # Monday 00:00:00: its first moment
    world.call("2026-03-04 15:30:00")  # Wednesday 10:30
    world.call("2026-03-08 06:59:59")  # Sunday 01:59:59, one second before the clock jumps
    world.call("2026-03-08 07:00:00", kind="silent", ended_as="non_service")  # Sunday 03:00:00
    world.call("2026-03-09 03:59:59", ended_as="")  # Sunday 23:59:59: its last moment
    world.call("2026-03-09 04:00:00")  # Monday 00:00:00: after the week
    report = calls.read(WEEK)
    by_day = {str(day): (count.service, count.non_service) for day, count in report.by_day}
    assert by_day == {
        "2026-03-02": (1, 0),
        "2026-03-03": (0, 0),
        "2026-03-04": (1, 0),
        "2026-03-05": (0, 0),
        "2026-03-06": (0, 0),
        "2026-03-07": (0, 0),
        "2026-03-08": (2, 1),
    }
    by_hour = {
        hour: (count.service, count.non_service) for hour, count in report.by_hour if count.all
    }
    assert by_hour == {0: (1, 0), 1: (1, 0), 3: (0, 1), 10: (1, 0), 23: (1, 0)}
    assert len(report.by_hour) == 24


def test_on_the_day_of_25_hours_both_one_o_clocks_are_one_hour_of_the_day(world):
    world.call("2026-11-01 03:59:59")  # Saturday 23:59:59
    world.call("2026-11-01 05:30:00")  # Sunday 01:30, summer time
    world.call("2026-11-01 06:30:00")  # Sunday 01:30 again, winter time
    world.call("2026-11-02 04:59:59")  # Sunday 23:59:59
    world.call("2026-11-02 05:00:00")  # Monday
    sunday = date(2026, 11, 1)
    report = calls.read(Period(sunday, sunday, NEW_YORK))
    assert [(day, count.all) for day, count in report.by_day] == [(sunday, 3)]
    assert {hour: count.all for hour, count in report.by_hour if count.all} == {1: 2, 23: 1}


# Zones of whole, half and quarter hours, with and without a change of the clock, by their rules.
YEAR = [utc(day).replace(tzinfo=None) for day in ("2026-01-02", "2026-12-30")]
ZONES = ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "UTC"]


@settings(max_examples=25, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    moments=st.lists(
        st.datetimes(*YEAR, timezones=st.just(UTC)),
        min_size=1,
        max_size=40,
    ),
)
def test_the_database_reads_the_clock_as_python_does(zone, moments):
    zone = ZoneInfo(zone)
    Call.objects.all().delete()
    agent, _new = User.objects.get_or_create(username="ava")
    for moment in moments:
        Call(started_at=moment, call_type="about_self", taken_by=agent).save(force_insert=True)
    report = calls.read(Period(date(2026, 1, 1), date(2026, 12, 31), zone))
    local = [moment.astimezone(zone) for moment in moments]
    local = [moment for moment in local if moment.year == 2026]
    assert {day: count.all for day, count in report.by_day if count.all} == {
        day: sum(moment.date() == day for moment in local)
        for day in {moment.date() for moment in local}
    }
    assert {hour: count.all for hour, count in report.by_hour if count.all} == {
        hour: sum(moment.hour == hour for moment in local)
        for hour in {moment.hour for moment in local}
    }


def test_dispositions_hold_service_calls_and_other_calls_stand_apart(world):
    world.call("2026-03-03 15:00:00", ended_as="referred")
    world.call("2026-03-03 15:00:00", ended_as="referred")
    world.call("2026-03-03 15:00:00", ended_as="")
    world.call("2026-03-03 15:00:00", kind="hang_up", ended_as="non_service")
    world.call("2026-03-03 15:00:00", kind="test", ended_as="non_service")
    report = calls.read(WEEK)
    assert {code: n for code, n in report.by_disposition if n} == {"referred": 2, "": 1}
    assert {code: n for code, n in report.by_type if n} == {"hang_up": 1, "test": 1}
    assert figure_of(report.figures, "service_calls").value == 3
    assert figure_of(report.figures, "non_service_calls").value == 2


# --- Safety --------------------------------------------------------------------------------------


def test_the_screen_rate_counts_complete_current_screens_of_service_calls(world):
    done, skipped, redone, none = (world.call("2026-03-03 15:00:00") for _n in range(4))
    world.screen(done)
    world.screen(skipped, is_skipped=True, level="unknown")
    world.screen(redone, is_current=False)
    world.screen(redone, is_skipped=True, level="unknown")
    silent = world.call("2026-03-03 15:00:00", kind="silent", ended_as="non_service")
    world.screen(silent)  # not a service call: in neither part
    figures = safety.figures(WEEK)
    rate = figure_of(figures, "screen_rate")
    assert parts(rate) == (1, 4)
    assert rate.value == Decimal(25)
    assert parts(figure_of(figures, "skip_rate")) == (2, 4)
    assert {call.pk for call in safety.unscreened(WEEK)} == {skipped.pk, redone.pk, none.pk}


def test_safety_first_needs_an_answered_screen_no_later_than_the_first_check(world):
    at = "2026-03-03 15:00:00"
    first, same, late, skipped, uninsured = (
        world.call(at, person_in_need=world.person()) for _n in range(5)
    )
    world.screen(first, "2026-03-03 15:05:00")
    world.check(first, "2026-03-03 15:10:00")
    world.screen(same, "2026-03-03 15:10:00")
    world.check(same, "2026-03-03 15:10:00")  # the same moment: in time
    world.screen(late, "2026-03-03 15:11:00")
    world.check(late, "2026-03-03 15:10:00")
    world.check(late, "2026-03-03 15:20:00")  # only the first request counts
    world.screen(skipped, "2026-03-03 15:05:00", is_skipped=True, level="unknown")
    world.check(skipped, "2026-03-03 15:10:00")
    world.screen(uninsured, "2026-03-03 15:05:00")
    figure = figure_of(safety.figures(WEEK), "safety_first_rate")
    assert parts(figure) == (2, 4)
    assert figure.value == 50


def test_the_red_flag_clock_runs_from_the_first_flag_to_the_first_action_after_it(world):
    calls_ = [world.call("2026-03-03 15:00:00") for _n in range(6)]
    one, two, three, waiting, raised, calm = calls_
    world.screen(one, "2026-03-03 15:01:00", level="emergency", acted="2026-03-03 15:01:40")
    # Asked again, still an emergency: the clock is the first flag's.
    world.screen(two, "2026-03-03 15:01:00", level="emergency", is_current=False)
    world.screen(two, "2026-03-03 15:03:00", level="emergency", acted="2026-03-03 15:04:00")
    world.screen(three, "2026-03-03 15:01:00", level="emergency", acted="2026-03-03 15:11:00")
    world.screen(waiting, "2026-03-03 15:01:00", level="emergency")
    # Raised by staff, after advice had been given about something less: not answered by that.
    world.screen(
        raised,
        "2026-03-03 15:01:00",
        level="moderate",
        acted="2026-03-03 15:02:00",
        override_level="emergency",
        overridden_at=utc("2026-03-03 15:03:00"),
        overridden_by=world.agent,
    )
    world.screen(calm, "2026-03-03 15:01:00", acted="2026-03-03 15:02:00")
    figures = safety.figures(WEEK)
    median, p90 = figure_of(figures, "red_flag_median"), figure_of(figures, "red_flag_p90")
    # 40, 180 and 600 seconds.
    assert (median.value, p90.value) == (180, 600)
    assert parts(median) == parts(p90) == (3, 5)
    open_flags = {call.pk for call in safety.red_flag_without_action(WEEK)}
    assert open_flags == {waiting.pk, raised.pk}


# --- Callbacks -----------------------------------------------------------------------------------


def test_every_callback_is_counted_once_as_kept_late_missed_waiting_or_cancelled(world):
    due = "2026-03-03 15:00:00"
    kept = world.callback(due, tried=[due], status="reached")  # to the second: kept
    early = world.callback(due, tried=["2026-03-03 14:00:00"])
    in_window = world.callback(
        due, window="2026-03-03 17:00:00", tried=["2026-03-03 17:00:00"], status="reached"
    )
    late = world.callback(due, tried=["2026-03-03 15:00:01"], status="reached")
    open_ = world.callback(due)
    given_up = world.callback(due, status="cancelled", closed="2026-03-03 15:00:01")
    in_time = world.callback(due, status="cancelled", closed=due)
    world.callback("2026-03-02 04:59:59")  # the Sunday before
    world.callback("2026-03-09 04:00:00")  # the Monday after
    report = callbacks.read(WEEK, now=NOW)
    assert {code: report.count(code) for code in callbacks.OUTCOMES} == {
        "kept": 3,
        "late": 1,
        "missed": 2,
        "not_yet_due": 0,
        "cancelled": 1,
        "not_genuine": 0,
    }
    assert report.missed_and_open == 1
    rate = figure_of(report.figures, "callbacks_kept")
    assert parts(rate) == (3, 6)
    assert rate.value == 50
    found = {
        code: {row.pk for row in BEHIND[f"callbacks_{code}"].find(WEEK, NOW)}
        for code in callbacks.OUTCOMES
    }
    assert found["kept"] == {kept.pk, early.pk, in_window.pk}
    assert found["late"] == {late.pk}
    assert found["missed"] == {open_.pk, given_up.pk}
    assert found["cancelled"] == {in_time.pk}


def test_what_is_not_yet_due_is_in_no_rate_even_when_it_was_tried_early(world):
    now = utc("2026-03-05 15:00:00")
    world.callback("2026-03-05 14:59:59")  # missed by a second
    world.callback("2026-03-05 15:00:00")  # due this very moment: can still be kept
    world.callback("2026-03-06 15:00:00", tried=["2026-03-05 10:00:00"], status="reached")
    report = callbacks.read(WEEK, now=now)
    assert (report.count("missed"), report.count("not_yet_due")) == (1, 2)
    assert parts(figure_of(report.figures, "callbacks_kept")) == (0, 1)
    assert parts(figure_of(report.figures, "contact_rate")) == (0, 0)


def test_contact_is_a_person_reached_in_three_tries_of_what_was_closed(world):
    due, at = "2026-03-03 15:00:00", [f"2026-03-03 1{n}:00:00" for n in range(4, 9)]
    world.callback(due, tried=at[:1], status="reached")
    world.callback(due, tried=at[:3], status="reached")
    world.callback(due, tried=at[:4], status="reached")  # reached, but at the fourth
    world.callback(due, tried=at[:5], status="exhausted")
    world.callback(due, tried=at[:1], status="cancelled", closed="2026-03-03 20:00:00")
    world.callback(due, status="cancelled", closed="2026-03-03 14:00:00")  # in time: left out
    world.callback(due, tried=at[:2])  # still open: left out
    figures = callbacks.read(WEEK, now=NOW).figures
    assert parts(figure_of(figures, "contact_rate")) == (2, 5)
    # 1 + 3 + 4 + 5 + 1 attempts for three persons reached.
    attempts = figure_of(figures, "attempts_per_contact")
    assert parts(attempts) == (14, 3)
    assert attempts.shown == "4.7"


def test_a_number_shown_and_nothing_recorded_is_a_try_but_keeps_no_promise(agent):
    due = utc("2026-03-04 15:00:00")
    callback = open_callback(due_at=due, now=due, owner=agent)
    claims.claim(callback=callback, by=agent, now=due)
    dialing.show_number(callback=callback, by=agent, now=due)
    claims.release(callback=callback, by=agent, now=due)
    report = callbacks.read(WEEK, now=NOW)
    assert (report.count("kept"), report.count("missed"), report.missed_and_open) == (0, 1, 1)
    assert "nothing recorded" in figure_of(report.figures, "callbacks_kept").exclusions
    assert callback.attempts.get().outcome == "not_recorded"


def test_uncontacted_is_open_with_fewer_than_three_tries_whether_due_or_not(world):
    due, at = "2026-03-03 15:00:00", [f"2026-03-03 1{n}:00:00" for n in range(4, 9)]
    never, twice = world.callback(due), world.callback(due, tried=at[:2])
    not_due = world.callback("2026-03-06 15:00:00")
    world.callback(due, tried=at[:3])  # tried enough
    world.callback(due, tried=at[:1], status="reached")
    world.callback(due, status="cancelled", closed="2026-03-03 16:00:00")
    world.callback("2026-03-20 15:00:00")  # promised for another week
    now = utc("2026-03-05 15:00:00")
    uncontacted = figure_of(callbacks.read(WEEK, now=now).figures, "uncontacted")
    assert uncontacted.value == 3
    assert parts(uncontacted) == (3, 4)
    found = {row.pk for row in BEHIND["uncontacted"].find(WEEK, now)}
    assert found == {never.pk, twice.pk, not_due.pk}
    for callback in Callback.objects.filter(pk__in=found):
        tries = callback.attempts.count()
        assert retries.is_uncontacted(is_open=callback.is_open, attempts=tries)


def test_speed_is_from_the_web_request_to_the_first_try(world):
    for minutes in (4, 10, 30):
        world.callback(
            "2026-03-03 15:00:00",
            source="web",
            requested_at=utc("2026-03-03 14:00:00"),
            tried=[f"2026-03-03 14:{minutes:02d}:00"],
        )
    web = {"source": "web", "requested_at": utc("2026-03-03 14:00:00")}
    world.callback("2026-03-03 15:00:00", **web)  # never tried: told, not timed
    world.callback("2026-03-03 15:00:00", tried=["2026-03-03 14:59:00"])  # agreed on a call
    figures = callbacks.read(WEEK, now=NOW).figures
    median, p90 = figure_of(figures, "speed_median"), figure_of(figures, "speed_p90")
    assert (median.value, p90.value) == (600, 1800)
    assert parts(median) == (3, 4)
    assert "not tried yet: 1" in median.exclusions


def test_moving_a_broken_promise_does_not_mend_it_and_moving_a_good_one_does_not_break_it(
    agent, frozen
):
    due, now = utc("2026-03-10 15:00:00"), utc("2026-03-10 14:00:00")
    broken = open_callback(due_at=due, now=now)
    moved = open_callback(due_at=due, now=now, person=maria(phone="+12025550144"))
    in_time, too_late = utc("2026-03-10 14:30:00"), utc("2026-03-10 16:00:00")
    promises.reschedule(callback=moved, due_at=utc("2026-03-10 18:00:00"), by=agent, now=in_time)
    promises.reschedule(callback=broken, due_at=utc("2026-03-10 18:00:00"), by=agent, now=too_late)
    for callback in (moved, broken):
        promises.claim(callback=callback, by=agent, now=utc("2026-03-10 17:30:00"))
        rung(callback, "no_answer", by=agent, now=utc("2026-03-10 17:45:00"))
    tuesday = Period(date(2026, 3, 10), date(2026, 3, 10), NEW_YORK)
    later = utc("2026-03-11 12:00:00")
    # The second try lies ahead; the promise is still judged by the first.
    assert Callback.objects.filter(status="open").count() == 2
    outcomes = {row.pk: row.outcome for row in callbacks.promised_for(tuesday, now=later)}
    assert outcomes == {broken.pk: "late", moved.pk: "kept"}


# --- The funnel ----------------------------------------------------------------------------------


def test_the_funnel_follows_each_person_once_for_fourteen_days_from_the_first_call(world):
    checked_only, whole_way, on_the_last_second, too_late, unsure = (
        world.person() for _n in range(5)
    )
    call = world.call_about(checked_only, "2026-03-03 15:00:00")
    world.check(call, "2026-03-03 15:10:00")
    # Called three times, checked twice, counted once; the arrival hangs on the second call.
    call = world.call_about(whole_way, "2026-03-02 05:00:00")
    world.check(call, "2026-03-02 06:00:00")
    again = world.call_about(whole_way, "2026-03-07 15:00:00")
    world.check(again, "2026-03-07 15:10:00")
    world.call_about(whole_way, "2026-03-07 19:00:00")
    world.offer(again, "2026-03-07 15:20:00", arrived="2026-03-08 15:00:00")
    # Fourteen days are 336 hours, whatever the clock does in between.
    call = world.call_about(on_the_last_second, "2026-03-04 15:00:00")
    world.offer(call, "2026-03-04 16:00:00", arrived="2026-03-18 15:00:00")
    call = world.call_about(too_late, "2026-03-04 15:00:00")
    world.offer(call, "2026-03-04 16:00:00", arrived="2026-03-18 15:00:01")
    world.call_about(unsure, "2026-03-08 15:00:00")
    report = funnel.read(WEEK, now=utc("2026-04-30 12:00:00"))
    assert dict(report.stages) == {"called": 5, "checked": 2, "referred": 3, "arrived": 2}
    assert report.still_followed == 0
    arrival = figure_of(report.figures, "call_to_arrived")
    assert parts(arrival) == (2, 5)
    assert arrival.value == 40


def test_who_called_before_or_never_asked_for_help_is_not_in_the_cohort(world):
    known, after, silent, twice = (world.person() for _n in range(4))
    world.call_about(known, "2026-03-02 04:59:59")  # first call on the Sunday before
    world.call_about(known, "2026-03-03 15:00:00")
    world.call_about(after, "2026-03-09 04:00:00")
    world.call_about(silent, "2026-03-03 15:00:00", kind="silent", ended_as="non_service")
    world.call_about(twice, "2026-03-01 15:00:00", kind="test", ended_as="non_service")
    first = world.call_about(twice, "2026-03-03 15:00:00")  # the test call did not count
    world.call_about(twice, "2026-03-03 15:00:00")  # two calls in the same second
    world.call("2026-03-03 15:00:00")  # names nobody
    report = funnel.read(WEEK, now=NOW)
    assert report.persons == 1
    assert report.calls_without_person == 1
    assert "1 service calls that name nobody" in figure_of(report.figures, "persons").exclusions
    assert funnel.first_calls(WEEK).get().person_in_need_id == first.person_in_need_id


def test_persons_whose_fourteen_days_are_not_over_are_told(world):
    for day in (2, 3, 8):
        world.call_about(world.person(), f"2026-03-0{day} 15:00:00")
    assert funnel.read(WEEK, now=utc("2026-03-17 15:00:00")).still_followed == 1
    assert funnel.read(WEEK, now=utc("2026-03-16 14:59:59")).still_followed == 3


# --- What every figure promises ------------------------------------------------------------------


def all_figures(now=NOW):
    return [
        *calls.read(WEEK).figures,
        *safety.figures(WEEK),
        *callbacks.read(WEEK, now=now).figures,
        *funnel.read(WEEK, now=now).figures,
    ]


def test_with_nothing_to_count_a_rate_is_a_dash_and_a_count_is_zero(db):
    for figure in all_figures():
        if figure.unit is Unit.COUNT:
            assert figure.shown == "0"
        else:
            assert (figure.value, figure.shown) == (None, "\N{EN DASH}"), figure.code


def test_every_figure_says_how_it_is_counted_and_leads_to_its_rows(db):
    for figure in all_figures():
        assert all([figure.formula, figure.exclusions, figure.clock]), figure.code
        assert figure.rows, figure.code
        assert all(link.code in BEHIND for link in figure.rows), figure.code


def test_the_rows_behind_a_figure_are_as_many_as_it_counts(world):
    """The first link of a figure leads to its numerator, or to the persons reached."""
    person = world.person()
    call = world.call_about(person, "2026-03-03 15:00:00")
    world.screen(call, level="emergency", acted="2026-03-03 15:01:00")
    world.check(call, "2026-03-03 15:10:00")
    world.offer(call, "2026-03-03 16:00:00", arrived="2026-03-04 16:00:00")
    skipped = world.call("2026-03-03 15:00:00")
    world.screen(skipped, is_skipped=True, level="unknown")
    world.call("2026-03-03 15:00:00", kind="silent", ended_as="non_service")
    tries = [f"2026-03-03 1{n}:00:00" for n in (4, 6)]
    world.callback("2026-03-03 15:00:00", source="web", tried=tries, status="reached")
    world.callback("2026-03-03 15:00:00", source="web")
    expected = {"attempts_per_contact": 1, "red_flag_median": 1, "red_flag_p90": 1}
    for figure in all_figures():
        rows = BEHIND[figure.rows[0].code].find(WEEK, NOW)
        assert rows.count() == expected.get(figure.code, figure.numerator), figure.code


@pytest.mark.once
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0%"),
        ("0.01", "<0.1%"),
        ("0.05", "0.1%"),
        ("12.25", "12.3%"),
        ("62.5", "62.5%"),
        ("99.94", "99.9%"),
        ("99.97", ">99.9%"),
        ("100", "100%"),
    ],
)
def test_a_rate_is_never_rounded_to_all_or_nothing(value, shown):
    assert percent_text(Decimal(value)) == shown


@pytest.mark.once
@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 00 s"),
        (605, "10 min"),
        (3600, "1 h 00 min"),
        (11_100, "3 h 05 min"),
        (90_000, "1 day 1 h"),
        (180_000, "2 days 2 h"),
    ],
)
def test_a_time_is_told_in_words(seconds, shown):
    assert duration_text(seconds) == shown


@pytest.mark.once
def test_a_figure_cannot_be_changed_after_it_was_counted():
    figure = Figure("x", "X", Unit.COUNT, 1, 1, None, "f", "e", "c")
    with pytest.raises(AttributeError):
        figure.value = 2
