"""The call sheet as a browser sends it."""

from html import unescape

from intake.rules.questions import QUESTIONS
from intake.rules.withdrawal import SYMPTOMS

ADD = "/admin/intake/call/add/"

KLONOPIN = {
    "substance": "Klonopin",
    "source": "own_prescription",
    "route": "swallowed",
    "dose_mg": "2",
    "times_a_day": "2",
    "days_a_week": "7",
    "duration": "2",
    "duration_unit": "years",
    # Two days before NOW, on the clock of New York.
    "last_used_at": "2026-03-08T10:00",
    "stopped_abruptly": "yes",
    "recent_cut_percent": "",
    "above_prescribed": "no",
}
BLANK_ROW = dict.fromkeys(KLONOPIN, "") | {
    "duration_unit": "months",
    "stopped_abruptly": "unknown",
    "above_prescribed": "unknown",
}


def posted(then="draft", rows=(KLONOPIN,), **changes):
    """A sheet about Maria herself, everything unknown; ``caller__alias=...`` changes one field."""
    data = {
        "then": then,
        "version": "0",
        "call-call_type": "about_self",
        "call-started_at": "2026-03-10T10:00",
        "call-ended_at": "",
        "call-direction": "inbound",
        "call-channel": "phone",
        "call-language": "en",
        "call-how_heard": "",
        "call-relationship": "",
        "call-narrative": "",
        "caller-alias": "Maria",
        "caller-name": "",
        "caller-phone": "(202) 555-0143",
        "caller-zip_code": "20001",
        "caller-state": "",
        "caller-time_zone": "",
        "caller-safe_from": "",
        "caller-safe_until": "",
        "caller-voicemail_rule": "neutral",
        "caller-approach_note": "",
        "person-alias": "",
        "person-name": "",
        "person-phone": "",
        "person-zip_code": "",
        "person-age": "41",
        "screen-seizure_hours_ago": "",
        **{f"health-symptom_{code}": "unknown" for code in SYMPTOMS},
        "closing-disposition": "",
        **{f"screen-{question.code}": "unknown" for question in QUESTIONS},
        "substances-TOTAL_FORMS": str(len(rows)),
        "substances-INITIAL_FORMS": "0",
    }
    for number, row in enumerate(rows):
        data |= {f"substances-{number}-{name}": value for name, value in row.items()}
    data |= {name.replace("__", "-"): value for name, value in changes.items()}
    return {name: value for name, value in data.items() if value is not None}


def all_no(**answers):
    """The answers of a person in no danger, but for ``answers``."""
    told = dict.fromkeys((question.code for question in QUESTIONS), "no") | answers
    none = {f"health__symptom_{code}": "none" for code in SYMPTOMS}
    return none | {f"screen__{code}": answer for code, answer in told.items()}


def text_of(response):
    """The page as a reader has it, entities resolved."""
    return unescape(response.content.decode())
