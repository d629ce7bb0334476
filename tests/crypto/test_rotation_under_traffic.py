"""Changing keys while agents work: no value is lost and nobody gets an error."""

import threading

import pytest
from django.db import connection

from intake.crypto import rotation
from intake.models import KeyCheck
from tests import patience
from tests.crypto.rows import fill, key_ids, new_key, rotate
from tests.crypto.sheets import Sheet


def test_rotation_under_traffic_loses_nothing_and_fails_nobody(committed_sheets, monkeypatch):
    """Writers keep saving and reading every row while the keys change under them."""
    KeyCheck.objects.all().delete()
    monkeypatch.setattr(rotation, "BATCH_ROWS", 25)
    monkeypatch.setattr(rotation, "PAUSE_SECONDS", 0.05)
    rows = [Sheet(note="0", phone=f"+120255501{n % 100:02}") for n in range(150)]
    Sheet.objects.bulk_create(rows)
    done, failures, written = threading.Event(), [], {}

    def work(part):
        try:
            turn = 0
            while not done.is_set() or turn < len(part):
                pk = part[turn % len(part)].pk
                sheet = Sheet.objects.get(pk=pk)
                sheet.note = str(int(sheet.note) + 1)
                sheet.save()
                written[pk] = sheet.note
                turn += 1
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(rows[i::2],)) for i in range(2)]
    for thread in threads:
        thread.start()
    try:
        rotate("--new-key")
        rotate("--new-index-key")
    finally:
        done.set()
        for thread in threads:
            thread.join(patience.SECONDS)
    assert failures == []
    # Only a request that began before the ring changed can have left a value behind.
    rotate("--retire", "k1")
    rotate("--retire", "i1")
    assert {sheet.pk: sheet.note for sheet in Sheet.objects.all()} == written
    assert key_ids() == {"k2"}


@pytest.mark.postgresql
def test_a_row_locked_by_an_agent_is_passed_over_and_done_later(committed_sheets, small_batches):
    """Rotation never waits for a lock while it holds one, so it never deadlocks an agent."""
    from django.db import transaction

    fill(5)
    new_key()
    locked_pk = Sheet.objects.order_by("pk")[1].pk
    locked, release = threading.Event(), threading.Event()

    def agent():
        with transaction.atomic():
            Sheet.objects.select_for_update().get(pk=locked_pk)
            locked.set()
            release.wait(patience.HELD_SECONDS)
        connection.close()

    thread = threading.Thread(target=agent)
    thread.start()
    assert locked.wait(patience.HELD_SECONDS)
    seen = []

    def report(rows):
        seen.append(rows)
        if sum(seen) == 7:  # all rows but the locked one
            release.set()
            thread.join(patience.HELD_SECONDS)

    outcome = rotation.reseal(report=report)
    assert outcome.complete
    assert key_ids() == {"k2"}
