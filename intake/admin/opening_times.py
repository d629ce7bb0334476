"""A time in the person's own hours: typed, refused with a reason, or taken at one press."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from intake.actions import calling_hours
from intake.actions.calling_hours import Offer
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.times import their_time
from intake.typed_text import TypedDateTimeField

# The form of an action page, for buttons that stand outside it.
FORM_ID = "action"
# An offered time as a browser writes a local one.
CHOICE = "%Y-%m-%dT%H:%M"


def suggestions(offers: Sequence[Offer], zone: str, *, label: Any = "") -> list[dict[str, str]]:
    """The offers as _opening_times.html shows them: in the person's ``zone``, each with why.

    ``label``: of the button that takes one, with ``%(time)s`` in it; without it they are read.
    """
    return [
        {
            "choice": at.astimezone(ZoneInfo(zone)).strftime(CHOICE),
            "label": label % {"time": their_time(at, zone)},
            "from": their_time(at, zone),
            "until": _until(at, offer.until, zone),
            "reason": offer.reason,
        }
        for offer in offers
        if (at := next_minute(offer.at)) < offer.until
    ]


def _until(at: datetime, until: datetime, zone: str) -> str:
    """Without its day where that is the day it began."""
    begins, ends = (moment.astimezone(ZoneInfo(zone)) for moment in (at, until))
    if begins.date() == ends.date():
        return f"{date_format(ends, 'g:i A')} {ends.tzname()}"
    return their_time(until, zone)


def next_minute(at: datetime) -> datetime:
    """A full minute, as a form holds it, never before ``at``."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(minutes=1)


class WhenForm(ActionForm):
    """A moment in the person's own time; typed as their clock shows it, or one that was offered."""

    due = TypedDateTimeField(label=_("When, in their time"))
    asked_outside_hours = forms.BooleanField(
        label=_("They asked for this very time themselves, outside calling hours"),
        required=False,
    )

    def __init__(self, *args: Any, zone: str, data: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, data=_chosen(data), **kwargs)
        due = cast("TypedDateTimeField", self.fields["due"])
        due.time_zone = zone
        due.help_text = _("Their clock: %(zone)s.") % {"zone": zone.replace("_", " ")}


def _chosen(data: Any) -> Any:
    """The button of an offered time stands for typing it; it is inside their hours."""
    if data is None or not _is_time(data.get("choose", "")):
        return data
    chosen = data.copy()
    chosen["due"] = data["choose"]
    chosen.pop("asked_outside_hours", None)
    return chosen


def _is_time(text: str) -> bool:
    try:
        return datetime.strptime(text, CHOICE).strftime(CHOICE) == text  # noqa: DTZ007
    except ValueError:
        return False


class WhenPage(ActionPage):
    """A page with a ``WhenForm``: a refused time comes back with the next allowed ones."""

    refused: Sequence[Offer] | None = None
    choose_label: Any = _("Take %(time)s")

    @contextmanager
    def keeping_offers(self) -> Iterator[None]:
        """Around the action in ``act``: remembers what its refusal offers."""
        try:
            yield
        except calling_hours.OutsideCallingHours as refusal:
            self.refused = refusal.offers
            raise

    def opening_times(self, offers: Sequence[Offer], zone: str) -> dict[str, Any]:
        """The context of _opening_times.html: ``offers``, or after a refusal those it made."""
        shown = offers if self.refused is None else self.refused
        return {
            "suggestions": suggestions(shown, zone, label=self.choose_label),
            "refused": self.refused is not None,
            "form_id": FORM_ID,
        }
