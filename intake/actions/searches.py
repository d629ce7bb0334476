"""Finding a caller: exact, through the keyed index, and written down in the audit."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from intake.actions import events
from intake.actions.base import Refused
from intake.crypto import blind_index_candidates, mac
from intake.models import StaffSearch
from intake.models.base import REFERENCE_ALPHABET
from intake.rules import phones

KEPT_FOR = timedelta(hours=12)


class NothingToSearch(Refused):
    default_message = "Type a phone number, a full name or a reference."


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
        # Keyed, so that the audit can say "the same search again" and nothing more.
        detail={"target": target, "terms": mac("search", text.casefold().encode()).hex()[:32]},
    )
    return search


def text_of(*, search_id: UUID, target: str, by: User, now: datetime) -> str:
    """The terms behind an opaque id; only for whoever searched. Raises ``SearchExpired``."""
    search = StaffSearch.objects.filter(
        pk=search_id, target=target, made_by=by, made_at__gt=now - KEPT_FOR
    ).first()
    if search is None:
        raise SearchExpired
    return str(search.terms["text"])


def matching_people(text: str, path: str = "") -> Q:
    """People whose number or full name is exactly this, by blind index.

    ``path`` leads to the person from another model: ``"caller__"``.
    """
    condition = Q(**{f"{path}name_index__in": _digests("person.name", text)})
    number = phones.normalise(text)
    if number:
        condition |= Q(**{f"{path}phone_index__in": _digests("person.phone", number)})
    return condition


def _digests(purpose: str, value: str) -> list[bytes]:
    try:
        return blind_index_candidates(purpose, value)
    except ValueError:
        # Nothing is left of it, such as "!!!": found by nobody, which is the right answer.
        return []


def reference(text: str) -> str:
    """What was typed as a reference, such as ``C-7K4M2QXD``; "" when it cannot be one.

    Read out over a bad line, an O is a zero and an I or L a one: the alphabet has neither.
    """
    plain = text.strip().upper().replace(" ", "-")
    prefix, _dash, code = plain.partition("-")
    code = code.translate(str.maketrans("OIL", "011"))
    is_one = len(prefix) == 1 and prefix.isascii() and len(code) == 8
    return f"{prefix}-{code}" if is_one and set(code) <= set(REFERENCE_ALPHABET) else ""


def forget_old(*, now: datetime) -> int:
    """Delete searches nobody can use any more; returns how many."""
    return StaffSearch.objects.filter(made_at__lte=now - KEPT_FOR).delete()[0]
