"""What must be done on a call before a plan is asked or a facility told, and the way there."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from intake.actions import consents, safety
from intake.admin.safety_panel import sheet_url
from intake.models import Call, Consent

# In the address of the consent page: the scope somebody was sent there for.
FOR = "for"


@dataclass(frozen=True)
class Gate:
    """A closed one: why, and where it is opened."""

    title: str
    message: str
    url: str
    label: str


def before_search(call: Call) -> Gate | None:
    """Safety before money: the screen, what it asks for at once, and whom it is about."""
    try:
        safety.require_screen(call=call)
    except (safety.ScreenMissing, safety.EmergencyFirst) as refusal:
        return Gate(
            _("Safety first"),
            refusal.message,
            f"{sheet_url(call)}#danger",
            _("Open the safety screen"),
        )
    if call.person_in_need is None:
        return Gate(
            _("Who needs help?"),
            _("Record who needs help first: this is about that person."),
            sheet_url(call),
            _("Open the call sheet"),
        )
    return None


def before_telling(call: Call, scope: str, *, now: datetime) -> Gate | None:
    """The same, and a live consent of that scope (42 CFR 2.31)."""
    gate = before_search(call)
    if gate is not None or has_consent(call, scope, now=now):
        return gate
    return Gate(
        _("Ask for consent first"),
        consents.ConsentMissing.default_message,
        f"{reverse('admin:intake_call_consent', args=[call.pk])}?{FOR}={scope}",
        _("Record consent"),
    )


def has_consent(call: Call, scope: str, *, now: datetime) -> bool:
    """Whether the person in need agreed, and it still holds."""
    given = Consent.objects.live(now).filter(scope=scope, person=call.person_in_need)
    return call.person_in_need is not None and given.exists()
