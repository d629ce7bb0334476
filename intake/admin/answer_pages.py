"""Pages of an answer card: write, change, confirm, retire."""

from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intake.actions import answers
from intake.admin import answer_cards
from intake.admin.answer_forms import CardForm, NewCardForm, ReviewForm, initial_of
from intake.admin.base import staff
from intake.admin.pages import ActionForm, ActionPage
from intake.models import AnswerCard
from intake.rules.card_text import blocks


class CardPage(ActionPage):
    """A page of one card, which carries the version it shows."""

    template_name = "admin/intake/answer_action.html"
    record: AnswerCard

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {
            "eyebrow": str(self.record),
            "form_template": "admin/intake/_answer_form.html",
            "stands": blocks(self.record.text),
        }


def posted_version(request: HttpRequest) -> int:
    """The version the page was about; -1, which no card has, for what is none."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class WritePage(CardPage):
    permission = "add_answercard"
    form_class = NewCardForm
    title = _("Write an answer")
    intro = _(
        "In plain words, as you would say it to a caller at night. It counts as not reviewed."
    )
    submit_label = _("Keep it")
    done_message = _("Kept. Somebody has to review it.")

    def get_record(self, request: HttpRequest, object_id: str) -> AnswerCard:
        return AnswerCard()

    def act(self, request: HttpRequest, form: NewCardForm, now: datetime) -> models.Model:
        return answers.write(
            given=form.given(),
            key=form.cleaned_data["key"],
            language=form.cleaned_data["language"],
            by=staff(request),
            now=now,
        )

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(done or self.record)

    def cancel_url(self) -> str:
        return answer_cards.list_url()

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {"form_template": "admin/intake/_answer_form.html"}


class EditPage(CardPage):
    permission = "change_answercard"
    form_class = CardForm
    title = _("Change this answer")
    intro = _("A changed card counts as not reviewed until somebody confirms it again.")
    submit_label = _("Keep the change")
    done_message = _("Changed. Somebody has to review it.")

    def initial(self) -> dict[str, Any]:
        return initial_of(self.record)

    def act(self, request: HttpRequest, form: CardForm, now: datetime) -> None:
        answers.change(
            card=self.record,
            given=form.given(),
            version=posted_version(request),
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        # After somebody else's change the next press knows of it, and may replace it.
        is_stale = form.is_bound and posted_version(request) != self.record.version
        return {**super().context(request, form), "shows_what_stands": is_stale}


class ReviewPage(CardPage):
    permission = "review_answercard"
    form_class = ReviewForm
    title = _("Review this answer")
    intro = _("With your name you answer for this text, here, until the day it is due again.")
    submit_label = _("Confirm it")
    done_message = _("Reviewed.")

    def act(self, request: HttpRequest, form: ReviewForm, now: datetime) -> None:
        answers.review(
            card=self.record,
            version=posted_version(request),
            months=int(form.cleaned_data["months"]),
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "shows_what_stands": True}


class RetirePage(CardPage):
    permission = "change_answercard"
    title = _("Retire this answer")
    intro = _("It is no longer offered on calls, nor on the public site. It can be brought back.")
    submit_label = _("Retire it")
    done_message = _("Retired.")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> None:
        answers.retire(card=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}


class RestorePage(CardPage):
    permission = "change_answercard"
    title = _("Bring this answer back")
    intro = _("It is offered on calls again, and counts as not reviewed.")
    submit_label = _("Bring it back")
    done_message = _("It is in use again.")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> None:
        answers.restore(card=self.record, by=staff(request), now=now)
