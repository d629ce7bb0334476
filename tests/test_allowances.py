"""Five requests an hour from one address: everywhere at once, and nothing kept of the address."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from intake.actions import allowances, sweeping
from intake.crypto import get_keyring
from intake.models import Allowance
from intake.rules import allowances as rule
from tests.crypto.rows import rotate

HOME, ELSEWHERE = "203.0.113.7", "203.0.113.8"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@transaction.atomic
def use(now, address=HOME, most=5):
    allowances.line_up(address=address)
    if allowances.use_one(address=address, most=most, now=now):
        return None
    return allowances.free_again_at(address=address, most=most, now=now)


# --- The share ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_sixth_within_the_hour_is_told_when_to_come_back(now):
    for minute in range(5):
        assert use(now + minute * MINUTE) is None
    retry_at = use(now + 5 * MINUTE)
    # They all came within the five minutes from 14:00.
    assert retry_at == now + 65 * MINUTE
    assert use(retry_at - timedelta(seconds=1)) == retry_at
    assert use(retry_at) is None


@pytest.mark.django_db
def test_what_was_refused_uses_nothing(now):
    for _ in range(50):
        use(now)
    assert allowances.used_by(address=HOME, now=now) == 5


@pytest.mark.django_db
def test_what_was_rolled_back_was_not_used(now):
    with transaction.atomic():
        use(now)
        transaction.set_rollback(True)
    assert allowances.used_by(address=HOME, now=now) == 0


@pytest.mark.django_db
def test_another_address_has_its_own_share(now):
    for _ in range(6):
        use(now)
    assert use(now, ELSEWHERE) is None


@pytest.mark.django_db
def test_who_changes_addresses_within_one_ipv6_network_has_one_share(now):
    for number in range(5):
        assert use(now, f"2001:db8:1:2::{number}") is None
    assert use(now, "2001:db8:1:2:a:b:c:d") is not None
    assert use(now, "2001:db8:1:3::1") is None


@pytest.mark.django_db
def test_an_unknown_address_is_not_limited(now):
    assert {use(now, "") for _ in range(20)} == {None}
    assert not Allowance.objects.exists()


@pytest.mark.django_db
def test_the_address_is_nowhere_to_be_read(now):
    use(now)
    row = Allowance.objects.get()
    assert len(row.address_digest) == 32
    assert row.began_at == rule.stretch_of(now)
    for shape in (HOME, *HOME.split("."), rule.place_of(HOME)):
        assert not re.search(rf"\b{re.escape(shape)}\b", str(row) + repr(row))


@pytest.mark.django_db
def test_a_clock_put_back_by_a_year_locks_nobody_out(now):
    for _ in range(5):
        use(now + timedelta(days=365))
    assert use(now) is None


@pytest.mark.django_db
def test_a_clock_put_back_by_minutes_gives_nobody_a_second_share(now):
    for _ in range(5):
        use(now + 20 * MINUTE)
    assert use(now) == now + 85 * MINUTE


# --- Pure -----------------------------------------------------------------------------------------

SIX_HOURS = st.timedeltas(timedelta(), timedelta(hours=6))
MOMENTS = SIX_HOURS.map(lambda after: datetime(2026, 3, 10, 14, tzinfo=UTC) + after)


@given(st.lists(MOMENTS, max_size=40), st.integers(1, 6))
def test_never_more_than_its_share_in_any_sixty_minutes(asked, most):
    """And whoever comes back when they were told to is let in."""
    taken, used = [], {}
    for at in sorted(asked):
        counted = count(used, at)
        if sum(counted.values()) < most:
            taken.append(at)
            began = rule.stretch_of(at)
            used[began] = used.get(began, 0) + 1
            continue
        retry_at = rule.free_again_at(counted.items(), most=most)
        assert retry_at > at
        assert sum(count(used, retry_at).values()) < most
        # Hardly later than the hour asks for.
        assert retry_at <= at + rule.COUNTS_FOR
    for first in taken:
        assert sum(first <= at < first + HOUR for at in taken) <= most


def count(used, at):
    after, until = rule.counted(at)
    return {began: number for began, number in used.items() if after < began <= until}


# --- Forgetting -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_row_is_deleted_when_it_counts_no_more(now):
    use(now)
    assert allowances.forget(now=now + 64 * MINUTE) == 0
    assert allowances.forget(now=now + 65 * MINUTE) == 1
    assert not Allowance.objects.exists()


@pytest.mark.django_db
def test_the_sweep_of_the_desk_forgets_them():
    use(datetime.now(UTC) - timedelta(hours=2))
    sweeping.sweep(channels=["in_app"], seconds=5, monotonic=iter(range(1000)).__next__)
    assert not Allowance.objects.exists()


# --- At once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [1, 5])
def test_forty_at_once_get_one_share_between_them(now, most):
    """Across the border of two stretches, too, where none of them sees the other's row."""
    answers, start = [], threading.Barrier(40)

    def ask(number):
        try:
            start.wait()
            moment = now + (timedelta(minutes=5) if number % 2 else timedelta())
            answers.append(use(moment, most=most))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert answers.count(None) == most
    assert allowances.used_by(address=HOME, now=now) == most


# --- Keys -----------------------------------------------------------------------------------------


def test_what_was_used_keeps_no_old_key_in_the_ring(keys, now):
    assert use(now, most=1) is None
    rotate("--new-index-key")
    rotate("--retire", "i1")
    assert set(get_keyring().index.keys) == {"i2"}
    # Under the new key everybody has a new share, once.
    assert use(now, most=1) is None
    assert use(now, most=1) is not None
