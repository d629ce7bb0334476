"""The outbox: one row a reminder, claimed by lease, finished by token."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record, paired, stamped
from intake.models.callbacks import Callback


class Reminder(Record):
    """One stage of one callback over one channel: planned, then sent, dead or void."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "callback",
            "plan",
            "stage",
            "channel",
            "priority",
            "due_at",
            "status",
            "next_try_at",
            "lease_until",
            "lease_token",
            "attempts",
            "failures",
            "last_error",
            "sent_at",
        }

    class Stage(models.TextChoices):
        DUE_SOON = "due_soon", _("Due soon")
        DUE = "due", _("Due")
        OVERDUE = "overdue", _("Overdue")
        BREACH = "breach", _("Promise broken")

    class Channel(models.TextChoices):
        IN_APP = "in_app", _("On the desk")
        EMAIL = "email", _("E-mail")
        TEXT = "text", _("Text message")

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        SENT = "sent", _("Sent")
        DEAD = "dead", _("Given up; needs a supervisor")
        VOID = "void", _("No longer needed")

    callback = models.ForeignKey(
        Callback, verbose_name=_("callback"), on_delete=models.PROTECT, related_name="reminders"
    )
    plan = models.PositiveIntegerField(_("plan"), default=1)
    stage = models.CharField(_("stage"), max_length=8, choices=Stage)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    # Lower goes first: an urgent promise does not wait behind a backlog of routine ones.
    priority = models.PositiveSmallIntegerField(_("priority"), default=1)
    due_at = models.DateTimeField(_("due"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PLANNED)
    # When the sweep may take it: the due time at first, later after each failure's back-off.
    next_try_at = models.DateTimeField(_("next try"))
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease_token = models.UUIDField(_("lease token"), null=True, blank=True)
    # Times claimed. A killed worker costs an attempt, only a failed sending costs a failure.
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    last_error = models.CharField(_("last error"), max_length=80, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        permissions = (("revive_reminder", "Can have a given-up reminder tried again"),)
        constraints = (
            models.UniqueConstraint(
                fields=["callback", "stage", "channel"], name="reminder_once_per_stage_and_channel"
            ),
            stamped("reminder_sent_at_iff_sent", ["sent"], field="sent_at"),
            paired("reminder_lease_paired", "lease_until", "lease_token"),
        )
        indexes = (
            # The sweep's claim: what may be taken, most pressing first.
            models.Index(
                fields=["channel", "priority", "next_try_at"],
                condition=Q(status="planned"),
                name="reminder_claimable",
            ),
            # The watch (health, metrics, start-up check): the oldest that is due and not sent.
            models.Index(
                fields=["due_at", "channel"],
                condition=Q(status="planned"),
                name="reminder_waiting",
            ),
            # The metrics: what was sent in the last hour.
            models.Index(
                fields=["sent_at", "channel", "stage"],
                condition=Q(status="sent"),
                name="reminder_sent",
            ),
            # The supervisor's list of reminders that were given up.
            models.Index(fields=["due_at"], condition=Q(status="dead"), name="reminder_dead"),
            # The list of reminders and its days.
            models.Index(fields=["due_at", "id"], name="reminder_list"),
        )


class NoticeQuerySet(models.QuerySet["Notice"]):
    def shown_to(self, user: User) -> "NoticeQuerySet":
        """Their own and everybody's; to those who read the reports also the supervisors'.

        Nobody else may take a notice off the desk, so that a broken promise reaches a supervisor.
        """
        theirs = Q(recipient=user.pk) | Q(recipient=None, for_supervisors=False)
        if user.has_perm("intake.view_reports"):
            theirs |= Q(for_supervisors=True)
        return self.filter(theirs)


class Notice(Record):
    """What the desk shows: one row a delivered in-app reminder, exactly one a plan."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "reminder",
            "plan",
            "recipient",
            "for_supervisors",
            "shown_from",
            "seen_at",
            "seen_by",
        }

    reminder = models.ForeignKey(
        Reminder, verbose_name=_("reminder"), on_delete=models.PROTECT, related_name="notices"
    )
    plan = models.PositiveIntegerField(_("plan"))
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("for"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notices",
        help_text=_("Nobody means everybody on shift."),
    )
    for_supervisors = models.BooleanField(_("for supervisors"), default=False)
    shown_from = models.DateTimeField(_("shown from"))
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("seen by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = NoticeQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = (
            models.UniqueConstraint(fields=["reminder", "plan"], name="notice_once_per_plan"),
            paired("notice_seen_paired", "seen_at", "seen_by"),
        )
        indexes = (
            # The desk: unseen notices.
            models.Index(
                fields=["recipient", "shown_from"],
                condition=Q(seen_at__isnull=True),
                name="notice_unseen",
            ),
        )


class Heartbeat(models.Model):
    """The last sign of life of a process, read by ``/health/ready``; or of a channel.

    A channel that was found out rests until ``paused_until``, for every process at once: a mail
    server that answers nobody costs one time-out, not one a batch.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {"name", "seen_at", "paused_until"}

    name = models.CharField(_("name"), max_length=20, primary_key=True)
    seen_at = models.DateTimeField(_("last seen"))
    paused_until = models.DateTimeField(_("rests until"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
