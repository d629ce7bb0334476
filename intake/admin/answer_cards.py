"""Answer cards beside the call sheet: those that fit the call at hand, and how far each is trusted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from intake.actions import answer_marks
from intake.admin.live_sheet import LiveSheet
from intake.models import AnswerCard, Call
from intake.models.answers import AnswerCardQuerySet
from intake.rules.answers import Answers
from intake.rules.card_fit import Situation, fit, situation
from intake.rules.card_text import blocks

# More would be a list to search in, which is what the page of all answers is for.
MOST_CARDS = 5
MARKS = "intake.add_answerfeedback"


def list_url() -> str:
    """All answers."""
    return reverse("admin:intake_answercard_changelist")


def overdue_reviews(now: datetime) -> AnswerCardQuerySet:
    """Cards in use whose review has run out at ``now``, the longest first."""
    return AnswerCard.objects.overdue(now).order_by("review_due_at", "position", "id")


# --- Beside the sheet ----------------------------------------------------------------------------


def cards_for(live: LiveSheet) -> SafeString:
    """The fragment ``#answer-cards``: at most ``MOST_CARDS``, the best fit first. Two queries."""
    found = fitting(situation_of(live), language=str(live.sheet.call["language"].value() or "en"))
    may_mark = live.user.has_perm(MARKS)
    key = live.call.pk
    marks = answer_marks.marks_of(found, call_key=key, by=live.user) if found and may_mark else {}
    context = {
        "cards": [shown(card, now=live.now, helped=marks.get(card.pk)) for card in found],
        "may_mark": may_mark,
        "mark_url": reverse("admin:intake_answercard_mark"),
        "all_url": list_url(),
        "call_key": key,
        "oob": live.oob,
    }
    return render_to_string("admin/intake/_answer_cards.html", context, live.request)


def situation_of(live: LiveSheet) -> Situation:
    """What was told so far on this sheet, saved or not."""
    sheet = live.sheet
    given: Answers | None = None
    if sheet.questions.is_bound:
        given = sheet.answers_now()
    elif sheet.screen is not None:
        given = Answers.from_dict(sheet.screen.answers)
    return situation(
        answers=given,
        exposures=live.exposures,
        rule_ids=live.assessment.rule_ids if live.assessment else (),
        routes=[use.route for _number, use in sheet.rows_now()],
        topics=_texts(sheet.call["topics"].value()),
        about_other=sheet.call["call_type"].value() == Call.CallType.ABOUT_OTHER,
    )


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list | tuple) else []


def fitting(at_hand: Situation, *, language: str = "en") -> list[AnswerCard]:
    """The cards in use that fit, the best first, in the caller's language where there is one."""
    # What stands on a sheet may be no language at all.
    languages = {"en", language} & set(AnswerCard.Language.values)
    known = AnswerCard.objects.in_use().filter(language__in=languages)
    by_key: dict[str, AnswerCard] = {}
    for card in known.select_related("reviewed_by"):
        if card.key not in by_key or card.language == language:
            by_key[card.key] = card
    scored = [(fit(card.for_substances, card.for_signs, at_hand), card) for card in by_key.values()]
    scored.sort(key=lambda pair: (-pair[0], pair[1].position, pair[1].key))
    return [card for score, card in scored if score][:MOST_CARDS]


# --- One card ------------------------------------------------------------------------------------


def shown(card: AnswerCard, *, now: datetime, helped: bool | None = None) -> dict[str, Any]:
    """A card as the templates take it; ``helped`` is what this person said of it, if anything."""
    return {
        "card": card,
        "blocks": blocks(card.text),
        "state": review_state(card, now),
        "helped": helped,
    }


def review_state(card: AnswerCard, now: datetime) -> dict[str, str]:
    """In one badge and one line: who answers for this text, and until when."""
    if card.retired_at is not None:
        return {"label": _("Retired"), "tone": "muted", "icon": "", "text": _day(card.retired_at)}
    if card.reviewed_at is None or card.review_due_at is None or card.reviewed_by is None:
        return {
            "label": _("Not reviewed here yet"),
            "tone": "warn",
            "icon": "info",
            "text": _("Nobody of this helpline has confirmed it."),
        }
    text = _("Reviewed %(day)s by %(who)s, due again %(due)s") % {
        "day": _day(card.reviewed_at),
        "who": card.reviewed_by.get_username(),
        "due": _day(card.review_due_at),
    }
    if card.review_due_at <= now:
        return {"label": _("Review overdue"), "tone": "late", "icon": "clock", "text": text}
    return {"label": _("Reviewed"), "tone": "done", "icon": "check", "text": text}


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "M j, Y")


def labels(codes: Iterable[str], known: dict[str, str]) -> list[str]:
    """The codes in words; one that the software no longer knows stands for itself."""
    return [known.get(code, code) for code in codes]


def mark_of(card: AnswerCard, *, by: User) -> bool | None:
    """What this person said of the card apart from any call."""
    return answer_marks.marks_of([card], call_key=None, by=by).get(card.pk)
