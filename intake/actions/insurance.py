"""The insurance check: request, take up, put back, answer, give up, cancel, expire."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import consents, events, safety
from intake.actions.base import Refused, move
from intake.insurers import INSURERS
from intake.models import Benefit, Call, Consent, Disclosure, InsuranceCheck, InsurancePolicy

# Benefits change with the month and the plan year; an older answer is asked again.
ANSWER_LIFE = timedelta(days=30)
# No plan year is longer; a later date is a slip of the keyboard.
ANSWER_LIFE_AT_MOST = timedelta(days=366)


class CheckAlreadyOpen(Refused):
    default_message = "There is already an open insurance check for this policy."


class CheckNotOpen(Refused):
    default_message = "This insurance check is no longer open."


class CheckTaken(Refused):
    default_message = "Somebody else has taken up this insurance check."


class CheckNotTaken(Refused):
    default_message = "Nobody is working on this insurance check."


class OtherPersonsPolicy(Refused):
    default_message = "That policy belongs to somebody else."


class NobodyToInsure(Refused):
    default_message = "Record who needs help first: an insurance check is about that person."


class ExpiryNotAhead(Refused):
    default_message = "The answer must be good until some time in the future."


class ExpiryTooFar(Refused):
    default_message = "No answer is good for more than a year: plans change with the plan year."


@transaction.atomic
def request(
    *,
    call: Call,
    policy: InsurancePolicy,
    levels_wanted: Sequence[str],
    by: User,
    now: datetime,
    needed_by: datetime | None = None,
    method: str = InsuranceCheck.Method.MANUAL,
) -> InsuranceCheck:
    """Ask for a verification of benefits.

    Safety before money: raises ``safety.ScreenMissing`` until the screen is done or skipped.
    Asking a plan is a disclosure, so a live consent must name it (42 CFR 2.31):
    ``consents.ConsentMissing``. Also ``NobodyToInsure``, ``OtherPersonsPolicy``,
    ``CheckAlreadyOpen``.
    """
    safety.require_screen(call=call)
    if call.person_in_need is None:
        raise NobodyToInsure
    consent = consents.require(person=call.person_in_need, scope=Consent.Scope.HEALTH_PLAN, now=now)
    if policy._state.adding:
        policy.person, policy.created_at = call.person_in_need, now
        policy.save(force_insert=True)
    elif policy.person_id != call.person_in_need.pk:
        raise OtherPersonsPolicy
    check = InsuranceCheck(
        call=call,
        policy=policy,
        consent=consent,
        method=method,
        levels_wanted=list(levels_wanted),
        requested_at=now,
        requested_by=by,
        needed_by=needed_by,
    )
    check.status = INSURERS[method].first_status(check)
    try:
        with transaction.atomic():
            check.save(force_insert=True)
    except IntegrityError as error:
        raise CheckAlreadyOpen from error
    events.write("insurance_check.requested", by=by, now=now, subject=check)
    return check


@transaction.atomic
def take(*, check: InsuranceCheck, by: User, now: datetime) -> InsuranceCheck:
    """Take a waiting check out of the queue. One winner: raises ``CheckTaken``."""
    move(
        check,
        refusal=CheckTaken,
        expected={"status": InsuranceCheck.Status.QUEUED, "taken_by": None},
        status=InsuranceCheck.Status.IN_PROGRESS,
        taken_at=now,
        taken_by=by,
    )
    events.write("insurance_check.taken", by=by, now=now, subject=check)
    return check


@transaction.atomic
def put_back(*, check: InsuranceCheck, by: User, now: datetime) -> InsuranceCheck:
    """Back into the queue, by whoever has it or finds it left behind. Raises ``CheckNotTaken``."""
    move(
        check,
        refusal=CheckNotTaken,
        expected={"status": InsuranceCheck.Status.IN_PROGRESS},
        status=InsuranceCheck.Status.QUEUED,
        taken_at=None,
        taken_by=None,
    )
    events.write("insurance_check.put_back", by=by, now=now, subject=check)
    return check


@transaction.atomic
def record_answer(
    *,
    check: InsuranceCheck,
    coverage: str,
    representative: str,
    payer_reference: str,
    benefits: Sequence[Benefit],
    by: User,
    now: datetime,
    notes: str = "",
    expires_at: datetime | None = None,
    disclaimer_read: bool = False,
) -> InsuranceCheck:
    """Store what the plan said, who said it and when, and until when it is believed.

    Adds the disclosure to the accounting, since the plan was told whom the question is about.
    ``disclaimer_read``: the caller heard that this is not a guarantee of payment; it goes into the
    audit. Raises ``CheckNotOpen``, ``ExpiryNotAhead``, ``ExpiryTooFar``, and
    ``consents.ConsentMissing`` if the consent was revoked meanwhile.
    """
    expires_at = expires_at or now + ANSWER_LIFE
    if expires_at <= now:
        raise ExpiryNotAhead
    if expires_at > now + ANSWER_LIFE_AT_MOST:
        raise ExpiryTooFar
    _account_for(check, by=by, now=now)
    _close(check, InsuranceCheck.Status.VERIFIED, by=by, now=now, expires_at=expires_at)
    check.coverage = coverage
    check.representative = representative
    check.payer_reference = payer_reference
    check.notes = notes
    check.save(update_fields=["coverage", "representative", "payer_reference", "notes"])
    for position, benefit in enumerate(benefits):
        benefit.insurance_check, benefit.position = check, position
        benefit.save(force_insert=True)
    events.write(
        "insurance_check.answered",
        by=by,
        now=now,
        subject=check,
        detail={"disclaimer_read": disclaimer_read},
    )
    return check


@transaction.atomic
def give_up(
    *,
    check: InsuranceCheck,
    notes: str,
    by: User,
    now: datetime,
    was_told: bool = True,
) -> InsuranceCheck:
    """The plan would not or could not say.

    ``was_told``: the plan heard whom it is about, so that it is accounted for; nobody answering
    is no disclosure. Raises ``CheckNotOpen``, and ``consents.ConsentMissing`` if it was told.
    """
    if was_told:
        _account_for(check, by=by, now=now)
    _close(check, InsuranceCheck.Status.UNABLE, by=by, now=now)
    check.notes = notes
    check.save(update_fields=["notes"])
    events.write(
        "insurance_check.unable", by=by, now=now, subject=check, detail={"was_told": was_told}
    )
    return check


@transaction.atomic
def cancel(*, check: InsuranceCheck, by: User, now: datetime) -> InsuranceCheck:
    """Nobody needs the answer any more. Raises ``CheckNotOpen``."""
    move(
        check,
        refusal=CheckNotOpen,
        expected={"status__in": InsuranceCheck.OPEN},
        status=InsuranceCheck.Status.CANCELLED,
    )
    events.write("insurance_check.cancelled", by=by, now=now, subject=check)
    return check


@transaction.atomic
def expire_due(*, now: datetime) -> int:
    """Mark answers past their time as expired, so nobody quotes them; returns how many."""
    due = InsuranceCheck.objects.filter(
        status=InsuranceCheck.Status.VERIFIED, expires_at__lte=now
    ).order_by("expires_at")[:500]
    expired = 0
    for check in due:
        # Compare-and-set: two sweeps at once write one event, not two.
        expired += _expire(check, now=now)
    return expired


def _expire(check: InsuranceCheck, *, now: datetime) -> int:
    changed = InsuranceCheck.objects.filter(
        pk=check.pk, status=InsuranceCheck.Status.VERIFIED
    ).update(status=InsuranceCheck.Status.EXPIRED)
    if changed:
        events.write("insurance_check.expired", by=events.SYSTEM, now=now, subject=check)
    return changed


def _close(
    check: InsuranceCheck,
    status: str,
    *,
    by: User,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    move(
        check,
        refusal=CheckNotOpen,
        expected={"status__in": InsuranceCheck.OPEN},
        status=status,
        answered_at=now,
        answered_by=by,
        expires_at=expires_at,
    )


def _account_for(check: InsuranceCheck, *, by: User, now: datetime) -> None:
    if not check.is_open:
        raise CheckNotOpen
    consent = consents.require(person=check.policy.person, scope=Consent.Scope.HEALTH_PLAN, now=now)
    consents.account(
        consent=consent,
        purpose=Disclosure.Purpose.INSURANCE_CHECK,
        recipient=check.policy.payer_name,
        fields_told=INSURERS[check.method].fields_told,
        by=by,
        now=now,
    )
