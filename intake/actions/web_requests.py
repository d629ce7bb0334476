"""A stranger's request from the public form joins the same queue as every other promise."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from intake.actions import (
    blocks,
    callbacks,
    calling_hours,
    dialable,
    events,
    people,
    reminders,
)
from intake.models import Callback, Person
from intake.rules import hours


@dataclass(frozen=True)
class WebRequest:
    """What the public form holds, checked by it: an unsaved person and their wishes.

    ``form_digest`` and ``content_digest`` are 32 hex digits each, keyed: which rendered form it
    came from, and what was typed into it. ``consent_wording`` is the version of the text the
    person agreed to be called under. ``asked_outside_hours``: they asked to be rung at this very
    time, even at night.
    """

    person: Person
    due_at: datetime
    form_digest: str
    content_digest: str
    consent_wording: str
    who_for: str = Callback.WhoFor.ME
    topic: str = ""
    in_danger: bool = False
    window_ends_at: datetime | None = None
    asked_outside_hours: bool = False

    @property
    def token(self) -> str:
        return self.form_digest + self.content_digest


@transaction.atomic
def take(*, request: WebRequest, now: datetime) -> Callback:
    """Take a stranger's request; the same form sent again returns the first callback.

    Sent again with changes, it replaces what it sent before: a number corrected after "back" must
    not leave the wrong one to be rung. The number is never looked up for the answer, so a known
    and an unknown number get the same one. A number that asked not to be called is stored as
    cancelled and never rung; one that nobody confirmed and that was tried as often as it may be,
    as not reached, for a supervisor to see. Raises ``NotDialable``.
    """
    dialable.require(str(request.person.phone or ""))
    existing = Callback.objects.filter(request_token=request.token).first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            callback = _store_web_request(request, now)
    except IntegrityError:
        # The other half of a double click won the unique token; its row is ours too.
        return Callback.objects.get(request_token=request.token)
    _replace_earlier(callback, request.form_digest, now)
    return callback


def _replace_earlier(callback: Callback, form_digest: str, now: datetime) -> None:
    """Cancel what the same form sent before, unless somebody has begun to act on it.

    A range, not LIKE: SQLite has no index for the latter. "g" follows every hex digit.
    """
    earlier = Callback.objects.filter(
        request_token__gte=form_digest,
        request_token__lt=f"{form_digest}g",
        status=Callback.Status.OPEN,
        claimed_at__isnull=True,
        first_attempt_at__isnull=True,
    ).exclude(pk=callback.pk)
    for one in earlier:
        callbacks.cancel(callback=one, by=events.PUBLIC, now=now)


def _store_web_request(request: WebRequest, now: datetime) -> Callback:
    person = people.save(person=request.person, by=events.PUBLIC, now=now)
    callback = Callback(
        person=person,
        source=Callback.Source.WEB,
        who_for=request.who_for,
        reason=request.topic,
        due_at=request.due_at,
        window_ends_at=request.window_ends_at,
        time_zone=person.time_zone or hours.UNKNOWN_PLACE_ZONE,
        urgency=Callback.Urgency.URGENT if request.in_danger else Callback.Urgency.HIGH,
        in_danger=request.in_danger,
        asked_outside_hours=request.asked_outside_hours,
        requested_at=now,
        request_token=request.token,
    )
    block = blocks.recognize(str(person.phone))
    is_tried_out = calling_hours.is_tried_out(callback)
    if block is not None:
        callback.status, callback.closed_at = Callback.Status.CANCELLED, now
        callback.closed_by_block = block
    elif is_tried_out:
        callback.status, callback.closed_at = Callback.Status.EXHAUSTED, now
    callback.save(force_insert=True)
    if callback.is_open:
        reminders.plan(callback=callback, now=now)
    events.write(
        "callback.requested",
        by=events.PUBLIC,
        now=now,
        subject=callback,
        detail={
            "blocked": block is not None,
            "tried_out": is_tried_out,
            "consent": request.consent_wording,
            "outside_hours": request.asked_outside_hours,
        },
    )
    return callback
