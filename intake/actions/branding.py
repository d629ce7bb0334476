"""How this helpline shows itself: what is published now, and changing it.

Every public page asks ``current()``, so it costs nothing most of the time and works with the
database away: what was published is kept in memory for a few seconds, and where nobody ever
published anything the settings speak.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import Error as DatabaseFault
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from intake.actions import events
from intake.actions.base import Refused, move
from intake.actions.brand_text import BrandText
from intake.models import Branding
from intake.rules import logos, phones, voicemails

Status = Branding.Status

log = logging.getLogger(__name__)


# --- What the pages show --------------------------------------------------------------------------


@dataclass(frozen=True)
class Brand:
    """What a page shows of the helpline. ``number`` is E.164, ``number_display`` as it is dialed.

    ``logo_url``, ``style_url``, ``accent`` and ``promise`` are "" where none is set: the page then
    shows its own. Sizes of the logo are in CSS pixels.
    """

    name: str
    number: str
    accent: str = ""
    accent_dark: str = ""
    logo_url: str = ""
    logo_width: int = 0
    logo_height: int = 0
    style_url: str = ""
    promise_en: str = ""
    promise_es: str = ""
    voicemail_en: str = ""
    voicemail_es: str = ""

    @property
    def number_display(self) -> str:
        return phones.spoken(self.number)

    @property
    def promise(self) -> str:
        """The opening promise in the language of the page; "" where the page's own holds."""
        return self.promise_es if _speaks_spanish(translation.get_language()) else self.promise_en

    def voicemail(self, language: str) -> str:
        """The neutral words for a person of that language: Spanish, or English for all others."""
        if _speaks_spanish(language):
            return self.voicemail_es or voicemails.DEFAULT["es"]
        return self.voicemail_en or voicemails.DEFAULT["en"]


def _speaks_spanish(language: str | None) -> bool:
    return (language or "").lower().startswith("es")


def current() -> Brand:
    """What is published, or the settings. Raises nothing, whatever befalls the database."""
    version = _published.get()
    if version is None:
        return brand_of(None)
    return brand_of(version, logo_url=reverse("brand-logo"), style_url=reverse("brand-style"))


def published() -> Branding | None:
    """The version behind ``current()``, with its logo; None where the settings speak."""
    return _published.get()


def brand_of(version: Branding | None, *, logo_url: str = "", style_url: str = "") -> Brand:
    """What pages would show of ``version``, whose logo and colors are at these addresses."""
    if version is None:
        return Brand(name=settings.HELPLINE_NAME, number=settings.HELPLINE_NUMBER)
    return Brand(
        name=version.name or settings.HELPLINE_NAME,
        number=version.number or settings.HELPLINE_NUMBER,
        accent=version.accent,
        accent_dark=version.accent_dark,
        logo_url=logo_url if version.logo_width else "",
        # Drawn at half its pixels, for sharp screens.
        logo_width=(version.logo_width or 0) // 2,
        logo_height=(version.logo_height or 0) // 2,
        style_url=style_url if version.accent else "",
        promise_en=version.promise_en,
        promise_es=version.promise_es,
        voicemail_en=version.voicemail_en,
        voicemail_es=version.voicemail_es,
    )


def own_numbers() -> tuple[str, ...]:
    """Our own lines (E.164): none of them is ever rung as if it were a caller's."""
    return (current().number, settings.HELPLINE_NUMBER, *settings.HELPLINE_OWN_NUMBERS)


