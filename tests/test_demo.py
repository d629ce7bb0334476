"""The demonstration: a believable fortnight, the same for the same seed, of people who do not exist."""

import re
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from intake.actions import events
from intake.demonstration import pattern
from intake.models import (
    Attempt,
    BlockedNumber,
    Call,
    Callback,
    Person,
    PhoneEvent,
    Referral,
    SafetyScreen,
)
from intake.rules import phones

pytestmark = pytest.mark.django_db


def fill(**options):
    printed = StringIO()
    call_command("demo", **{"days": 7, "calls": 60, "seed": 5, **options}, stdout=printed)
    return printed.getvalue().splitlines()


def told():
    """What a fortnight holds, without what is random by design: ids, references, passwords."""
    calls = Call.objects.order_by("started_at")
    return (
        list(calls.values_list("started_at", "call_type", "status", "disposition")),
        Counter(SafetyScreen.objects.values_list("level", flat=True)),
        Counter(Callback.objects.values_list("status", "due_at")),
        Counter(Referral.objects.values_list("status", flat=True)),
        sorted(person.name for person in Person.objects.all()),
    )


def test_it_prints_one_log_in_for_each_role_and_each_works(frozen):
    lines = fill(calls=0)
    found = [re.fullmatch(r"([a-z ]+): (\S+) (\S+)", line).groups() for line in lines]
    assert [role for role, *_ in found] == [
        "agent",
        "supervisor",
        "privacy officer",
        "administrator",
    ]
    for _role, username, password in found:
        assert authenticate(username=username, password=password) is not None
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.once
def test_the_same_seed_gives_the_same_fortnight_and_another_another(frozen):
    from django.db import transaction

    fortnights = []
    for seed in (5, 5, 6):
        with transaction.atomic():
            fill(seed=seed, calls=30)
            fortnights.append(told())
            transaction.set_rollback(True)
    first, again, other = fortnights
    assert first == again
    assert first != other


def test_nobody_in_it_exists_and_the_audit_of_it_verifies(frozen, now):
    fill()
    assert Person.objects.exists()
    assert all(phones.is_fictional(str(person.phone)) for person in Person.objects.all())
    while events.seal(now=now):
        pass
    assert events.verify().broken is None
    assert Call.objects.filter(started_at__lt=now - timedelta(days=7)).count() == 0
    assert Call.objects.filter(started_at__gt=now).count() == 0


@pytest.mark.once
def test_a_fortnight_shows_every_way_a_callback_comes_and_ends(frozen):
    fill(days=14, calls=400, seed=1)
    assert set(Callback.objects.values_list("source", flat=True)) == set(Callback.Source.values)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == set(Attempt.Outcome.values)
    assert set(BlockedNumber.objects.values_list("reason", flat=True)) == {
        "wrong_number",
        "declined",
    }
    assert PhoneEvent.objects.filter(result="number_withheld").exists()


def test_a_database_in_use_is_left_alone(agent, now):
    with pytest.raises(CommandError, match="Only an empty database"):
        fill()
    assert not Call.objects.exists()


def test_calls_follow_the_hours_of_the_real_world():
    import random
    from datetime import UTC, datetime

    moments = pattern.moments(
        random.Random(1),  # noqa: S311
        count=4000,
        days=28,
        until=datetime(2026, 3, 10, tzinfo=UTC),
        zone="UTC",
    )
    by_hour = Counter(moment.hour for moment in moments)
    assert sum(by_hour[hour] for hour in range(17, 24)) > 2 * sum(by_hour[h] for h in range(2, 9))
    assert moments == sorted(moments)
