"""What answer cards were worth on a call, in the eyes of who read them out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from intake.actions import events
from intake.actions.answers import CardChanged, CardRetired
from intake.actions.base import Refused
from intake.crypto import blind_index_candidates
from intake.models import AnswerCard, AnswerFeedback


class AlreadyMarked(Refused):
    default_message = "That is what you said of it already."


@transaction.atomic
def mark_helped(
    *,
    card: AnswerCard,
    version: int,
    call_key: UUID | None,
    helped: bool,
    by: User,
    now: datetime,
) -> AnswerFeedback:
    """Say whether ``version`` of the card helped on this call. The last word counts.

    The event names the call, never the card: which card was read out is health data (see
    ``AnswerFeedback``). Raises ``CardChanged`` when that version stands no more, ``CardRetired``,
    and ``AlreadyMarked`` when it is what this person said before.
    """
    # One press after the other: two at once would both find nothing said before.
    card = AnswerCard.objects.select_for_update().get(pk=card.pk)
    if card.retired_at is not None:
        raise CardRetired
    if card.version != version:
        raise CardChanged
    about = about_of(card, call_key=call_key, by=by)
    feedback = AnswerFeedback.objects.filter(
        about_index__in=blind_index_candidates("answer_feedback.about", about)
    ).first()
    if feedback is None:
        feedback = AnswerFeedback(call_key=call_key, about=about, given_by=by)
        _count(card, helped, 1)
    elif feedback.helped == helped:
        raise AlreadyMarked
    else:
        _count(card, not helped, -1)
        _count(card, helped, 1)
    feedback.helped, feedback.given_at = helped, now
    feedback.save()
    events.write(
        "answer.marked", by=by, now=now, detail={"call": str(call_key)} if call_key else None
    )
    return feedback


def about_of(card: AnswerCard, *, call_key: UUID | None, by: User) -> str:
    """What one row of feedback is about, as one word: card, version, call, person."""
    call = call_key.hex if call_key else "none"
    return f"{card.pk.hex}v{card.version}c{call}u{by.pk}"


def _count(card: AnswerCard, helped: bool, step: int) -> None:
    name = "helped_count" if helped else "not_helped_count"
    AnswerCard.objects.filter(pk=card.pk).update(**{name: F(name) + step})


def marks_of(cards: Sequence[AnswerCard], *, call_key: UUID | None, by: User) -> dict[UUID, bool]:
    """What this person said of each card on this call: card id to helped or not. One query."""
    asked = {about_of(card, call_key=call_key, by=by): card.pk for card in cards}
    given = AnswerFeedback.objects.filter(given_by=by, call_key=call_key)
    if call_key is None:
        # Their own, apart from any call: few, but not bounded by one call.
        digests = [
            digest
            for about in asked
            for digest in blind_index_candidates("answer_feedback.about", about)
        ]
        given = AnswerFeedback.objects.filter(about_index__in=digests)
    return {asked[row.about]: bool(row.helped) for row in given if row.about in asked}
