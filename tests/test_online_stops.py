"""The wish "do not call me again", said by a private link: what it holds back, and for how long."""

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db import connection

from intake.actions import admission, blocks, callbacks, online_stops, reviews
from intake.actions.own_requests import Stage
from intake.admin import briefing
from intake.crypto import get_keyring
from intake.models import Attempt, Callback, Event, OnlineStop, Person, Reminder
from tests.casting import JOHN, MARIA, maria, open_call, open_callback, rung
from tests.crypto.rows import rotate
from tests.link_holder import DAY, HOUR, asked, claimed, fresh, ringing, stage, stop, withdraw

pytestmark = pytest.mark.django_db


# --- Do not call me again ------------------------------------------------------------------------


def test_a_stop_takes_its_request_back_and_holds_the_others_for_a_human(agent, other_agent, now):
    """Whoever holds a link may be the one they hide from; their own request must not vanish."""
    callback = asked(now)
    hers = asked(now, person=maria(alias="Herself"))
    begun = claimed(asked(now, due_in=timedelta(0), person=maria(alias="Begun")), agent, now)
    received = asked(now, status="received", person=maria(alias="Just sent"))
    promised = open_callback(due_at=now, now=now - DAY, person=maria(alias="On a call"))
    johns = asked(now, person=maria(phone=JOHN))
    stop(callback, now)
    assert fresh(callback).status == "cancelled"
    for one in (hers, begun):
        assert (fresh(one).status, fresh(one).held_because) == ("held", "stopped")
        assert fresh(one).claimed_by is None
        assert not one.reminders.exclude(status=Reminder.Status.VOID).exists()
        assert stage(one, now).is_pending
    assert fresh(promised).is_open
    assert fresh(johns).is_open
    admission.admit_received(limit=10, now=now)
    assert (fresh(received).status, fresh(received).held_because) == ("held", "stopped")
    reviews.release(callback=fresh(hers), by=other_agent, now=now)
    assert fresh(hers).is_open


def test_a_request_staff_let_through_is_not_held_again_by_the_next_stop(agent, now):
    """Or a stranger could keep somebody waiting for ever."""
    hers = asked(now, person=maria(alias="Herself"))
    stop(asked(now), now)
    reviews.release(callback=fresh(hers), by=agent, now=now)
    stop(asked(now, person=maria(alias="Again")), now)
    assert fresh(hers).is_open
    # To herself it is as before.
    assert stage(hers, now) is Stage.AHEAD
    withdraw(hers, now)


def test_a_strangers_stop_holds_up_no_call_for_somebody_in_danger(now):
    """But whoever rings is warned before the number is shown."""
    hers = asked(now, person=maria(alias="Herself"), in_danger=True, urgency="urgent")
    stop(asked(now), now)
    assert fresh(hers).is_open
    assert any("asked online" in line.lead for line in briefing.briefing(fresh(hers)))


def test_one_that_is_being_rung_goes_on(agent, now):
    callback = asked(now)
    rings = ringing(asked(now, due_in=timedelta(0), person=maria(alias="Rings")), agent, now)
    stop(callback, now)
    assert (fresh(rings).status, fresh(rings).claimed_by) == ("open", agent)


def test_a_stop_shuts_nobody_out(agent, now):
    """The number is not blocked: calls we promise are made, and requests reach a human."""
    stop(asked(now), now)
    assert not blocks.is_blocked(MARIA)
    assert not Person.objects.filter(do_not_call=True).exists()
    call = open_call(agent=agent, now=now + HOUR)
    promised = callbacks.promise(
        person=call.caller, due_at=now + 2 * HOUR, urgency="routine", by=agent, now=now + HOUR
    )
    assert promised.is_open


def test_later_requests_wait_for_a_human_and_those_of_others_do_not(now):
    stop(asked(now), now)
    again = asked(now + DAY, status="received")
    johns = asked(now + DAY, status="received", person=maria(phone=JOHN))
    admission.admit_received(limit=10, now=now + DAY)
    assert (fresh(again).status, fresh(again).held_because) == ("held", "stopped")
    assert fresh(johns).is_open


def test_whoever_is_about_to_ring_is_told(now):
    promised = open_callback(due_at=now, now=now - DAY, person=maria(alias="On a call"))

    def told():
        return [line for line in briefing.briefing(promised) if "asked online" in line.lead]

    assert not told()
    stop(asked(now), now)
    assert len(told()) == 1


