"""Invented people and their records, made through the actions a desk would use."""

from datetime import timedelta

from intake.actions import calls, consents, safety
from intake.models import Call, Callback, Consent, InsurancePolicy, Person, SubstanceUse
from intake.rules.safety import Answer, Answers

MARIA = "+12025550143"  # Washington, DC
JOHN = "+13035550177"  # Denver


def maria(**changes):
    """The caller: wants help for herself, daytime calls only, neutral voicemail."""
    given = {
        "alias": "Maria",
        "name": "Maria Invented",
        "phone": MARIA,
        "zip_code": "20001",
        "voicemail_rule": Person.VoicemailRule.NEUTRAL,
        "safe_to_call": True,
    }
    return Person(**{**given, **changes})


def klonopin(call, *, now):
    """Clonazepam 2 mg twice a day for two years, stopped suddenly two days ago."""
    return SubstanceUse(
        call=call,
        substance="clonazepam",
        brand="Klonopin",
        source="own_prescription",
        dose_mg="2",
        times_a_day="2",
        days_a_week=7,
        weeks_of_use=104,
        last_used_at=now - timedelta(days=2),
        stopped_abruptly=True,
        above_prescribed=False,
    )


def open_call(*, agent, now, person=None, **fields):
    """A call about herself, sheet saved, no screen yet."""
    call = Call(
        started_at=now,
        taken_by=agent,
        call_type=fields.pop("call_type", Call.CallType.ABOUT_SELF),
        **fields,
    )
    person = person or maria()
    sheet = calls.Sheet(
        call=call, caller=person, person_in_need=person, substances=[klonopin(call, now=now)]
    )
    return calls.save_sheet(sheet=sheet, by=agent, now=now)


def past_seizure():
    """Everything answered, nothing dangerous now, but a seizure the last time she stopped."""
    told = dict.fromkeys(Answers.__dataclass_fields__, Answer.NO)
    told |= {"withdrawal_seizure": Answer.YES, "age": 41, "seizure_hours_ago": None}
    return Answers(**told)


def screened_call(*, agent, now, **fields):
    call = open_call(agent=agent, now=now, **fields)
    safety.evaluate(call=call, answers=past_seizure(), by=agent, now=now)
    return call


def consent(call, scope, *, agent, now):
    return consents.record(
        person=call.person_in_need,
        scope=scope,
        information="Name, insurance, and what treatment is asked for",
        recipient="The health plan" if scope == Consent.Scope.HEALTH_PLAN else "Facilities asked",
        given_how=Consent.GivenHow.VERBAL,
        by=agent,
        now=now,
    )


def policy(**changes):
    given = {
        "payer_name": "Example Mutual",
        "member_id": "XMP-000143",
        "policyholder_name": "Maria Invented",
    }
    return InsurancePolicy(**{**given, **changes})


def open_callback(*, due_at, now, person=None, **fields):
    """An open promise as a row, without its reminders: for tests of one thing only."""
    person = person or maria()
    if person._state.adding:
        person.created_at = now
        person.time_zone, person.time_zone_source = "America/New_York", "zip"
        person.save()
    callback = Callback(
        person=person,
        source=fields.pop("source", Callback.Source.AGENT),
        due_at=due_at,
        time_zone="America/New_York",
        requested_at=now,
        **fields,
    )
    callback.save(force_insert=True)
    return callback