class _Published:
    """The published version, kept for some seconds; one thread at a time looks it up.

    While the database does not answer, pages show what was known last, and only one request in
    ``BRAND_KEPT_SECONDS`` waits for it.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._version: Branding | None = None
        self._looked_at: float | None = None

    def forget(self) -> None:
        """Look again at the next question; what is known stays, for whoever asks meanwhile."""
        self._looked_at = None

    def get(self) -> Branding | None:
        if self._is_fresh():
            return self._version
        # Whoever finds somebody looking already takes what is known; at the start it waits a bit.
        if self._turn.acquire(timeout=1.0 if self._looked_at is None else 0.0):
            try:
                if not self._is_fresh():
                    self._look()
            finally:
                self._turn.release()
        return self._version

    def _is_fresh(self) -> bool:
        if self._looked_at is None:
            return False
        return time.monotonic() - self._looked_at < settings.BRAND_KEPT_SECONDS

    def _look(self) -> None:
        try:
            self._version = Branding.objects.filter(status=Status.PUBLISHED).first()
        except DatabaseFault as fault:
            log.warning("branding.unread %s", type(fault).__name__)
        self._looked_at = time.monotonic()


_published = _Published()


# --- Changing it ----------------------------------------------------------------------------------


class NoDraft(Refused):
    default_message = "This is not a draft any more: it was published or given up meanwhile."


class DraftChanged(Refused):
    default_message = (
        "Somebody changed this draft while it was open here. Look at what stands there now, then"
        " save again."
    )


class DraftExists(Refused):
    default_message = "Somebody is working on a draft already. Publish it or give it up first."


class LogoRefused(Refused):
    default_message = "This file cannot be used as a logo."


@transaction.atomic
def begin(*, like: Branding | None = None, by: User, now: datetime) -> Branding:
    """A draft to work on: a copy of ``like``, or of what is published, or empty.

    Raises ``DraftExists``.
    """
    source = like or Branding.objects.filter(status=Status.PUBLISHED).first()
    draft = Branding(begun_at=now, begun_by=by, **(_content(source) if source else {}))
    try:
        with transaction.atomic():
            draft.save(force_insert=True)
    except IntegrityError as error:
        raise DraftExists from error
    detail = {"like": str(source.pk)} if source else {}
    events.write("branding.begun", by=by, now=now, subject=draft, detail=detail)
    return draft


def _content(version: Branding) -> dict[str, Any]:
    logo = {name: getattr(version, name) for name in ("logo", "logo_width", "logo_height")}
    return {**BrandText.of(version).columns(), **logo}


def draft() -> Branding | None:
    """The one draft, if somebody works on one."""
    return Branding.objects.filter(status=Status.DRAFT).first()


@transaction.atomic
def change(
    *,
    draft: Branding,
    given: BrandText,
    revision: int,
    by: User,
    now: datetime,
    logo: bytes | None = None,
    without_logo: bool = False,
) -> None:
    """Put ``given`` in the place of ``revision``, the one the editor had before them.

    ``logo``: an uploaded file; None keeps the logo, ``without_logo`` takes it away. Raises
    ``DraftChanged``, ``NoDraft``, ``LogoRefused``, and what ``BrandText.check`` raises.
    """
    given.check()
    wanted = {**given.columns(), **_logo(logo, without_logo=without_logo)}
    _check_draft(draft)
    changed = sorted(name for name, value in wanted.items() if getattr(draft, name) != value)
    move(
        draft,
        refusal=DraftChanged,
        expected={"status": Status.DRAFT, "revision": revision},
        revision=revision + 1,
        **wanted,
    )
    detail = {"revision": revision + 1, "fields": changed}
    events.write("branding.changed", by=by, now=now, subject=draft, detail=detail)


def _logo(data: bytes | None, *, without_logo: bool) -> Mapping[str, Any]:
    if data is not None:
        try:
            made = logos.read(data)
        except logos.NotALogo as error:
            raise LogoRefused(str(error)) from error
        return {"logo": made.png, "logo_width": made.width, "logo_height": made.height}
    if without_logo:
        return {"logo": None, "logo_width": None, "logo_height": None}
    return {}


def _check_draft(version: Branding) -> None:
    if not Branding.objects.filter(pk=version.pk, status=Status.DRAFT).exists():
        raise NoDraft


@transaction.atomic
def publish(*, draft: Branding, revision: int, by: User, now: datetime) -> None:
    """Show ``revision``, the one that was read, on every public page within ten seconds.

    What was published until now is kept. Checked once more: the rules may have grown since it was
    written. Raises ``DraftChanged``, ``NoDraft``, and what ``BrandText.check`` raises.
    """
    _check_draft(draft)
    BrandText.of(draft).check()
    Branding.objects.filter(status=Status.PUBLISHED).update(status=Status.RETIRED, retired_at=now)
    move(
        draft,
        refusal=DraftChanged,
        expected={"status": Status.DRAFT, "revision": revision},
        status=Status.PUBLISHED,
        published_at=now,
        published_by=by,
    )
    events.write("branding.published", by=by, now=now, subject=draft, detail={"revision": revision})
    transaction.on_commit(_published.forget)


@transaction.atomic
def give_up(*, draft: Branding, by: User, now: datetime) -> None:
    """Stop working on a draft; nothing public changes. Raises ``NoDraft``."""
    move(
        draft,
        refusal=NoDraft,
        expected={"status": Status.DRAFT},
        status=Status.RETIRED,
        retired_at=now,
    )
    events.write("branding.given_up", by=by, now=now, subject=draft)
