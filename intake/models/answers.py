"""Answer cards: what staff may say when a caller asks, reviewed by somebody who answers for it."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import BlindIndexField, EncryptedBooleanField, EncryptedTextField
from intake.models.base import Record, paired


class AnswerCardQuerySet(models.QuerySet["AnswerCard"]):
    def in_use(self) -> "AnswerCardQuerySet":
        """Not retired."""
        return self.filter(retired_at__isnull=True)

    def unreviewed(self) -> "AnswerCardQuerySet":
        """In use, and nobody of this helpline has confirmed the text as it stands."""
        return self.in_use().filter(reviewed_at__isnull=True)

    def overdue(self, now: datetime) -> "AnswerCardQuerySet":
        """In use, reviewed once, and due to be read again at ``now``."""
        return self.in_use().filter(review_due_at__lte=now)

    def for_the_public(self) -> "AnswerCardQuerySet":
        """What the public site may show: marked public, reviewed, in use.

        An overdue review does not take a card down: a helpline that is late must not lose "why
        not to stop suddenly". Supervisors are told instead.
        """
        return self.in_use().filter(is_public=True, reviewed_at__isnull=False)


class AnswerCard(Record):
    """One answer in plain words, with its sources. The text holds no dose; nothing in it is HTML.

    ``version`` counts the texts: it rises with every change and takes the review away.
    ``shipped_digest`` is that of the file the text came with, and empty once the helpline wrote
    its own. ``helped_count`` and ``not_helped_count`` are of the current version.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "key",
            "language",
            "position",
            "title",
            "say",
            "text",
            "topic",
            "sources",
            "for_substances",
            "for_signs",
            "is_public",
            "version",
            "shipped_digest",
            "changed_at",
            "changed_by",
            "reviewed_at",
            "reviewed_by",
            "review_due_at",
            "retired_at",
            "retired_by",
            "helped_count",
            "not_helped_count",
        }

    class Topic(models.TextChoices):
        TOLERANCE = "tolerance", _("Tolerance")
        DEPENDENCE = "dependence", _("Dependence")
        WITHDRAWAL = "withdrawal", _("Withdrawal")
        STOPPING = "stopping", _("Stopping")
        MIXING = "mixing", _("Mixing")
        OVERDOSE = "overdose", _("Overdose and naloxone")
        TREATMENT = "treatment", _("Treatment options")
        DETOX = "detox", _("Detox")
        DUAL_DIAGNOSIS = "dual_diagnosis", _("Dual diagnosis")
        HEALTH = "health", _("Pregnancy, age and illness")
        INSURANCE = "insurance", _("Insurance and cost")
        CONFIDENTIALITY = "confidentiality", _("Confidentiality")
        FAMILY = "family", _("Family and friends")
        ABOUT_US = "about_us", _("How this helpline works")

    class Language(models.TextChoices):
        EN = "en", _("English")
        ES = "es", _("Spanish")

    key = models.SlugField(_("key"), max_length=60, db_index=False)
    language = models.CharField(_("language"), max_length=8, choices=Language, default=Language.EN)
    position = models.PositiveSmallIntegerField(_("place among equals"), default=100)
    title = models.CharField(_("title"), max_length=120)
    say = models.CharField(_("words to read aloud"), max_length=300)
    text = models.TextField(_("text"), max_length=6000)
    topic = models.CharField(_("topic"), max_length=16, choices=Topic)
    # [{"title": ..., "where": ...}]: what it rests on, and where to find that.
    sources = models.JSONField(_("sources"), default=list)
    for_substances = models.JSONField(_("fits these substances"), default=list, blank=True)
    for_signs = models.JSONField(_("fits these signs"), default=list, blank=True)
    is_public = models.BooleanField(_("for the public site"), default=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    shipped_digest = models.CharField(_("text as shipped"), max_length=64, blank=True)
    changed_at = models.DateTimeField(_("written here"), null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("written by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("reviewed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    review_due_at = models.DateTimeField(_("to be reviewed again"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("retired by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    helped_count = models.PositiveIntegerField(_("helped"), default=0)
    not_helped_count = models.PositiveIntegerField(_("did not help"), default=0)

    objects = AnswerCardQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        permissions = (("review_answercard", "Can confirm the text of an answer card"),)
        # No index of its own: a helpline has some dozens of cards.
        constraints = (
            models.UniqueConstraint(fields=["key", "language"], name="card_once_a_language"),
            paired("card_changed_paired", "changed_at", "changed_by"),
            paired("card_reviewed_paired", "reviewed_at", "reviewed_by", "review_due_at"),
            paired("card_retired_paired", "retired_at", "retired_by"),
            models.CheckConstraint(
                condition=Q(review_due_at__isnull=True)
                | Q(review_due_at__gt=models.F("reviewed_at")),
                name="card_due_after_review",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="card_version_from_1"),
        )

    def __str__(self) -> str:
        # A title says nothing of a caller.
        return self.title

    def needs_review(self, now: datetime) -> bool:
        """Never confirmed here, or due to be read again."""
        return self.review_due_at is None or self.review_due_at <= now


class AnswerFeedback(Record):
    """Whether one card helped on one call, in the eyes of who read it out.

    Which card was read out on a call tells what the call was about, so it is health data. The row
    therefore says in clear only that something was marked, by whom, when and on which call; the
    card, its version and the answer are encrypted, and the blind index that keeps them to one row
    is over the call and the person as well, so that two rows about one card have nothing in
    common. Per card only a count is kept, on the card.

    ``call_key`` is the id the call has, or will have once its sheet is saved: cards are read while
    the sheet is still a draft. It is NULL where a card was read apart from any call.
    """

    class Privacy:
        personal: ClassVar[set[str]] = {"about", "about_index", "helped"}
        ordinary: ClassVar[set[str]] = {"id", "call_key", "given_at", "given_by"}

    call_key = models.UUIDField(_("call"), null=True, blank=True)
    about = EncryptedTextField(_("card, version, call and person"), max_length=120)
    about_index = BlindIndexField(
        source="about",
        purpose="answer_feedback.about",
        normalise="identifier",
        unique=True,
        db_index=False,
    )
    helped = EncryptedBooleanField(_("helped"))
    given_at = models.DateTimeField(_("given"))
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("given by"),
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("answer feedback")
        verbose_name_plural = _("answer feedback")
        default_permissions = ("add", "view")
        indexes = (
            # The call sheet: what this person marked on this call.
            models.Index(fields=["call_key", "given_by"], name="answer_feedback_call"),
        )
