"""Who may get a text when, and what an answer to one means.

Beside the consent in a person's record stands what was written from their number: STOP holds, at
once and for everybody recorded there, until START comes from it. A promised call stands either way
(``rules.opt_out`` says why).
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from intake.actions import blocks, calling_hours, dialable, events, reminders
from intake.channels.gateways.base import LONGEST
from intake.channels.text import TextChannel
from intake.models import Callback, Person, Reminder, TextMessage, TextStop

# No text takes that long: whoever began to send it is dead.
LOST_AFTER = timedelta(minutes=5)
SETTLED_AT_ONCE = 100
WORKER_DIED = "unknown_worker_died"


def why_not(reminder: Reminder, callback: Callback, now: datetime) -> str:
    """The code of what stands against this text going out at ``now`` (UTC); "" when nothing does.

    Everything is asked of the database again: between planning and sending the person may have
    written STOP, and the callback may have been kept, moved or taken.
    """
    current = Callback.objects.select_related("person").get(pk=callback.pk)
    if not current.is_open or current.plan != reminder.plan:
        return "no_longer_promised"
    # The call has begun, or its time has come by the time the text arrives.
    if current.claimed_at is not None or now + LONGEST >= current.due_at:
        return "too_late"
    return _person_against(current.person) or _hours_against(current, now)


def _person_against(person: Person) -> str:
    if not (person.phone and person.text_ok and person.safe_to_call):
        return "no_consent"
    if person.text_stops.filter(lifted_at=None).exists():
        return "stopped"
    number = str(person.phone)
    if person.do_not_call or blocks.is_blocked(number):
        return "blocked"
    return "" if dialable.decide(number).ok else "not_dialable"


def _hours_against(callback: Callback, now: datetime) -> str:
    """Inside their hours from the first moment to the last; and the call itself must still fit."""
    for moment in (now, now + LONGEST):
        if not calling_hours.text_decision(callback, moment).ok:
            return "not_allowed_now"
    return ""


TextChannel.why_not = staticmethod(why_not)


def settle_lost(*, now: datetime) -> int:
    """Show a supervisor the texts whose worker died while it sent them: perhaps they went out.

    They are not sent again. Returns how many there were.
    """
    trying = TextMessage.objects.filter(outcome=TextMessage.Outcome.TRYING)
    lost = trying.filter(tried_at__lt=now - LOST_AFTER).order_by("tried_at")
    return sum(_settle(message, now=now) for message in lost[:SETTLED_AT_ONCE])


@transaction.atomic
def _settle(message: TextMessage, *, now: datetime) -> bool:
    still = TextMessage.objects.filter(pk=message.pk, outcome=TextMessage.Outcome.TRYING)
    if not still.update(outcome=TextMessage.Outcome.UNKNOWN, code=WORKER_DIED):
        return False
    code = f"text_{WORKER_DIED}"
    marked = Reminder.objects.filter(
        pk=message.reminder_id, plan=message.plan, status=Reminder.Status.SENT
    )
    status = reminders.given_up_as(message.reminder)
    if marked.update(status=status, sent_at=None, last_error=code):
        events.write(
            "reminder.dead" if status == Reminder.Status.DEAD else "reminder.failed",
            by=events.SYSTEM,
            now=now,
            subject=message.reminder,
            detail={"code": code},
        )
    return True


@transaction.atomic
def stop(*, number: str, written_at: datetime, by: events.By, now: datetime) -> int:
    """No more texts to anybody recorded under this number (E.164), from this moment on.

    Takes their consent back and voids the texts that were planned; promised calls stand. Returns
    for how many people texts were allowed until now. Saying it again changes nothing.
    """
    stopped = 0
    people = list(Person.objects.at(number).order_by("pk"))
    for person in people:
        had_consent = Person.objects.filter(pk=person.pk, text_ok=True).update(text_ok=False)
        if _write_stop(person, written_at) or had_consent:
            stopped += 1
            events.write("person.texts_stopped", by=by, now=now, subject=person)
    # People first, reminders last, as whoever blocks a number does: two orders would deadlock.
    Reminder.objects.filter(
        callback__person__in=people,
        channel=Reminder.Channel.TEXT,
        status=Reminder.Status.PLANNED,
    ).update(status=Reminder.Status.VOID, lease_until=None, lease_token=None)
    return stopped


def _write_stop(person: Person, written_at: datetime) -> bool:
    in_force = TextStop.objects.filter(person=person, lifted_at=None)
    # Locked: an earlier START that is taken at this moment must not lift this one, too.
    if in_force.select_for_update().first() is None and _add_stop(person, written_at):
        return True
    in_force.filter(stopped_at__lt=written_at).update(stopped_at=written_at)
    return False


def _add_stop(person: Person, written_at: datetime) -> bool:
    try:
        with transaction.atomic():
            TextStop(person=person, stopped_at=written_at).save(force_insert=True)
    except IntegrityError:
        # Their second STOP arrived at the same moment.
        return False
    return True


@transaction.atomic
def lift_stop(*, number: str, written_at: datetime, by: events.By, now: datetime) -> int:
    """They wrote START: staff may ask them about texts again. Returns for how many people.

    It is no consent by itself: nobody gets a text before they said yes to one of us. A STOP written
    after it holds, whichever arrives first.
    """
    lifted = 0
    for person in Person.objects.at(number).order_by("pk"):
        in_force = TextStop.objects.filter(person=person, lifted_at=None)
        if in_force.filter(stopped_at__lte=written_at).update(lifted_at=now):
            lifted += 1
            events.write("person.texts_allowed_again", by=by, now=now, subject=person)
    return lifted
