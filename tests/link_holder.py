"""A web request, and what the holder of its private link does with it."""

from datetime import timedelta

from intake.actions import callbacks, dialing, own_requests, own_stops, reminders
from intake.actions.events import PUBLIC
from intake.actions.own_requests import OwnHours
from intake.models import Callback
from intake.rules.callback_times import Slot
from tests.casting import open_callback

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(now, *, due_in=2 * HOUR, status="open", person=None, **fields):
    """A web request as the form and admission leave it."""
    callback = open_callback(
        due_at=now + due_in, now=now, person=person, source="web", status=status, **fields
    )
    if status == "open":
        reminders.plan(callback=callback, now=now)
    if status == "received":
        # The form leaves them to admission.
        callback.person.name_words.all().delete()
    return callback


def change(callback, now, *, begins=None, ends=None, outside=False, **own):
    slot = Slot(begins or now + 4 * HOUR, ends, outside)
    return own_requests.change_time(
        callback=callback, slot=slot, own_hours=OwnHours(**own), by=PUBLIC, now=now
    )


def withdraw(callback, now):
    return own_requests.withdraw(callback=callback, by=PUBLIC, now=now)


def stop(callback, now):
    return own_stops.stop_calls(callback=callback, by=PUBLIC, now=now)


def stage(callback, now):
    return own_requests.stage(Callback.objects.get(pk=callback.pk), now)


def claimed(callback, agent, now):
    callbacks.claim(callback=callback, by=agent, now=now)
    return callback


def ringing(callback, agent, now):
    return dialing.show_number(callback=claimed(callback, agent, now), by=agent, now=now)


def fresh(callback):
    return Callback.objects.select_related("person").get(pk=callback.pk)
