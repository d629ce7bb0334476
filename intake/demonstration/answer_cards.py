"""The shipped answer cards in the hands of an invented helpline: most reviewed, some overdue."""

import random
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from intake.actions import answer_files, answer_marks, answers, events
from intake.models import AnswerCard, Call

# Of five cards one is still to be reviewed, and of the others every sixth is overdue.
UNREVIEWED_EACH = 5
OVERDUE_EACH = 6
MARKED_SHARE = 0.4
HELPED_SHARE = 0.8


def review(*, by: User, now: datetime) -> None:
    """Load the cards and confirm most of them, at moments before ``now``; each in every language."""
    answer_files.load(by=events.SYSTEM, now=now)
    positions = sorted(set(AnswerCard.objects.values_list("position", flat=True)))
    for number, position in enumerate(positions, start=1):
        if number % UNREVIEWED_EACH == 0:
            continue
        age = timedelta(days=200 if number % OVERDUE_EACH == 0 else 20 + number)
        for card in AnswerCard.objects.filter(position=position).order_by("language"):
            answers.review(card=card, version=card.version, by=by, now=now - age)


def mark(call: Call, *, agent: User, now: datetime) -> None:
    """Perhaps one card was read out on this call, and perhaps it helped."""
    # A chance of its own, so that the course of the call is the same with and without cards.
    chance = random.Random(call.started_at.isoformat())  # noqa: S311 - invented data
    language = "es" if call.language == "es" else "en"
    cards = AnswerCard.objects.in_use().filter(language=language).order_by("position")
    if chance.random() > MARKED_SHARE or not cards:
        return
    card = chance.choice(list(cards))
    answer_marks.mark_helped(
        card=card,
        version=card.version,
        call_key=call.pk,
        helped=chance.random() < HELPED_SHARE,
        by=agent,
        now=now,
    )
