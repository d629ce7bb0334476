"""Another time for a request, asked for by its private link."""

import copy
from typing import Any

from django.utils.translation import gettext_lazy as _

from intake.actions.own_requests import OwnHours
from intake.forms.answers import ZONES, drop_down
from intake.forms.when import WhenForm, public
from intake.models import Callback, Person
from intake.rules import callback_times


@public
class OtherTimeForm(WhenForm):
    """A new wish for a request of ours; what else was said there stays as it is."""

    time_zone = drop_down([("", _("Keep the one you have")), *ZONES[1:]], label=_("Your time zone"))

    def __init__(self, *args: Any, callback: Callback, **kwargs: Any) -> None:
        # Nothing is chosen beforehand: a careless press must not have the phone ring now.
        super().__init__(*args, initial={"day": None}, **kwargs)
        self.callback = callback

    def own_hours(self, cleaned: dict[str, Any]) -> OwnHours:
        part = callback_times.PARTS.get(cleaned["part"])
        return OwnHours(
            safe_from=part.opens if part else None,
            safe_until=part.closes if part else None,
            stated_zone=cleaned["time_zone"],
        )

    def person(self, cleaned: dict[str, Any]) -> Person:
        """The caller as they would be then, not saved."""
        person = copy.copy(self.callback.person)
        self.own_hours(cleaned).apply(person)
        return person
