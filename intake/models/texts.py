"""Texts to callers: that one was tried, and who wrote STOP. Neither number nor words."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record
from intake.models.people import Person
from intake.models.reminders import Reminder


class TextMessageQuerySet(models.QuerySet["TextMessage"]):
    def counted(self) -> "TextMessageQuerySet":
        """Those that count against the cap of tries: all but the surely unsent."""
        return self.exclude(outcome=TextMessage.Outcome.NOT_SENT)


class TextMessage(Record):
    """One text that was handed to the gateway, or was about to be. At most one a plan may be sent.

    Written, and committed, before the gateway is asked; a worker that dies in between leaves "being
    sent" behind, which nobody sends again and which soon counts as perhaps sent.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "reminder",
            "plan",
            "wording",
            "outcome",
            "code",
            "tried_at",
        }

    class Outcome(models.TextChoices):
        TRYING = "trying", _("Being sent")
        ACCEPTED = "accepted", _("Taken by the gateway")
        REFUSED = "refused", _("Refused by the gateway")
        UNKNOWN = "unknown", _("Perhaps sent; never sent again")
        NOT_SENT = "not_sent", _("Surely not sent; tried later")

    reminder = models.ForeignKey(
        Reminder, verbose_name=_("reminder"), on_delete=models.PROTECT, related_name="texts"
    )
    plan = models.PositiveIntegerField(_("plan"))
    # The version of its words (rules.text_wordings); the words themselves are kept nowhere.
    wording = models.CharField(_("wording"), max_length=20)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome, default=Outcome.TRYING)
    code = models.CharField(_("code"), max_length=40, blank=True)
    tried_at = models.DateTimeField(_("tried"))

    objects = TextMessageQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("text message")
        verbose_name_plural = _("text messages")
        default_permissions = ("view",)
        constraints = (
            # Whatever else fails: no second text for the same promised time.
            models.UniqueConstraint(
                fields=["reminder", "plan"],
                condition=~Q(outcome="not_sent"),
                name="text_message_once_per_plan",
            ),
        )
        indexes = (
            # The sweep, which looks for those whose worker died.
            models.Index(
                fields=["tried_at"],
                condition=Q(outcome="trying"),
                name="text_message_trying",
            ),
        )


class TextStop(Record):
    """This person's number wrote STOP: no texts, whatever their record says, until it is lifted.

    A row of its own, because a form that was open meanwhile would save the old consent again.
    Somebody recorded later at the same number was asked anew.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {"id", "person", "stopped_at", "lifted_at"}

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="text_stops"
    )
    stopped_at = models.DateTimeField(_("stopped"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("stop of texts")
        verbose_name_plural = _("stops of texts")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(lifted_at__isnull=True),
                name="text_stop_one_in_force",
            ),
        )
