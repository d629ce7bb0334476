"""Recording and revoking consent, and the accounting of what was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events
from intake.actions.base import Refused, move
from intake.models import Consent, Disclosure, Person
from intake.rules.consent_texts import WORDING_VERSION as WORDING_VERSION

# 42 CFR 2.32(a)(2): the short notice that goes with every disclosure.
NOTICE_VERSION = "2.32-short"
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


class ConsentMissing(Refused):
    default_message = "There is no live consent for this. Ask, read the text out, and record it."


class NobodyToConsent(Refused):
    default_message = "Record who needs help first: only they can consent."


class ExpiryNotAhead(Refused):
    default_message = "A consent has to end on a day ahead."


class ConsentAlreadyRevoked(Refused):
    default_message = "This consent was already revoked."


@transaction.atomic
def record(
    *,
    person: Person,
    scope: str,
    information: str,
    recipient: str,
    given_how: str,
    by: User,
    now: datetime,
    expires_at: datetime | None = None,
) -> Consent:
    """Store a consent with the elements of 42 CFR 2.31(a) that a call can take.

    Raises ``ExpiryNotAhead``.
    """
    if expires_at is not None and expires_at <= now:
        raise ExpiryNotAhead
    consent = Consent(
        person=person,
        scope=scope,
        information=information,
        recipient=recipient,
        given_how=given_how,
        wording_version=WORDING_VERSION,
        recorded_at=now,
        recorded_by=by,
        expires_at=expires_at,
    )
    consent.save(force_insert=True)
    events.write(
        "consent.recorded",
        by=by,
        now=now,
        subject=consent,
        detail={"scope": scope, "given_how": given_how},
    )
    return consent


@dataclass(frozen=True)
class Wanted:
    """One consent among those given together: its scope and what only it covers."""

    scope: str
    information: str
    recipient: str


@transaction.atomic
def record_all(
    *,
    person: Person,
    wanted: Sequence[Wanted],
    given_how: str,
    by: User,
    now: datetime,
    expires_at: datetime | None = None,
) -> list[Consent]:
    """Store several consents given in one breath: all of them or none. Raises as ``record``."""
    return [
        record(
            person=person,
            scope=one.scope,
            information=one.information,
            recipient=one.recipient,
            given_how=given_how,
            by=by,
            now=now,
            expires_at=expires_at,
        )
        for one in wanted
    ]


@transaction.atomic
def revoke(*, consent: Consent, by: User, now: datetime) -> Consent:
    """Stop every new disclosure under this consent at once (42 CFR 2.31(a)(6))."""
    move(
        consent,
        refusal=ConsentAlreadyRevoked,
        expected={"revoked_at": None},
        revoked_at=now,
        revoked_by=by,
    )
    events.write("consent.revoked", by=by, now=now, subject=consent)
    return consent


def require(*, person: Person, scope: str, now: datetime) -> Consent:
    """The newest live consent of that scope, inside an action; raises ``ConsentMissing``.

    It is locked until the action ends, so a telling and a revocation cannot cross.
    """
    live = Consent.objects.live(now).filter(person=person, scope=scope)
    consent = live.select_for_update(no_key=True).order_by("-recorded_at").first()
    if consent is None:
        raise ConsentMissing
    return consent


def account(
    *,
    consent: Consent,
    purpose: str,
    recipient: str,
    fields_told: Sequence[str],
    by: User,
    now: datetime,
) -> Disclosure:
    """Add one line to the accounting of disclosures (42 CFR 2.25), inside an action."""
    disclosure = Disclosure(
        person_id=consent.person_id,
        consent=consent,
        purpose=purpose,
        recipient=recipient,
        fields_told=list(fields_told),
        notice_version=NOTICE_VERSION,
        disclosed_at=now,
        disclosed_by=by,
    )
    disclosure.save(force_insert=True)
    events.write(
        "disclosure.made",
        by=by,
        now=now,
        subject=disclosure,
        detail={"purpose": purpose, "fields": list(fields_told)},
    )
    return disclosure
