"""Invented people and their records, made through the actions a desk would use."""

from datetime import timedelta
from decimal import Decimal

from intake.actions import (
    attempts,
    calls,
    consents,
    dialing,
    insurance,
    needs,
    referrals,
    safety,
)
from intake.directory.places import place_of
from intake.models import (
    Attempt,
    Call,
    Callback,
    Consent,
    Facility,
    InsurancePolicy,
    Person,
    SubstanceUse,
)
from intake.rules.dialing import NEEDS_IDENTITY
from intake.rules.safety import QUESTION, Answer, Answers
from intake.rules.withdrawal import told_symptoms

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
        dose_mg=Decimal(2),
        times_a_day=Decimal(2),
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


def told(**answers):
    """Everything answered no by a woman of 41, but for ``answers``."""
    every = dict.fromkeys(QUESTION, Answer.NO)
    every |= {code: Answer(answer) for code, answer in answers.items()}
    return Answers(**every, age=41, symptoms=told_symptoms({"tremor": "none"}))


def past_seizure():
    """Everything answered, nothing dangerous now, but a seizure the last time she stopped."""
    return told(withdrawal_seizure="yes")


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


def rung(callback, outcome, *, by, now, **ending):
    """A claimed callback rung as the dial screen has it: shown, made sure who it is, ended."""
    dialing.show_number(callback=callback, by=by, now=now)
    if outcome in NEEDS_IDENTITY:
        dialing.confirm_identity(callback=callback, by=by, now=now)
    return attempts.record(callback=callback, outcome=outcome, by=by, now=now, **ending)


def tried(callback, *moments, by, outcome="no_answer", **fields):
    """Attempts on record, as rows."""
    numbered = enumerate(moments, callback.attempts.count() + 1)
    Attempt.objects.bulk_create(
        Attempt(
            callback=callback,
            number=number,
            outcome=outcome,
            number_shown_at=at,
            made_at=at,
            made_by=by,
            **fields,
        )
        for number, at in numbered
    )


def insurance_check(*, agent, now, call=None, **fields):
    """A check asked for and waiting in the queue, on a screened call with consent."""
    call = call or screened_call(agent=agent, now=now)
    consent(call, Consent.Scope.HEALTH_PLAN, agent=agent, now=now)
    return insurance.request(
        call=call,
        policy=fields.pop("policy", None) or policy(),
        levels_wanted=["4-WM", "3.7-WM"],
        by=agent,
        now=now,
        **fields,
    )


HOSPITAL_CODES = "SA DT HID BDTX PI MD SF CO YAD ADLT SNR FEM MALE"


def facility(name, *, now, zip_code="20001", codes=HOSPITAL_CODES, **fields):
    """A listed hospital with benzodiazepine detox; near Maria unless another ZIP is given."""
    place = place_of(zip_code)
    given = {
        "source_key": f"{name}|{zip_code}",
        "name": name,
        "street": "1 Almond Street",
        "city": place.city,
        "state": place.state,
        "zip_code": zip_code,
        "phone": "202-555-0110",
        "service_codes": f" {codes} ",
        "latitude": place.latitude,
        "longitude": place.longitude,
        "time_zone": place.time_zone,
        "first_listed_at": now,
        "last_listed_at": now,
    }
    return Facility.objects.create(**{**given, **fields})


def referral(*, agent, now, call=None):
    """A search made and its list kept, on a screened call with consent; facilities come first."""
    call = call or screened_call(agent=agent, now=now)
    consent(call, Consent.Scope.FACILITIES, agent=agent, now=now)
    zip_code = call.person_in_need.zip_code
    need = needs.for_call(call, now=now)
    return referrals.search(call=call, need=need, zip_code=zip_code, by=agent, now=now)
