"""Numbers somebody asked by a private link not to call: what that holds back, and until when.

Who holds a link has proved nothing about the number. So a stop never ends a promise made on a call
with us nor refuses a request: web requests to the number wait for a human. It is over once
somebody there has spoken with us.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from intake.actions import events
from intake.crypto import blind_index_candidates, get_keyring, lone_digest
from intake.models import Attempt, Callback, OnlineStop, Person

PURPOSE = "stopped.number"


def in_force(number: str) -> OnlineStop | None:
    """The stop that holds for this number (E.164), if any, under whatever index key."""
    row = _at(number)
    return None if row is None or _spoke_since(number, row.stopped_at) else row


def is_stopped(number: str) -> bool:
    """Whether web requests to this number (E.164) wait for a human."""
    return in_force(number) is not None


def _at(number: str) -> OnlineStop | None:
    """The latest: under two keys there may be two, for a moment."""
    digests = blind_index_candidates(PURPOSE, number)
    return OnlineStop.objects.filter(number_digest__in=digests).order_by("-stopped_at").first()


def _spoke_since(number: str, moment: datetime) -> bool:
    """Whether somebody there said who they are, or was promised a call on a call with us."""
    there = Person.objects.at(number)
    said = Attempt.objects.filter(
        callback__person__in=there, identity_confirmed=True, made_at__gt=moment
    )
    promised = Callback.objects.filter(
        person__in=there, source=Callback.Source.AGENT, requested_at__gt=moment
    )
    return said.exists() or promised.exists()


@transaction.atomic
def stop(*, number: str, by: events.By, now: datetime) -> OnlineStop:
    """Hold back web requests to this number (E.164) from now on; asked twice, it is one stop."""
    row = recognize(number, now=now)
    if row is not None:
        return row
    digest, key_id = lone_digest(PURPOSE, number)
    row = OnlineStop(number_digest=digest, key_id=key_id, stopped_at=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another tab, at this very moment.
        return OnlineStop.objects.get(number_digest=digest)
    events.write("number.stopped_online", by=by, now=now, subject=row)
    return row


@transaction.atomic
def recognize(number: str, *, now: datetime) -> OnlineStop | None:
    """As ``in_force``; a stop that is over is forgotten, one that holds moves to the current key."""
    row = _at(number)
    if row is None:
        return None
    if _spoke_since(number, row.stopped_at):
        _forget(number, now=now)
        return None
    _rekey(row, number)
    return row


def _forget(number: str, *, now: datetime) -> None:
    for row in OnlineStop.objects.filter(number_digest__in=blind_index_candidates(PURPOSE, number)):
        events.write("number.online_stop_over", by=events.SYSTEM, now=now, subject=row)
        row.delete()


# --- Keys ----------------------------------------------------------------------------------------


def _rekey(row: OnlineStop, number: str) -> None:
    digest, key_id = lone_digest(PURPOSE, number)
    others = OnlineStop.objects.filter(number_digest__in=blind_index_candidates(PURPOSE, number))
    # Asked twice at the moment the key changed: one row is enough.
    others.exclude(pk=row.pk).delete()
    if row.key_id != key_id:
        row.number_digest, row.key_id = digest, key_id
        row.save(update_fields=["number_digest", "key_id"])


def rekey() -> int:
    """Move every stop whose number is still recorded to the current index key; returns how many.

    What is left can only be recognized with the key it was made with; see ``blocks.rekey``.
    """
    key_id = get_keyring().index.current
    old = OnlineStop.objects.exclude(key_id=key_id)
    waiting = set(old.values_list("number_digest", flat=True))
    moved = 0
    # A stop comes from the link of a web request, so its number stands with one.
    asked = Person.objects.filter(callbacks__source=Callback.Source.WEB, phone_index__isnull=False)
    for person in asked.only("phone").distinct().iterator() if waiting else ():
        number = str(person.phone)
        if waiting & set(blind_index_candidates(PURPOSE, number)):
            row = _at(number)
            if row is not None:
                _rekey(row, number)
                moved += 1
            waiting -= set(blind_index_candidates(PURPOSE, number))
    return moved
