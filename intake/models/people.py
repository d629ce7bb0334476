"""The people of a call: who rang, who needs help. Never one row for two of them."""

import zoneinfo
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from intake.crypto import (
    BlindIndexField,
    EncryptedIntegerField,
    EncryptedPhoneField,
    EncryptedTextField,
    blind_index,
    blind_index_candidates,
    normalise_name,
)
from intake.models.base import Record


def validate_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is an IANA time zone this machine knows."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("That is not a known time zone."))


class PersonQuerySet(models.QuerySet["Person"]):
    def at(self, number: str) -> "PersonQuerySet":
        """Everyone recorded under this number (E.164): perhaps one person, perhaps a household."""
        return self.filter(phone_index__in=blind_index_candidates("person.phone", number))


class Person(Record):
    """A caller or a person in need, and how they may be reached."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "alias",
            "name",
            "phone",
            "phone_index",
            "phone_last_four",
            "zip_code",
            "age",
            "approach_note",
        }
        ordinary: ClassVar[set[str]] = {
            "id",
            "state",
            "time_zone",
            "time_zone_source",
            "language",
            "safe_to_call",
            "safe_from",
            "safe_until",
            "voicemail_rule",
            "may_say_who_is_calling",
            "text_ok",
            "do_not_call",
            "created_at",
        }

    class VoicemailRule(models.TextChoices):
        NONE = "none", _("Leave no voicemail")
        NEUTRAL = "neutral", _("Neutral voicemail only")
        FULL = "full", _("Voicemail may say who we are")

    class ZoneSource(models.TextChoices):
        ZIP = "zip", _("ZIP code")
        STATED = "stated", _("Stated by the person")
        STATE = "state", _("State")
        NUMBER = "number", _("Phone number")
        UNKNOWN = "unknown", _("Not known")

    alias = EncryptedTextField(_("preferred name or initials"), max_length=80, blank=True)
    name = EncryptedTextField(_("name"), max_length=200, blank=True)
    phone = EncryptedPhoneField(_("phone"), blank=True, null=True)
    phone_index = BlindIndexField(
        source="phone", purpose="person.phone", normalise="phone", db_index=False
    )
    phone_last_four = BlindIndexField(
        source="phone", purpose="person.phone_last_four", normalise="last_four", db_index=False
    )
    zip_code = EncryptedTextField(_("ZIP code"), max_length=10, blank=True)
    age = EncryptedIntegerField(_("age"), blank=True, null=True)
    state = models.CharField(_("state"), max_length=2, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, validators=[validate_time_zone]
    )
    time_zone_source = models.CharField(
        _("time zone taken from"),
        max_length=8,
        choices=ZoneSource,
        default=ZoneSource.UNKNOWN,
    )
    language = models.CharField(_("language"), max_length=8, default="en")
    safe_to_call = models.BooleanField(_("safe to call this number"), default=False)
    safe_from = models.TimeField(_("safe from"), null=True, blank=True)
    safe_until = models.TimeField(_("safe until"), null=True, blank=True)
    voicemail_rule = models.CharField(
        _("voicemail"), max_length=8, choices=VoicemailRule, default=VoicemailRule.NONE
    )
    may_say_who_is_calling = models.BooleanField(_("may say who is calling"), default=False)
    text_ok = models.BooleanField(_("text messages are fine"), default=False)
    do_not_call = models.BooleanField(_("do not call"), default=False)
    approach_note = EncryptedTextField(_("approach note"), max_length=2000, blank=True)
    created_at = models.DateTimeField(_("first recorded"))

    objects = PersonQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions = (("search_person", "Can look a caller up by number, name or reference"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(safe_from__isnull=True, safe_until__isnull=True)
                | models.Q(safe_from__isnull=False, safe_until__isnull=False),
                name="person_safe_hours_paired",
            ),
        )
        indexes = (
            # The known caller, and finding one by number: the newest record first (ids are
            # ordered by time).
            models.Index(fields=["phone_index", "id"], name="person_phone"),
            # Finding a caller by the last four digits, the newest first.
            models.Index(fields=["phone_last_four", "id"], name="person_last_four"),
            # The list of people by language, and of those never to be called, the newest first.
            models.Index(fields=["language", "id"], name="person_language"),
            models.Index(
                fields=["id"], condition=models.Q(do_not_call=True), name="person_do_not_call"
            ),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's, and the words of the name stay findable (see ``PersonNameWord``)."""
        is_new, named = self._state.adding, kwargs.get("update_fields")
        with transaction.atomic(using=kwargs.get("using"), savepoint=False):
            super().save(*args, **kwargs)
            if named is None or {"alias", "name"} & set(named):
                PersonNameWord.keep(self, is_new=is_new)

    @property
    def number(self) -> str:
        """The phone number as E.164; "" without one."""
        # Not str(): that asks each time anew whether the number is in use.
        return "" if self.phone is None else str(self.phone.as_e164)

    @property
    def spoken_name(self) -> str:
        """What to call them: the alias they chose, else their name, else nothing."""
        return self.alias or self.name


class PersonNameWord(Record):
    """One word of a person's name or alias, by which they are found; kept by ``Person.save``.

    Why words are rows of their own, and what that gives away to a thief of the database:
    docs/decisions/0006-finding-a-caller.md.
    """

    class Privacy:
        personal: ClassVar[set[str]] = {"word", "word_index"}
        ordinary: ClassVar[set[str]] = {"id", "person"}

    # Nobody is looked for by a thirteenth word; a pasted page must not become a thousand rows.
    MOST: ClassVar[int] = 12

    person = models.ForeignKey(
        Person,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="name_words",
        # The unique constraint below begins with it.
        db_index=False,
    )
    word = EncryptedTextField(_("word"), max_length=200)
    word_index = BlindIndexField(
        source="word", purpose="person.name_word", normalise="name", db_index=False
    )

    class Meta(Record.Meta):
        verbose_name = _("word of a name")
        verbose_name_plural = _("words of names")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["person", "word_index"], name="person_word_once"),
        )
        indexes = (
            # Finding a caller by name, the newest person first.
            models.Index(fields=["word_index", "person"], name="person_word"),
        )

    @staticmethod
    def of(person: Person) -> "list[PersonNameWord]":
        """The words of the person's present name and alias, not stored yet."""
        return [PersonNameWord(person=person, word=word) for word in _words_of(person)]

    @staticmethod
    def keep(person: Person, *, is_new: bool) -> None:
        """Make the stored words those of the person's present name and alias."""
        wanted = {blind_index("person.name_word", word): word for word in _words_of(person)}
        held = set() if is_new else set(person.name_words.values_list("word_index", flat=True))
        if gone := held - wanted.keys():
            person.name_words.filter(word_index__in=gone).delete()
        fresh = [
            PersonNameWord(person=person, word=wanted[index]) for index in wanted.keys() - held
        ]
        if fresh:
            PersonNameWord.objects.bulk_create(fresh)


def _words_of(person: Person) -> list[str]:
    words = dict.fromkeys(normalise_name(f"{person.name} {person.alias}").split())
    return list(words)[: PersonNameWord.MOST]
