"""The terms of a search: kept under an opaque id, and written down in the audit."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events
from intake.actions.base import Refused
from intake.crypto import mac
from intake.models import StaffSearch

KEPT_FOR = timedelta(hours=12)


class NothingToSearch(Refused):
    default_message = "Type a phone number, its last four digits, a name or a reference."


class SearchExpired(Refused):
    default_message = "That search has expired. Search again."


@transaction.atomic
def start(*, target: str, text: str, by: User, now: datetime) -> StaffSearch:
    """Keep the terms under an opaque id, so that no URL carries them.

    Raises ``NothingToSearch``.
    """
    text = " ".join(text.split())[:200]
    if not text:
        raise NothingToSearch
    search = StaffSearch(target=target, terms={"text": text}, made_at=now, made_by=by)
    search.save(force_insert=True)
    events.write(
        "search.made",
        by=by,
        now=now,
        subject=search,
        detail={"target": target, "terms": keyed(text)},
    )
    return search


def keyed(text: str) -> str:
    """What the audit keeps of the terms: it can say "the same search again" and nothing more."""
    return mac("search", text.casefold().encode()).hex()[:32]


def text_of(*, search_id: UUID, target: str, by: User, now: datetime) -> str:
    """The terms behind an opaque id; only for whoever searched. Raises ``SearchExpired``."""
    search = StaffSearch.objects.filter(
        pk=search_id, target=target, made_by=by, made_at__gt=now - KEPT_FOR
    ).first()
    if search is None:
        raise SearchExpired
    return str(search.terms["text"])


def forget_old(*, now: datetime) -> int:
    """Delete searches nobody can use any more; returns how many."""
    return StaffSearch.objects.filter(made_at__lte=now - KEPT_FOR).delete()[0]
