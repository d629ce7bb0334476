"""What an agent must know before the number is shown, and may need while it rings.

Nothing here says what the call is about: that comes after the person has said who they are.
"""

from dataclasses import dataclass
from datetime import time
from typing import Any

from django.conf.locale import LANG_INFO
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.actions import attempts, branding, online_stops, phone_events, request_stages
from intake.admin.times import staff_time, their_time
from intake.models import Attempt, Callback, Person

Rule = Person.VoicemailRule


@dataclass(frozen=True)
class Line:
    """One thing to know: ``icon`` and ``tone`` of the style sheet, ``lead`` in bold, then the rest.

    ``say``: the very words, if there are any.
    """

    icon: str
    lead: str
    text: str = ""
    tone: str = ""
    say: str = ""


def briefing(callback: Callback) -> list[Line]:
    """Everything before the number, the most dangerous to forget first."""
    person = callback.person
    made = list(callback.attempts.order_by("-number"))
    lines = [
        *_danger(callback),
        *_asked_by_text(callback),
        *_asked_online(person),
        *_taken_back(callback),
        voicemail(callback, made),
        may_say(person),
        *_approach(person),
        name(person),
        _language(person),
        *_safety(person),
        _hours(person),
        _source(callback, made),
        _tries(callback, made),
    ]
    return [line for line in lines if line.lead]


def while_ringing(callback: Callback) -> list[Line]:
    """What may be said, once more, beside the number."""
    made = list(callback.attempts.order_by("-number"))
    person = callback.person
    return [voicemail(callback, made), may_say(person), *_approach(person)]


def voicemail(callback: Callback, made: list[Attempt]) -> Line:
    rule = callback.person.voicemail_rule
    left = [one for one in made if one.outcome == Attempt.Outcome.VOICEMAIL_LEFT]
    if rule == Rule.NONE:
        return Line("mute", _("No voicemail."), _("Hang up if a machine answers."), "danger")
    if not attempts.may_leave_message(callback):
        when = staff_time(left[0].made_at) if left else ""
        text = _("One was left on %(time)s. Hang up if a machine answers.") % {"time": when}
        return Line("mute", _("No second voicemail."), text, "danger")
    words = branding.current().voicemail(callback.person.language)
    if rule == Rule.FULL:
        text = _("Say this. They allow you to add who we are, but never why you ring.")
        return Line("message", _("A voicemail may be left."), text, say=words)
    text = _("These words and nothing else: no name of ours, no number, no reason.")
    return Line("message", _("Neutral voicemail only."), text, "warn", say=words)


def may_say(person: Person) -> Line:
    if person.may_say_who_is_calling:
        text = _("But never why.")
        return Line("person", _("Whoever answers may be told who is calling."), text)
    text = _("to anyone but the person themselves.")
    return Line("lock", _("Do not say who is calling"), text, "warn")


def name(person: Person) -> Line:
    if not person.spoken_name:
        return Line("person", _("They gave no name."), _("Ask for nobody by name."))
    text = _("if somebody else answers. Let them say their own name first.")
    return Line("person", _("Ask for %(name)s") % {"name": person.spoken_name}, text)


def language_name(code: str) -> str:
    info = LANG_INFO.get(code)
    return str(info.get("name", code)) if info else code


def _language(person: Person) -> Line:
    spoken = language_name(person.language)
    if person.language == "en":
        return Line("message", _("English."), _("No interpreter is needed."))
    text = _("Have an interpreter or a colleague on the line before you ring.")
    return Line("people", _("They speak %(language)s.") % {"language": spoken}, text, "warn")


def _safety(person: Person) -> list[Line]:
    if person.safe_to_call:
        return []
    lead = _("Nobody has said that this number is safe.")
    text = _("Someone else may answer, or listen. Say nothing until you know who it is.")
    return [Line("warn", lead, text, "danger")]


def _hours(person: Person) -> Line:
    if person.safe_from is None or person.safe_until is None:
        return Line("clock", _("No safe hours of their own."), _("The calling hours hold."))
    span = {"from": _clock(person.safe_from), "until": _clock(person.safe_until)}
    return Line("clock", _("Safe from %(from)s to %(until)s,") % span, _("their time."))


def _clock(moment: time) -> str:
    return time_format(moment, "g:i A")


def _approach(person: Person) -> list[Line]:
    if not person.approach_note:
        return []
    return [Line("info", _("How to approach them:"), person.approach_note, "warn")]


def _danger(callback: Callback) -> list[Line]:
    if not callback.in_danger:
        return []
    return [Line("warn", _("They said: in danger right now."), "", "danger")]


def _asked_by_text(callback: Callback) -> list[Line]:
    asked = phone_events.asked_for_no_calls(callback)
    if asked is None:
        return []
    text = _("Ask a supervisor before you ring.")
    return [Line("warn", _("They wrote that they want no calls."), text, "danger")]


def _asked_online(person: Person) -> list[Line]:
    """By a private link, whose holder may be anybody."""
    if not person.phone or not online_stops.is_stopped(str(person.phone)):
        return []
    text = _("It may not have been them: ask, once you know who it is.")
    return [Line("warn", _("Somebody asked online that we do not call this number."), text, "warn")]


def _taken_back(callback: Callback) -> list[Line]:
    """One that speaks of danger waits for a human then, who may let it through."""
    if not request_stages.is_taken_back(callback):
        return []
    text = _("It may not have been them: ask, once you know who it is.")
    return [Line("warn", _("Somebody took this request back online."), text, "warn")]


def _source(callback: Callback, made: list[Attempt]) -> Line:
    if any(one.identity_confirmed for one in made):
        return Line("check", _("They were reached on this number before."))
    if callback.source == Callback.Source.AGENT:
        return Line("check", _("They asked for this themselves,"), _("on a call with us."))
    if callback.source == Callback.Source.PHONE:
        text = _("Nobody has talked with them: anyone may have used that phone.")
        return Line("info", _("Somebody rang us from this number."), text, "warn")
    text = _("It was typed into the web form: someone else may have typed it.")
    return Line("info", _("This number is unconfirmed."), text, "warn")


def _tries(callback: Callback, made: list[Attempt]) -> Line:
    if not made:
        return Line("callback", _("Not tried yet."))
    latest = made[0]
    lead = ngettext("Tried once.", "Tried %(n)d times.", len(made)) % {"n": len(made)}
    text = _("Last: %(outcome)s, %(time)s.") % {
        "outcome": latest.get_outcome_display(),
        "time": their_time(latest.made_at, callback.time_zone),
    }
    return Line("callback", lead, text)


def asked_how(callback: Callback) -> dict[str, Any]:
    """What only the person can tell of their own request, to be compared and not to be said."""
    how = {
        Callback.Source.AGENT: _("on a call with us"),
        Callback.Source.WEB: _("on the web form"),
        Callback.Source.PHONE: _("by ringing us"),
    }
    return {
        "name": callback.person.spoken_name,
        "when": their_time(callback.requested_at, callback.time_zone),
        "how": how[Callback.Source(callback.source)],
    }
