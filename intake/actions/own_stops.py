"""The wish "do not call me again", said by the holder of a private link.

They may be anybody who found the link (``own_requests``), so it never shuts the number out: what
waits for it is held until a human has looked at it.
"""

from datetime import datetime
from functools import partial

from django.db import transaction

from intake.actions import blocks, claims, events, online_stops, own_requests, reminders
from intake.actions.request_stages import STOPPED, is_with_staff, stage, told_by_link
from intake.models import Callback, Event


@transaction.atomic
def stop_calls(*, callback: Callback, by: events.By, now: datetime) -> bool:
    """Take the request back, and let no web request to its number ring anybody unseen.

    The others that wait are held for a human, as later ones will be; they may be those of the
    owner of the number, and this link somebody else's. Promises made on a call stay. A request
    taken back by this link before may be named, too. False if the link had asked for it before.
    Raises ``RequestClosed``, ``BeingRung``.
    """
    if _has_asked(callback):
        return False
    if not callback.person.phone:
        raise own_requests.RequestClosed
    number = str(callback.person.phone)
    blocks.hold(number)
    own = own_requests.own_row(callback, now, also_withdrawn=True)
    if _has_asked(own):
        return False
    online_stops.stop(number=number, by=by, now=now)
    if stage(own, now).is_pending:
        own_requests.put_away(own, by=by, now=now)
    events.write(STOPPED, by=by, now=now, subject=own)
    _hold_others(number, own, by=by, now=now)
    # What came in, or was promised, by a transaction that could not see the stop.
    transaction.on_commit(partial(_hold_late, number, own, by=by, now=now), robust=True)
    return True


def _has_asked(callback: Callback) -> bool:
    return any(event.verb == STOPPED for event in told_by_link(callback))


def _hold_others(number: str, own: Callback, *, by: events.By, now: datetime) -> None:
    """What a member of staff has let through stays, or a stranger's stop would undo it again and
    again; and what speaks of danger, because minutes count and who rings is warned.
    """
    rows = blocks.pending_at(number).select_for_update(of=("self",)).order_by("pk")
    others = rows.filter(source=Callback.Source.WEB, in_danger=False).exclude(pk=own.pk)
    for one in others.exclude(status=Callback.Status.HELD).select_related("person"):
        if own_requests.is_ringing(one, now) or _is_let_through(one):
            continue
        if is_with_staff(one, list(one.attempts.all())):
            continue
        claims.settle(callback=one, by=by, now=now)
        own_requests.hold(one)
        reminders.void(callback=one)
        detail = {"because": Callback.HeldBecause.STOPPED}
        events.write("callback.held", by=by, now=now, subject=one, detail=detail)


def _is_let_through(callback: Callback) -> bool:
    return Event.objects.filter(
        subject_type="callback",
        subject_id=str(callback.pk),
        verb="callback.admitted",
        actor_kind=Event.ActorKind.USER,
    ).exists()


def _hold_late(number: str, own: Callback, *, by: events.By, now: datetime) -> None:
    with transaction.atomic():
        if online_stops.is_stopped(number):
            _hold_others(number, own, by=by, now=now)
