"""Each try at keeping a promise: what came of it."""

from collections.abc import Iterable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedTextField
from intake.models.base import Record
from intake.models.callbacks import Callback
from intake.rules import dialing, retries


def _values(outcomes: Iterable[retries.Outcome]) -> list[str]:
    """As a constraint is written into a migration: plain codes in one order."""
    return sorted(outcome.value for outcome in outcomes)


class Attempt(Record):
    """One try at a callback. Rows are only ever added."""

    class Privacy:
        personal: ClassVar[set[str]] = {"note"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "callback",
            "number",
            "outcome",
            "identity_confirmed",
            "number_shown_at",
            "against_their_wish",
            "made_at",
            "made_by",
        }

    class Outcome(models.TextChoices):
        REACHED = "reached", _("Reached the person")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", _("Busy")
        VOICEMAIL_LEFT = "voicemail_left", _("Voicemail left")
        WRONG_PERSON = "wrong_person", _("Someone else answered")
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        CALL_LATER = "call_later", _("Asked to be called later")
        DECLINED = "declined", _("Does not want a call")
        DANGER_SUSPECTED = "danger_suspected", _("Danger suspected")
        NOT_RECORDED = "not_recorded", _("Number shown, nothing recorded")

    callback = models.ForeignKey(
        Callback, verbose_name=_("callback"), on_delete=models.PROTECT, related_name="attempts"
    )
    number = models.PositiveSmallIntegerField(_("attempt number"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    identity_confirmed = models.BooleanField(_("identity confirmed first"), default=False)
    # The try it is the outcome of: one number shown has one outcome, however often it is sent.
    number_shown_at = models.DateTimeField(_("number shown"), null=True, blank=True)
    # A machine recorded something although they want no message, or no second one.
    against_their_wish = models.BooleanField(_("recorded against their wish"), default=False)
    note = EncryptedTextField(_("note"), max_length=2000, blank=True)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=["callback", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["callback", "number_shown_at"], name="attempt_once_per_number_shown"
            ),
            # Nothing is told before we know whom we are talking to.
            models.CheckConstraint(
                condition=~Q(outcome__in=_values(dialing.NEEDS_IDENTITY))
                | Q(identity_confirmed=True),
                name="attempt_reached_needs_identity",
            ),
            models.CheckConstraint(
                condition=Q(identity_confirmed=False)
                | Q(outcome__in=_values(dialing.OUTCOMES[dialing.Step.TALKING])),
                name="attempt_identity_fits_outcome",
            ),
            models.CheckConstraint(
                condition=Q(number_shown_at__isnull=False)
                | Q(outcome__in=_values(dialing.NEEDS_NO_NUMBER), identity_confirmed=False),
                name="attempt_needs_the_number_shown",
            ),
            models.CheckConstraint(
                condition=Q(against_their_wish=False) | Q(outcome="voicemail_left"),
                name="attempt_against_their_wish_is_a_message",
            ),
        )
