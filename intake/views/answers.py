"""Plain answers, from the cards that somebody of this helpline has confirmed for the public."""

import logging
from dataclasses import dataclass
from typing import TypeVar

from django.db import Error as DatabaseFault
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from intake.models import AnswerCard
from intake.rules import card_text
from intake.views.frame import frame

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """One card as the page shows it. ``anchor`` tells nothing of what it is about."""

    anchor: str
    card: AnswerCard
    blocks: tuple[card_text.Block, ...]


@require_safe
def info(request: HttpRequest) -> HttpResponse:
    """Every public answer of the page's language on one page, so that no address names a topic."""
    context = {**frame(request), "topics": by_topic(public_cards())}
    return render(request, "public/info.html", context)


def public_cards() -> list[AnswerCard]:
    """The reviewed cards of the page's language, in their order."""
    cards = _cards().only("title", "text", "topic", "sources").order_by("position", "title")
    try:
        return list(cards)
    except DatabaseFault:
        return _missing([])


def has_answers() -> bool:
    """Whether there is anything to read in the page's language."""
    try:
        return _cards().exists()
    except DatabaseFault:
        return _missing(False)


def _cards() -> QuerySet[AnswerCard]:
    language = translation.get_language() or AnswerCard.Language.EN
    return AnswerCard.objects.for_the_public().filter(language=language)


def _missing(instead: T) -> T:
    """The database is away: what else is on the page, our number above all, must not go with it."""
    logger.error("public answers could not be read")
    return instead


def by_topic(cards: list[AnswerCard]) -> list[tuple[str, list[Answer]]]:
    """The answers under the label of their topic, topics in the order of the first card of each."""
    topics: dict[str, list[Answer]] = {}
    for number, card in enumerate(cards, start=1):
        answer = Answer(f"a{number}", card, card_text.blocks(card.text))
        topics.setdefault(card.get_topic_display(), []).append(answer)
    return list(topics.items())
