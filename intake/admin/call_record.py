"""The record of one call in flow order, to be read only."""

from typing import Any

from django.utils.translation import gettext as _

from intake.actions import safety
from intake.admin.answers import answers_told, features_of, substance_told
from intake.admin.call_sheet_forms import LANGUAGES
from intake.admin.call_steps import record_url, steps
from intake.admin.safety_panel import safety_panel, screen_details
from intake.admin.times import staff_time
from intake.models import Call, Person, SafetyScreen
from intake.reports.figures import duration_text
from intake.rules import phones

Fact = tuple[str, Any]


def record_facts(call: Call) -> dict[str, Any]:
    """Everything ``admin/intake/call_record.html`` shows of a call."""
    screen = safety.current(call=call)
    return {
        "steps": steps(call, here=""),
        "aside_template": "admin/intake/_safety_panel.html",
        "safety": safety_panel(call),
        "call_facts": told(call_facts(call)),
        "caller_facts": told(person_facts(call.caller)),
        "person_facts": told(person_facts(call.person_in_need)),
        "is_one_person": call.caller is not None and call.caller_id == call.person_in_need_id,
        "substances": [substance_told(use) for use in call.substances.order_by("position")],
        "screen": screen,
        "found": screen_details(screen) if screen else None,
        "answers": (
            answers_told(screen) if screen and not screen.is_skipped else features_of(call)
        ),
        "amendments": amendments(call),
        "followed": followed(call),
    }


def told(facts: list[Fact]) -> list[Fact]:
    """Without what nobody told."""
    return [(term, value) for term, value in facts if value not in ("", None)]


def call_facts(call: Call) -> list[Fact]:
    return [
        (_("About"), call.get_call_type_display()),
        (_("The caller is their"), call.relationship),
        (_("Started"), staff_time(call.started_at)),
        (_("Ended"), staff_time(call.ended_at) if call.ended_at else ""),
        (_("Wrap-up"), _wrap_up(call)),
        (_("Taken by"), call.taken_by.get_username()),
        (_("Direction"), call.get_direction_display()),
        (_("Channel"), call.get_channel_display()),
        (_("Line dialed"), phones.national(str(call.line_dialled)) if call.line_dialled else ""),
        (_("Language"), dict(LANGUAGES).get(call.language, call.language)),
        (_("Interpreter"), _("Yes") if call.interpreter else ""),
        (_("Entered later, from paper"), _("Yes") if call.entered_late else ""),
        (_("Number withheld"), _("Yes") if call.number_withheld else ""),
        (_("How they heard of us"), call.get_how_heard_display()),
        (_("Topics"), ", ".join(str(Call.Topic(topic).label) for topic in call.topics)),
        (_("Disposition"), call.get_disposition_display()),
        (_("Closed"), staff_time(call.closed_at) if call.closed_at else ""),
    ]


def _wrap_up(call: Call) -> str:
    seconds = call.wrap_up_seconds
    return "" if seconds is None else duration_text(seconds)


def person_facts(person: Person | None) -> list[Fact]:
    """Who they are and how they may be reached. The number is rung from a callback only."""
    if person is None:
        return []
    facts: list[Fact] = [
        (_("Call them"), person.alias),
        (_("Name"), person.name),
        (_("Age"), person.age),
        (_("Phone"), phones.national(str(person.phone)) if person.phone else ""),
        (_("ZIP code"), person.zip_code),
        (_("State"), person.state),
        (_("Time zone"), _zone(person)),
    ]
    return [*facts, *_reach_facts(person)] if person.phone else facts


def _reach_facts(person: Person) -> list[Fact]:
    hours = ""
    if person.safe_from and person.safe_until:
        hours = f"{person.safe_from:%H:%M} to {person.safe_until:%H:%M}"
    return [
        (_("Safe to call"), _yes_no(person.safe_to_call)),
        (_("Safe hours, their time"), hours),
        (_("Voicemail"), person.get_voicemail_rule_display()),
        (_("Say who is calling"), _yes_no(person.may_say_who_is_calling)),
        (_("Text messages"), _yes_no(person.text_ok)),
        (_("Do not call"), _("Yes, never again") if person.do_not_call else ""),
        (_("Approach"), person.approach_note),
    ]


def _yes_no(value: bool) -> str:
    return _("Yes") if value else _("No")


def _zone(person: Person) -> str:
    if not person.time_zone:
        return ""
    return _("%(zone)s (from: %(source)s)") % {
        "zone": person.time_zone.replace("_", " "),
        "source": person.get_time_zone_source_display(),
    }


def amendments(call: Call) -> list[dict[str, Any]]:
    """For ``admin/intake/_timeline.html``, oldest first: they are read on from the narrative."""
    return [
        {
            "when": amendment.made_at,
            "when_text": staff_time(amendment.made_at),
            "what": _("Amendment"),
            "who": amendment.made_by.get_username(),
            "text": amendment.text,
        }
        for amendment in call.amendments.select_related("made_by").order_by("made_at", "id")
    ]


def followed(call: Call) -> list[dict[str, Any]]:
    """What came of the call, in flow order, each with its page."""
    rows = [
        _row(_("Safety screen"), screen, _screen_state(screen), screen.screened_at)
        for screen in call.screens.order_by("screened_at", "id")
    ]
    person = call.person_in_need
    if person is not None:
        rows += [
            _row(_("Consent"), consent, consent.get_scope_display(), consent.recorded_at)
            for consent in person.consents.order_by("recorded_at", "id")
        ]
    rows += [
        _row(_("Insurance check"), check, check.get_status_display(), check.requested_at)
        for check in call.insurance_checks.order_by("requested_at", "id")
    ]
    rows += [
        _row(_("Referral"), referral, referral.get_status_display(), referral.searched_at)
        for referral in call.referrals.order_by("searched_at", "id")
    ]
    rows += [
        _row(_("Callback"), callback, callback.get_status_display(), callback.due_at)
        for callback in call.callbacks.order_by("due_at", "id")
    ]
    return rows


def _screen_state(screen: SafetyScreen) -> str:
    if screen.is_skipped:
        return _("Skipped")
    return str(SafetyScreen.Level(screen.effective_level).label)


def _row(kind: str, record: Any, state: str, at: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": getattr(record, "reference", "") or staff_time(at),
        "url": record_url(record),
        "state": state,
        "when": staff_time(at),
    }
