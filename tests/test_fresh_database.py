"""What a transactional test leaves behind, the next one does not find."""

import threading

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection, transaction

from intake.actions import events
from intake.models import Event
from tests import fresh_database, patience

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def furniture():
    return fresh_database.Furniture()


def rights():
    return set(Group.objects.values_list("name", "permissions__codename"))


def test_what_was_added_goes_and_what_was_lost_or_changed_comes_back(furniture, agent, now):
    before = rights()
    events.write("call.opened", by=agent, now=now)
    Group.objects.get(name="Supervisor").delete()
    Group.objects.filter(name="Agent").update(name="Ancient")
    Permission.objects.filter(codename="view_call").update(name="changed")
    furniture.put_back()
    assert rights() == before
    assert not User.objects.exists()
    assert not Event.objects.exists()
    assert not Permission.objects.filter(name="changed").exists()


def test_events_are_guarded_again_afterwards(furniture, agent, now):
    for _time in range(2):
        events.write("call.opened", by=events.SYSTEM, now=now)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            Event.objects.all()._raw_delete("default")
        furniture.put_back()


def test_whoever_still_writes_is_waited_for(furniture):
    """Their row would be the next test's."""
    written, finish = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            Group.objects.create(name="late")
            written.set()
            finish.wait(patience.HELD_SECONDS)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(patience.HELD_SECONDS)
    threading.Timer(0.2, finish.set).start()
    furniture.put_back()
    thread.join()
    assert not Group.objects.filter(name="late").exists()
