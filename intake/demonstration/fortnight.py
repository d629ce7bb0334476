"""A believable fortnight: every call runs its course through the actions, in order of time.

Each call is a generator that yields the moment it waits for; the scheduler runs whichever is due
first. So the audit reads as if the desk had been staffed, and nothing is stored that an agent
could not have stored.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User

from intake.actions import (
    admission,
    attempts,
    callbacks,
    calling_hours,
    calls,
    consents,
    dialing,
    insurance,
    needs,
    offers,
    phone_events,
    referrals,
    reviews,
    safety,
    web_requests,
)
from intake.actions.base import Refused
from intake.demonstration import answer_cards, pattern, people, scenarios, shifts
from intake.models import (
    Attempt,
    Benefit,
    Call,
    Callback,
    Consent,
    Facility,
    InsuranceCheck,
    InsurancePolicy,
    LevelOfCare,
    PhoneEvent,
    Referral,
    ReferralOffer,
    SafetyScreen,
)
from intake.rules.dialing import NEEDS_IDENTITY
from intake.rules.findings import Route

Course = Iterator[datetime]

# The network is down in the small hours of every Wednesday (UTC): those calls were on paper first.
DOWN_DAY, DOWN_HOURS = 2, range(6, 11)
NON_SERVICE_SHARE = 0.2
WEB_SHARE = 0.08
PHONE_SHARE = 0.05
PAYERS = (
    ("Example Mutual", InsurancePolicy.PayerKind.PRIVATE),
    ("Sample Health Plan", InsurancePolicy.PayerKind.PRIVATE),
    ("Invented State Medicaid", InsurancePolicy.PayerKind.MEDICAID),
    ("Medicare", InsurancePolicy.PayerKind.MEDICARE),
)
# How a try ends, of a hundred.
ENDINGS: dict[str, int] = {
    Attempt.Outcome.REACHED: 54,
    Attempt.Outcome.NO_ANSWER: 17,
    Attempt.Outcome.VOICEMAIL_LEFT: 8,
    Attempt.Outcome.CALL_LATER: 5,
    Attempt.Outcome.BUSY: 4,
    Attempt.Outcome.WRONG_PERSON: 3,
    Attempt.Outcome.DECLINED: 2,
    Attempt.Outcome.WRONG_NUMBER: 2,
    Attempt.Outcome.NOT_RECORDED: 4,
    Attempt.Outcome.DANGER_SUSPECTED: 1,
}
NEEDS_DETOX = {SafetyScreen.Level.URGENT, SafetyScreen.Level.HIGH, SafetyScreen.Level.MODERATE}


def minutes(chance: random.Random, least: int, most: int) -> timedelta:
    return timedelta(minutes=chance.randint(least, most))


def live(*, days: int, count: int, seed: int, until: datetime, agents: list[User]) -> int:
    """Live through the fortnight up to ``until``; what lies after it stays open. Returns calls."""
    chance = random.Random(seed)  # noqa: S311 - invented data, the same for the same seed
    moments = pattern.moments(
        chance, count=count, days=days, until=until, zone=settings.HELPLINE_TIME_ZONE
    )
    agenda: list[tuple[datetime, int, Course]] = []
    for number, moment in enumerate(moments):
        own = random.Random(f"{seed}/{number}")  # noqa: S311
        course = _course(own, moment, own.choice(agents))
        heapq.heappush(agenda, (moment, number, course))
    heapq.heappush(agenda, (until - shifts.PAST, -1, shifts.handed_over(agents, until=until)))
    while agenda:
        moment, number, course = heapq.heappop(agenda)
        if moment >= until:
            continue
        later = next(course, None)
        if later is not None:
            heapq.heappush(agenda, (later, number, course))
    return len(moments)


def _course(chance: random.Random, at: datetime, agent: User) -> Course:
    fate = chance.random()
    if fate < NON_SERVICE_SHARE:
        calls.log_non_service(call_type=chance.choice(Call.NON_SERVICE), by=agent, now=at)
        return
    if fate < NON_SERVICE_SHARE + WEB_SHARE:
        yield from _from_the_web(chance, at, agent)
        return
    if fate < NON_SERVICE_SHARE + WEB_SHARE + PHONE_SHARE:
        yield from _from_the_phone_system(chance, at, agent)
        return
    yield from _service_call(chance, at, agent)


def _service_call(chance: random.Random, at: datetime, agent: User) -> Course:
    scenario = scenarios.pick(chance)
    call, screen = _logged(chance, scenario, at, agent)
    now = at + minutes(chance, 6, 25)
    yield now
    answer_cards.mark(call, agent=agent, now=now)
    if screen.waits_for_action:
        to_988 = screen.result is not None and screen.result.route is Route.TRANSFER_988
        actions, endings = SafetyScreen.Action, Call.Disposition
        action = actions.TRANSFER_988 if to_988 else actions.CALLED_911
        safety.record_action(screen=screen, action=action, by=agent, now=now)
        ending = endings.WARM_TRANSFER if to_988 else endings.EMERGENCY
        yield from _closed(call, ending, chance, now, agent)
        yield from shifts.talked_over(call, agent, chance)
        return
    wants_detox = screen.level in NEEDS_DETOX and chance.random() < 0.6
    if wants_detox:
        yield from _toward_a_bed(chance, call, screen, now, agent)
    elif chance.random() < 0.5:
        yield from _promised(chance, call, now, agent)
    else:
        disposition = chance.choice(
            [Call.Disposition.INFORMATION_GIVEN, Call.Disposition.CALLER_DECLINED]
        )
        yield from _closed(call, disposition, chance, now, agent)


def _logged(
    chance: random.Random, scenario: scenarios.Scenario, at: datetime, agent: User
) -> tuple[Call, SafetyScreen]:
    about_self = chance.random() < 0.65
    person = people.someone(chance, speaks_spanish=chance.random() < 0.1)
    caller = person if about_self else people.someone(chance)
    call = Call(
        started_at=at,
        answered_at=at + timedelta(seconds=chance.randint(4, 40)),
        taken_by=agent,
        call_type=Call.CallType.ABOUT_SELF if about_self else Call.CallType.ABOUT_OTHER,
        relationship="" if about_self else chance.choice(["mother", "partner", "brother"]),
        language=person.language,
        narrative=scenario.narrative,
        dependence_signs=list(scenario.signs),
        withdrawal_symptoms=dict(scenario.symptoms),
        how_heard=chance.choice(["", "search", "friend", "clinician", "print"]),
        entered_late=at.weekday() == DOWN_DAY and at.hour in DOWN_HOURS,
    )
    sheet = calls.Sheet(
        call=call,
        caller=caller,
        person_in_need=person,
        substances=scenarios.substances(scenario, call, now=at),
    )
    calls.save_sheet(sheet=sheet, by=agent, now=at)
    told = scenarios.answers(scenario, age=person.age, chance=chance)
    return call, safety.evaluate(call=call, answers=told, by=agent, now=at)


def _closed(
    call: Call, disposition: str, chance: random.Random, now: datetime, agent: User
) -> Course:
    call.ended_at = now
    now += minutes(chance, 1, 6)
    yield now
    calls.close(call=call, disposition=disposition, by=agent, now=now)


def _toward_a_bed(
    chance: random.Random, call: Call, screen: SafetyScreen, now: datetime, agent: User
) -> Course:
    person = call.person_in_need
    if person is None:
        return
    for scope in Consent.Scope.values:
        consents.record(
            person=person,
            scope=scope,
            information="Name, insurance, and what treatment is asked for",
            recipient="The health plan" if scope == Consent.Scope.HEALTH_PLAN else "The facilities",
            given_how=Consent.GivenHow.VERBAL,
            by=agent,
            now=now,
        )
    payer, kind = chance.choice(PAYERS)
    if chance.random() < 0.8:
        yield from _insured(chance, call, payer, kind, now, agent)
        now += minutes(chance, 30, 90)
        yield now
    yield from _referred(chance, call, screen, kind, now, agent)
    yield from _closed(call, Call.Disposition.REFERRED, chance, now, agent)


def _insured(
    chance: random.Random, call: Call, payer: str, kind: str, now: datetime, agent: User
) -> Course:
    policy = InsurancePolicy(
        payer_name=payer,
        payer_kind=kind,
        policyholder_relationship=InsurancePolicy.Relationship.SELF,
        member_id=f"XMP{chance.randrange(10**6):06d}",
        policyholder_name=call.person_in_need.name if call.person_in_need else "",
    )
    check = insurance.request(
        call=call,
        policy=policy,
        levels_wanted=[LevelOfCare.WITHDRAWAL_3_7, LevelOfCare.RESIDENTIAL_3_7],
        by=agent,
        now=now,
    )
    now += minutes(chance, 5, 20)
    yield now
    insurance.take(check=check, by=agent, now=now)
    now += minutes(chance, 8, 25)
    yield now
    if chance.random() < 0.12:
        insurance.give_up(check=check, notes="Held 40 minutes, cut off.", by=agent, now=now)
        return
    insurance.record_answer(
        check=check,
        coverage=InsuranceCheck.Coverage.ACTIVE,
        representative=chance.choice(["Dana", "Chris", "Robin"]),
        payer_reference=f"CALL{chance.randrange(10**5):05d}",
        benefits=[
            Benefit(
                level_of_care=level,
                covered=Benefit.Answer.YES,
                preauthorization=chance.choice(Benefit.Answer.values),
            )
            for level in check.levels_wanted
        ],
        by=agent,
        now=now,
    )


def _referred(
    chance: random.Random,
    call: Call,
    screen: SafetyScreen,
    payer_kind: str,
    now: datetime,
    agent: User,
) -> Course:
    result, person = screen.result, call.person_in_need
    if result is None or person is None:
        return
    need = replace(needs.for_call(call, now=now), payers=(payer_kind,))
    referral = referrals.search(call=call, need=need, zip_code=person.zip_code, by=agent, now=now)
    chosen = [row["facility"] for row in referral.list_shown[:3]]
    if not chosen:
        referrals.close(referral=referral, note="Nothing fits within reach.", by=agent, now=now)
        return
    asked = list(Facility.objects.filter(pk__in=chosen).order_by("pk"))
    made = offers.offer(referral=referral, facilities=asked, by=agent, now=now)
    yield from _answered(chance, referral, made, now, agent)


def _answered(
    chance: random.Random,
    referral: Referral,
    made: list[ReferralOffer],
    now: datetime,
    agent: User,
) -> Course:
    for offer in made:
        now += minutes(chance, 10, 50)
        yield now
        if chance.random() < 0.4:
            reason = chance.choice(ReferralOffer.DeclineReason.values[:4])
            offers.decline(offer=offer, reason=reason, by=agent, now=now)
            continue
        expected = now + timedelta(hours=chance.randint(3, 20))
        offers.accept(offer=offer, contact="Intake desk", expected_at=expected, by=agent, now=now)
        yield expected + minutes(chance, 0, 90)
        now = expected + timedelta(minutes=90)
        if chance.random() < 0.75:
            offers.mark_arrived(offer=offer, by=agent, now=now)
            yield now + timedelta(hours=24)
            offers.mark_stayed(offer=offer, by=agent, now=now + timedelta(hours=24))
        return
    now += minutes(chance, 60, 300)
    yield now
    referral.refresh_from_db()
    if referral.status == Referral.Status.OPEN:
        referrals.close(referral=referral, note="Every facility declined.", by=agent, now=now)


def _promised(chance: random.Random, call: Call, now: datetime, agent: User) -> Course:
    person = call.caller
    if person is None or person.do_not_call:
        return
    later = now + timedelta(hours=chance.randint(2, 30))
    openings = calling_hours.offers(person, later, 1)
    try:
        callback = callbacks.promise(
            person=person,
            call=call,
            due_at=openings[0].at,
            urgency=chance.choice(Callback.Urgency.values),
            owner=agent if chance.random() < 0.5 else None,
            reason="Wants to talk about the next step.",
            by=agent,
            now=now,
        )
    except callbacks.NumberBlocked:
        # Two invented people may share an invented number.
        return
    yield from _closed(call, Call.Disposition.CALLBACK_PROMISED, chance, now, agent)
    yield from _rung(chance, callback, agent)


def _from_the_web(chance: random.Random, at: datetime, agent: User) -> Course:
    person = people.someone(chance)
    openings = calling_hours.offers(person, at + timedelta(minutes=30), 1)
    request = web_requests.WebRequest(
        person=person,
        due_at=openings[0].at,
        form_digest=f"{chance.getrandbits(128):032x}",
        content_digest=f"{chance.getrandbits(128):032x}",
        consent_wording=consents.WORDING_VERSION,
        topic=chance.choice(["", "Stopping a medicine", "Someone in my family"]),
    )
    callback = web_requests.take(request=request, now=at)
    admission.admit_received(limit=1, now=at)
    callback.refresh_from_db()
    if callback.status == Callback.Status.HELD:
        looked_at = at + minutes(chance, 3, 25)
        yield looked_at
        reviews.release(callback=callback, by=agent, now=looked_at)
        callback.refresh_from_db()
    if callback.is_open:
        yield from _rung(chance, callback, agent)


def _from_the_phone_system(chance: random.Random, at: datetime, agent: User) -> Course:
    """Rang in vain; the number is all that is known. Now and then it is withheld."""
    number = str(people.someone(chance).phone)
    told = phone_events.Told(
        event_id=f"{chance.getrandbits(128):032x}",
        kind=chance.choice((PhoneEvent.Kind.MISSED_CALL, PhoneEvent.Kind.VOICEMAIL)),
        occurred_at=at,
        number="anonymous" if chance.random() < 0.15 else number,
    )
    event = phone_events.take(told=told, now=at)
    if event.result == PhoneEvent.Result.OPENED and event.callback is not None:
        yield from _rung(chance, event.callback, agent)


def _rung(chance: random.Random, callback: Callback, agent: User) -> Course:
    """Mostly in time, sometimes late, now and then forgotten for a day."""
    earliest = callback.requested_at + timedelta(minutes=5)
    for _try in range(3):
        late = chance.choices(
            (minutes(chance, -20, -1), minutes(chance, 1, 50), timedelta(hours=26)), (78, 17, 5)
        )[0]
        now = max(callback.due_at + late, earliest)
        if not calling_hours.decide_for(callback, now).ok:
            now = max(callback.due_at, earliest)
        yield now
        callback.refresh_from_db()
        if not callback.is_open:
            # It ended, or its number was blocked for somebody else it was promised to.
            return
        callbacks.claim(callback=callback, by=agent, now=now)
        try:
            dialing.show_number(callback=callback, by=agent, now=now)
        except Refused:
            # Tried too often at this number already, for somebody else.
            callbacks.release(callback=callback, by=agent, now=now)
            return
        _ended(chance, callback, agent, now)
        # What was given back is still due, and not rung again the same minute.
        earliest = now + minutes(chance, 10, 60)


def _ended(chance: random.Random, callback: Callback, agent: User, now: datetime) -> None:
    outcome = chance.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    if outcome == Attempt.Outcome.NOT_RECORDED:
        # Given back with the number on the screen: it counts as a try.
        callbacks.release(callback=callback, by=agent, now=now)
        return
    if outcome in NEEDS_IDENTITY:
        dialing.confirm_identity(callback=callback, by=agent, now=now)
    elif outcome == Attempt.Outcome.VOICEMAIL_LEFT and not attempts.may_leave_message(callback):
        outcome = Attempt.Outcome.NO_ANSWER
    attempts.record(callback=callback, outcome=outcome, by=agent, now=now)
