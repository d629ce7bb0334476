"""When this person may be rung: what counts at their number, the decision, the next times."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.actions import admission, callbacks, calling_hours, dialing, web_requests
from intake.actions.dialable import NotDialable
from intake.crypto.keyring import (
    INDEX,
    edit_keyring_file,
)
from intake.models import Attempt, Callback, Event, Reminder, TextMessage
from intake.rules import retries
from tests.casting import JOHN, MARIA, maria, open_call, open_callback, rung, tried

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEB = Callback.Source.WEB


def texted(callback, at, outcome=TextMessage.Outcome.ACCEPTED):
    reminder = Reminder.objects.create(
        callback=callback, stage="due_soon", channel="text", due_at=at, next_try_at=at
    )
    TextMessage.objects.create(reminder=reminder, plan=1, wording="1", outcome=outcome, tried_at=at)


# --- What counts ----------------------------------------------------------------------------------


def test_every_call_to_the_number_counts_for_whomever_it_was(agent, now):
    hers = open_callback(due_at=now, now=now)
    before = open_callback(due_at=now, now=now, status="reached", closed_at=now, person=hers.person)
    his = open_callback(due_at=now, now=now, person=maria(alias="Her son"))
    elsewhere = open_callback(due_at=now, now=now, person=maria(phone=JOHN))
    tried(before, now - 20 * HOUR, by=agent)
    tried(his, now - 3 * HOUR, now - HOUR, by=agent)

    for callback in (hers, his):
        refused = calling_hours.decide_for(callback, now)
        assert not refused.ok
        assert refused.is_capped
        assert refused.reason == "Already tried 3 times in 24 hours; 3 is the most."
    assert not calling_hours.decide(hers.person, now).ok
    assert calling_hours.decide_for(elsewhere, now).ok
    assert calling_hours.decide_for(hers, now + 4 * HOUR).ok
    moments = [now - 20 * HOUR, now - 3 * HOUR, now - HOUR]
    assert calling_hours.attempts_at(hers.person) == moments


def test_a_text_counts_as_a_call_unless_it_surely_was_not_sent(agent, now):
    callback, other = (open_callback(due_at=now, now=now) for _each in range(2))
    tried(callback, now - 5 * HOUR, now - 4 * HOUR, by=agent)
    texted(callback, now - HOUR, TextMessage.Outcome.NOT_SENT)
    assert calling_hours.decide_for(callback, now).ok

    texted(other, now - HOUR, TextMessage.Outcome.UNKNOWN)

    assert not calling_hours.decide_for(callback, now).ok


def test_a_number_shown_counts_from_then_on_but_not_against_its_own_screen(agent, now):
    callback, other = (open_callback(due_at=now, now=now) for _each in range(2))
    tried(callback, now - 5 * HOUR, now - 4 * HOUR, by=agent)
    callbacks.claim(callback=callback, by=agent, now=now)
    dialing.show_number(callback=callback, by=agent, now=now)

    assert not calling_hours.decide_for(other, now + HOUR).ok
    callback.refresh_from_db()
    assert calling_hours.decide_for(callback, now + HOUR).ok
    assert calling_hours.attempts_at(callback.person)[-1] == now


def test_what_was_heard_without_ringing_is_no_call(agent, now):
    callback = open_callback(due_at=now, now=now)
    Attempt.objects.create(
        callback=callback, number=1, outcome="danger_suspected", made_at=now, made_by=agent
    )

    assert calling_hours.attempts_at(callback.person) == []


def test_nobody_without_a_number_was_tried(now):
    assert calling_hours.attempts_at(maria(phone=None)) == []


def test_in_the_middle_of_a_rotation_of_keys_every_call_still_counts(keys, agent, now):
    before = open_callback(due_at=now, now=now)
    edit_keyring_file(lambda ring: ring.with_new_key(INDEX)[0])
    after = open_callback(due_at=now, now=now)
    assert before.person.phone_index != after.person.phone_index
    tried(before, now - 5 * HOUR, now - 4 * HOUR, by=agent)
    tried(after, now - HOUR, by=agent)

    assert len(calling_hours.attempts_at(before.person)) == 3
    assert not calling_hours.decide_for(after, now).ok


# --- A stranger's number --------------------------------------------------------------------------


def test_a_number_typed_into_the_form_is_tried_twice_in_24_hours(agent, now):
    callback = open_callback(due_at=now, now=now, source=WEB)
    tried(callback, now - 5 * HOUR, now - HOUR, by=agent)

    refused = calling_hours.decide_for(callback, now)
    assert refused.reason == "Already tried 2 times in 24 hours; 2 is the most."
    # 19 hours later it is five in the morning there: eight it is.
    offer = calling_hours.offers_for(callback, now)[0]
    assert offer.at == now + 22 * HOUR
    assert offer.reason.endswith("Tries used in 24 hours: 1 of 2.")


@pytest.mark.parametrize(
    ("source", "may_be_rung"),
    # A caller ID can be forged.
    [(Callback.Source.AGENT, True), (Callback.Source.PHONE, False), (Callback.Source.WEB, False)],
)
def test_only_a_number_given_on_a_call_is_tried_a_third_time(agent, now, source, may_be_rung):
    callback = open_callback(due_at=now, now=now, source=WEB)
    open_callback(due_at=now, now=now, source=source)
    tried(callback, now - 5 * HOUR, now - 2 * HOUR, by=agent)

    assert calling_hours.decide_for(callback, now).ok is may_be_rung


def test_being_reached_once_makes_the_number_theirs(agent, now):
    callback, before = (open_callback(due_at=now, now=now, source=WEB) for _each in range(2))
    tried(before, now - 90 * DAY, by=agent, outcome="reached", identity_confirmed=True)
    tried(callback, now - 5 * HOUR, now - 2 * HOUR, by=agent)

    assert calling_hours.decide_for(callback, now).ok


def test_a_strangers_number_is_tried_three_times_over_all_requests_and_then_rests(agent, now):
    first, second = (open_callback(due_at=now, now=now, source=WEB) for _each in range(2))
    tried(first, now - 5 * DAY, now - 4 * DAY, by=agent)
    tried(second, now - 2 * DAY, by=agent)

    refused = calling_hours.decide_for(second, now)
    assert not refused.ok
    assert "nobody has confirmed" in refused.reason
    assert calling_hours.is_tried_out(second)
    assert calling_hours.offers_for(second, now)[0].at == now + 25 * DAY
    assert calling_hours.decide_for(second, now + 25 * DAY).ok
    step = calling_hours.step_after(second, "no_answer", 1, now=now)
    assert step.closes_as == "exhausted"


def test_danger_is_not_given_up_by_counting(agent, now):
    said = open_callback(due_at=now, now=now, source=WEB, in_danger=True)
    sounded = open_callback(due_at=now, now=now, source=WEB)
    tried(sounded, now - 5 * DAY, now - 4 * DAY, by=agent)
    assert calling_hours.decide_for(sounded, now).ok
    tried(sounded, now - 2 * DAY, by=agent, outcome="danger_suspected")

    assert calling_hours.decide_for(said, now).ok
    assert calling_hours.decide_for(sounded, now).ok


def request(now, digit, **fields):
    return web_requests.WebRequest(
        person=fields.pop("person", None) or maria(),
        due_at=now,
        form_digest=digit * 32,
        content_digest=digit * 32,
        consent_wording="callback-2026.1",
        **fields,
    )


def test_a_request_for_a_number_that_was_tried_out_is_shown_as_never_reached(agent, now):
    before = open_callback(due_at=now, now=now, source=WEB)
    tried(before, now - 5 * DAY, now - 4 * DAY, now - 2 * DAY, by=agent)

    asked = web_requests.take(request=request(now, "a"), now=now)
    in_danger = web_requests.take(request=request(now, "b", in_danger=True), now=now)
    admission.admit_received(limit=2, now=now)
    asked.refresh_from_db()
    in_danger.refresh_from_db()

    assert (asked.status, asked.closed_at) == (Callback.Status.EXHAUSTED, now)
    assert not asked.reminders.exists()
    event = Event.objects.get(verb="callback.closed", subject_id=str(asked.pk))
    assert event.detail == {"as": "exhausted"}
    assert in_danger.is_open


# --- Their own wish -------------------------------------------------------------------------------

TEN_AT_NIGHT = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)


def test_a_wish_for_an_odd_hour_is_for_about_that_hour_only(agent, now):
    callback = open_callback(due_at=TEN_AT_NIGHT, now=now, asked_outside_hours=True)

    asked = calling_hours.decide_for(callback, TEN_AT_NIGHT + 90 * timedelta(minutes=1))
    assert asked.ok
    assert asked.reason == "The person asked for this time themselves."
    early = TEN_AT_NIGHT - timedelta(minutes=30)
    for moment in (early, TEN_AT_NIGHT + 2 * HOUR, TEN_AT_NIGHT + 6 * HOUR, TEN_AT_NIGHT + DAY):
        assert not calling_hours.decide_for(callback, moment).ok
    offers = calling_hours.offers_for(callback, TEN_AT_NIGHT - HOUR)
    assert (offers[0].at, offers[0].until) == (TEN_AT_NIGHT, TEN_AT_NIGHT + 2 * HOUR)
    assert offers[1].at == datetime(2026, 3, 11, 12, tzinfo=UTC)


def test_a_wish_with_a_window_holds_until_its_end(now):
    callback = open_callback(
        due_at=TEN_AT_NIGHT,
        window_ends_at=TEN_AT_NIGHT + 5 * HOUR,
        now=now,
        asked_outside_hours=True,
    )

    assert calling_hours.decide_for(callback, TEN_AT_NIGHT + 4 * HOUR).ok
    assert not calling_hours.decide_for(callback, TEN_AT_NIGHT + 5 * HOUR).ok


# --- Reasons --------------------------------------------------------------------------------------


def test_every_offer_is_allowed_and_says_why(now):
    person = maria(safe_from=time(9), safe_until=time(11, 30))
    after = now + 12 * HOUR  # 22:00 in Washington

    refused = calling_hours.decide(person, after)
    assert refused.reason == (
        "That is 10:00 PM for them (New York time); the federal calling hours are 8:00 AM to 9:00 PM."
    )
    offers = calling_hours.offers(person, after)
    assert len(offers) == 3
    for offer in offers:
        assert offer.reason == (
            "Within the federal calling hours, 8:00 AM to 9:00 PM their time (New York), and within their"
            " own safe hours, 9:00 AM to 11:30 AM."
        )
        assert calling_hours.decide(person, offer.at).ok
        assert not calling_hours.decide(person, offer.until).ok
    midday = calling_hours.decide(person, now + 2 * HOUR)
    assert midday.reason == (
        "That is 12:00 PM for them (New York time); their own safe hours are 9:00 AM to 11:30 AM."
    )


REASONS = [
    ({"zip_code": "33101"}, "Within the calling hours of Florida, 8:00 AM to 8:00 PM their time (New York)."),
    ({"zip_code": "", "phone": "+18505550123"}, "Within the calling hours of Florida (their state is not known), 8:00 AM to 8:00 PM in all 2 zones they may be in."),
    ({"zip_code": "", "phone": None}, "Within the calling hours of Florida (their state is not known), 8:00 AM to 8:00 PM in every zone of the lower 48 states; their own is unknown."),
]  # fmt: skip


@pytest.mark.parametrize(("told", "reason"), REASONS)
def test_a_reason_names_the_law_the_window_and_the_zone(now, told, reason):
    assert calling_hours.decide(maria(**told), now + 3 * HOUR).reason == reason


def test_a_helpline_in_florida_says_so(now, settings):
    settings.HELPLINE_STATE = "FL"
    late = now + 10 * HOUR + timedelta(minutes=30)  # 20:30 in Washington

    refused = calling_hours.decide(maria(), late)

    assert not refused.ok
    assert "the Florida calling hours of this helpline are 8:00 AM to 8:00 PM" in refused.reason


def test_holidays_are_kept_only_where_the_helpline_keeps_them(settings):
    thanksgiving = datetime(2026, 11, 26, 17, tzinfo=UTC)
    assert settings.HELPLINE_CALLS_ON_HOLIDAYS is True
    assert calling_hours.decide(maria(), thanksgiving).ok

    settings.HELPLINE_CALLS_ON_HOLIDAYS = False

    refused = calling_hours.decide(maria(), thanksgiving)
    assert "Thanksgiving Day" in refused.reason
    assert calling_hours.offers(maria(), thanksgiving, 1)[0].at == datetime(
        2026, 11, 27, 13, tzinfo=UTC
    )
    assert calling_hours.decide(maria(), thanksgiving, asked_outside_hours=True).ok


# --- The next try ---------------------------------------------------------------------------------


def test_offers_leave_room_for_what_is_promised_already(now):
    person = maria()
    for hours in (1, 2, 3):
        open_callback(due_at=now + hours * HOUR, now=now, person=person)

    offers = calling_hours.offers(person, now, 2)

    # Until the third of them; then when the first is a day old, which is eleven tomorrow.
    assert (offers[0].at, offers[0].until) == (now, now + 3 * HOUR)
    assert offers[1].at == now + 25 * HOUR
    assert offers[1].reason.endswith("Tries used in 24 hours: 2 of 3.")


def test_the_ladder_proposes_inside_their_hours(agent, now):
    callback = open_callback(due_at=now, now=now)
    evening = now + 10 * HOUR  # 20:00 in Washington
    tried(callback, evening - HOUR, evening, by=agent)
    step = calling_hours.step_after(callback, "no_answer", 2, now=evening)
    assert step.delay == 4 * HOUR

    again = calling_hours.next_try(callback, step, now=evening)

    assert again == datetime(2026, 3, 11, 12, tzinfo=UTC)


def test_a_time_they_asked_for_is_refused_with_the_next_ones(now):
    callback = open_callback(due_at=now, now=now)
    step = retries.next_step("call_later", 1)

    with pytest.raises(calling_hours.OutsideCallingHours, match="10:00 PM for them") as refused:
        calling_hours.next_try(callback, step, TEN_AT_NIGHT, now=now)
    assert refused.value.offers[0].at == datetime(2026, 3, 11, 12, tzinfo=UTC)
    asked = calling_hours.next_try(callback, step, TEN_AT_NIGHT, now=now, asked_outside_hours=True)
    assert asked == TEN_AT_NIGHT
    with pytest.raises(calling_hours.DueInThePast):
        calling_hours.next_try(callback, step, now - HOUR, now=now)


def test_safe_hours_at_night_leave_no_time(now):
    person = maria(safe_from=time(22), safe_until=time(6))
    callback = open_callback(due_at=now, now=now, person=person)

    with pytest.raises(calling_hours.NoTimeLeft):
        calling_hours.next_try(callback, retries.next_step("busy", 1), now=now)
    assert calling_hours.offers_for(callback, now) == []


def test_rung_again_and_again_the_promise_is_never_moved_outside_their_hours_or_the_cap(agent, now):
    callback = open_callback(due_at=now, now=now)
    moments = []
    while callback.is_open:
        moments.append(callback.due_at)
        callbacks.claim(callback=callback, by=agent, now=callback.due_at)
        rung(callback, "busy", by=agent, now=callback.due_at)

    assert len(moments) == retries.CONFIRMED_IN_ALL
    for moment in moments:
        assert moment.hour >= 12  # 8 a.m. in Washington
        assert sum(moment - DAY < other <= moment for other in moments) <= 3


# --- Texts ----------------------------------------------------------------------------------------


def test_a_text_never_uses_up_the_promised_call(agent, now):
    callback = open_callback(due_at=now + HOUR, now=now)
    tried(callback, now - 5 * HOUR, by=agent)
    assert calling_hours.text_decision(callback, now).ok

    tried(callback, now - 4 * HOUR, by=agent)

    refused = calling_hours.text_decision(callback, now)
    assert refused.reason == "A text would leave no room for the promised call."
    assert calling_hours.decide_for(callback, callback.due_at).ok


def test_a_text_keeps_their_hours_even_before_a_call_they_asked_for_at_night(now):
    callback = open_callback(due_at=TEN_AT_NIGHT, now=now, asked_outside_hours=True)

    assert not calling_hours.text_decision(callback, TEN_AT_NIGHT - timedelta(minutes=15)).ok


# --- Many at once ---------------------------------------------------------------------------------


def test_the_desk_asks_for_many_in_as_many_queries_as_for_one(agent, now):
    found = [open_callback(due_at=now, now=now)]
    for digit in range(1, 9):
        person = maria(phone=f"+1202555017{digit}")
        one = open_callback(due_at=now, now=now, person=person, source=WEB)
        tried(one, *[now - n * HOUR for n in range(1, digit % 4 + 1)], by=agent)
        found.append(one)

    with CaptureQueriesContext(
        connection,
    ) as few:
        calling_hours.decide_all(found[:1], now)
    with CaptureQueriesContext(connection) as many:
        decisions = calling_hours.decide_all(found, now)

    assert len(few) == len(many) == 2
    assert decisions == {one.pk: calling_hours.decide_for(one, now) for one in found}
    assert {decision.ok for decision in decisions.values()} == {True, False}


def test_the_public_form_looks_nobody_up(django_assert_num_queries):
    with django_assert_num_queries(0):
        calling_hours.rule_for(maria())


# --- Numbers that are not rung --------------------------------------------------------------------

NOT_RUNG = [
    ("premium", "+19005550123", "Premium"),
    ("premium exchange", "+12029760123", "Premium"),
    ("emergency", "+19115550123", "Emergency"),
    ("satellite", "+870773111632", "Satellite"),
    ("toll-free", "+18005550123", "Toll-free"),
    ("Bahamas", "+12423456789", "outside the United States"),
    ("Jamaica", "+18763456789", "outside the United States"),
    ("Canada", "+14163456789", "United States"),
    ("abroad", "+442079460958", "United States"),
    ("a further line of ours", "+12025550188", "our own lines"),
]


@pytest.fixture
def our_lines(settings):
    settings.HELPLINE_OWN_NUMBERS = ("+12025550188",)


@pytest.mark.parametrize(
    ("number", "reason"), [pytest.param(*case[1:], id=case[0]) for case in NOT_RUNG]
)
def test_no_promise_is_made_to_a_number_we_may_not_ring(agent, now, our_lines, number, reason):
    call = open_call(agent=agent, now=now)
    call.caller.phone = number
    args = {"person": call.caller, "call": call, "urgency": "routine", "by": agent, "now": now}
    with pytest.raises(NotDialable, match=reason) as refused:
        callbacks.promise(**args, due_at=now + 3 * HOUR)
    assert number not in str(refused.value)
    with pytest.raises(NotDialable, match=reason):
        web_requests.take(request=request(now, "c", person=maria(phone=number)), now=now)
    assert not Callback.objects.exists()


def test_our_own_number_is_not_promised_a_call(agent, now, settings):
    settings.HELPLINE_NUMBER = MARIA
    call = open_call(agent=agent, now=now)

    with pytest.raises(NotDialable, match="our own lines"):
        callbacks.promise(
            person=call.caller, due_at=now + HOUR, urgency="routine", by=agent, now=now
        )


def test_a_promise_is_not_moved_once_its_number_is_one_we_may_not_ring(agent, now, our_lines):
    callback = open_callback(due_at=now, now=now)
    callback.person.phone = "+12025550188"
    callback.person.save()

    with pytest.raises(NotDialable):
        callbacks.reschedule(callback=callback, due_at=now + HOUR, by=agent, now=now)
    callback.refresh_from_db()
    assert callback.plan == 1