def test_whoever_rings_about_one_that_was_taken_back_is_told(agent, now):
    urgent = asked(now, in_danger=True, urgency="urgent")

    def told():
        return [line for line in briefing.briefing(fresh(urgent)) if "took this" in line.lead]

    assert not told()
    withdraw(urgent, now)
    reviews.release(callback=fresh(urgent), by=agent, now=now)
    assert fresh(urgent).is_open
    assert len(told()) == 1


def test_a_stop_is_over_once_somebody_there_has_spoken_with_us(agent, now):
    stop(asked(now), now)
    held = asked(now + DAY, status="received")
    admission.admit_received(limit=10, now=now + DAY)
    reviews.release(callback=fresh(held), by=agent, now=now + DAY)
    when = max(fresh(held).due_at, now + DAY)
    rung(claimed(fresh(held), agent, when), "reached", by=agent, now=when)
    assert not online_stops.is_stopped(MARIA)
    again = asked(when + DAY, status="received")
    admission.admit_received(limit=10, now=when + DAY)
    assert fresh(again).is_open
    # The next who asks for a stop begins anew.
    assert online_stops.recognize(MARIA, now=when) is None
    assert not OnlineStop.objects.exists()
    assert Event.objects.filter(verb="number.online_stop_over").count() == 1


def test_asked_twice_it_is_one_stop_and_a_request_taken_back_before_may_ask_for_it(now):
    callback = asked(now)
    withdraw(callback, now)
    stop(callback, now)
    stop(callback, now + HOUR)
    assert OnlineStop.objects.get().stopped_at == now
    assert Event.objects.filter(verb="callback.withdrawn").count() == 1
    assert Event.objects.filter(verb="number.stopped_online").count() == 1


def test_nothing_of_the_number_is_stored_and_no_other_table_has_its_digest(now):
    stop(asked(now), now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_onlinestop")
        stored = str(cursor.fetchall())
    for part in ("2025550143", "5550143", "0143"):
        assert part not in stored
    digest = bytes(OnlineStop.objects.get().number_digest)
    assert digest != Person.objects.at(MARIA).first().phone_index
    assert digest != blocks.lone_digest(blocks.PURPOSE, MARIA)[0]


# --- Keys ----------------------------------------------------------------------------------------


def purge():
    for model in (Attempt, Reminder, Callback, Person):
        model.objects.all().delete()


def test_a_stop_outlives_everybody_and_holds_under_every_key_of_the_ring(keys, now):
    stop(asked(now), now)
    purge()
    rotate("--new-index-key")
    assert get_keyring().index.current == "i2"
    assert online_stops.is_stopped(MARIA)
    with pytest.raises(CommandError, match="recognized with i1 alone"):
        rotate("--retire", "i1")
    again = asked(now, status="received")
    admission.admit_received(limit=10, now=now)
    assert fresh(again).held_because == "stopped"
    rotate("--retire", "i1")
    assert set(get_keyring().index.keys) == {"i2"}
    assert online_stops.is_stopped(MARIA)


def test_a_stop_moves_to_the_new_key_with_the_record_of_its_number(keys, now):
    stop(asked(now), now)
    rotate("--new-index-key")
    rotate("--retire", "i1")
    assert OnlineStop.objects.get().key_id == "i2"
    assert online_stops.is_stopped(MARIA)


def test_asked_under_both_keys_it_becomes_one_stop(keys, now):
    stop(asked(now), now)
    rotate("--new-index-key")
    purge()
    OnlineStop.objects.update(stopped_at=now - DAY)
    digest, key_id = online_stops.lone_digest(online_stops.PURPOSE, MARIA)
    OnlineStop.objects.filter(number_digest=digest).delete()
    old = online_stops.blind_index_candidates(online_stops.PURPOSE, MARIA)[1]
    OnlineStop.objects.all().delete()
    OnlineStop.objects.create(number_digest=old, key_id="i1", stopped_at=now - DAY)
    OnlineStop.objects.create(number_digest=digest, key_id=key_id, stopped_at=now)
    assert online_stops.recognize(MARIA, now=now).stopped_at == now
    assert OnlineStop.objects.get().key_id == "i2"
