"""What every staff page offers: the flow in order, and only what the role may open."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def _link(request: HttpRequest, permission: str, url: str, label: str, icon: str) -> dict[str, Any]:
    if not request.user.has_perm(permission):
        return {}
    return {"label": label, "url": reverse(f"admin:{url}"), "icon": icon}


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """The navigation in flow order: Call, Safety screen, Insurance check, Referral, Callback."""
    flow = [
        ("intake.view_call", "intake_call_changelist", _("Calls"), "call"),
        ("intake.view_safetyscreen", "intake_safetyscreen_changelist", _("Screens"), "shield"),
        (
            "intake.view_insurancecheck",
            "intake_insurancecheck_changelist",
            _("Insurance checks"),
            "card",
        ),
        ("intake.view_referral", "intake_referral_changelist", _("Referrals"), "referral"),
        ("intake.view_callback", "intake_callback_changelist", _("Callbacks"), "callback"),
        ("intake.view_reminder", "intake_reminder_changelist", _("Reminders"), "bell"),
        ("intake.view_reports", "reports", _("Reports"), "report"),
        ("intake.view_handover", "intake_handover_changelist", _("Hand-overs"), "people"),
    ]
    directory = [
        ("intake.view_answercard", "intake_answercard_changelist", _("Answers"), "message"),
        ("intake.view_facility", "intake_facility_changelist", _("Facilities"), "building"),
        ("intake.view_person", "intake_person_changelist", _("People"), "person"),
        ("intake.view_consent", "intake_consent_changelist", _("Consents"), "lock"),
        ("intake.view_disclosure", "intake_disclosure_changelist", _("Disclosures"), "ledger"),
        ("intake.add_call", "paper", _("Paper sheets"), "paper"),
    ]
    oversight = [
        ("intake.view_debrief", "intake_debrief_changelist", _("Debriefs"), "message"),
        ("intake.view_phoneevent", "intake_phoneevent_changelist", _("Phone events"), "call"),
        (
            "intake.view_blockednumber",
            "intake_blockednumber_changelist",
            _("Blocked numbers"),
            "mute",
        ),
        ("intake.view_branding", "intake_branding_changelist", _("Branding"), "paper"),
        ("intake.view_event", "intake_event_changelist", _("Audit"), "ledger"),
        ("auth.view_user", "auth_user_changelist", _("Staff accounts"), "people"),
    ]
    made: list[dict[str, Any]] = [
        {
            "title": "",
            "links": [{"label": _("Desk"), "url": reverse("admin:index"), "icon": "desk"}],
        }
    ]
    for title, is_thread, entries in (
        (_("The way of a call"), True, flow),
        (_("Directory"), False, directory),
        (_("Oversight"), False, oversight),
    ):
        links = [link for entry in entries if (link := _link(request, *entry))]
        if links:
            made.append({"title": title, "thread": is_thread, "links": links})
    return made


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context of the frame around every page of the site."""
    if not request.user.is_authenticated:
        return {}
    takes_calls = request.user.has_perm("intake.add_call")
    may_search = request.user.has_perm("intake.search_person")
    return {
        "desk_nav": groups(request),
        "log_call_url": reverse("admin:intake_call_add") if takes_calls else "",
        "search_action": reverse("admin:find") if may_search else "",
    }
