"""Makes promises: a program of its own inside the stack, as the web server is.

Reads one JSON object a line (`what`, and how), answers with one line. Each single promise is made
by a child, which may be killed while it makes it; promises in bulk are written as `plan` would.
"""

import functools
import json
import os
import random
import sys
import traceback
from datetime import timedelta

import django

from tests.crash.post_office import REFUSED

AREAS = (202, 212, 213, 214, 215, 303, 305, 312, 404, 415, 503, 504, 602, 617, 702, 713, 813, 901)
PER_AREA = 100


def number_of(index):
    """A number nobody has, another for each index."""
    return f"+1{AREAS[index // PER_AREA % len(AREAS)]}55501{index % PER_AREA:02d}"


def staff(*, email="desk@example.org", username="ava"):
    from django.contrib.auth.models import Group, User

    user, is_new = User.objects.get_or_create(
        username=username, defaults={"email": email, "is_staff": True}
    )
    if is_new:
        user.groups.add(Group.objects.get(name="Agent"))
    return user


def new_person(index, now):
    from intake.actions import people
    from intake.models import Person

    person = Person(
        alias="W",
        phone=number_of(index),
        zip_code="20001",
        safe_to_call=True,
        time_zone="America/New_York",
    )
    return people.save(person=person, by=staff(), now=now)


@functools.cache
def crowd():
    """The one person to whom all promises in bulk are made."""
    from django.utils import timezone

    return new_person(PER_AREA * len(AREAS) - 1, timezone.now())


# --- One by one, each by a process that may die --------------------------------------------------


def people(*, count):
    """Somebody to promise a call to; returns their ids."""
    from django.utils import timezone

    staff()
    return [str(new_person(index, timezone.now()).pk) for index in range(count)]


def promise(*, people, urgency="routine", due_in=0.0):
    """One promise to each person, by a child each; returns how each child ended (0, or -9)."""
    from django.db import connections

    connections.close_all()
    children = []
    for person in people:
        pid = os.fork()
        if not pid:
            promise_and_leave(person, urgency, due_in)
        children.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


def promise_and_leave(person, urgency, due_in):
    code = 1
    try:
        promise_one(person, urgency, due_in)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def promise_one(person, urgency, due_in):
    from intake.actions import callbacks
    from intake.models import Person
    from intake.models.clock import database_now

    now = database_now()
    return callbacks.promise(
        person=Person.objects.get(pk=person),
        due_at=now + timedelta(seconds=due_in),
        urgency=urgency,
        asked_outside_hours=True,
        by=staff(),
        now=now,
    )


def callbacks_of(*, people):
    from intake.models import Callback

    return [
        str(pk) for pk in Callback.objects.filter(person__in=people).values_list("pk", flat=True)
    ]


# --- Many at once --------------------------------------------------------------------------------


def bulk(*, count, due_in=0.0, spread=0.0, channels=("in_app", "email"), seed=0, poisoned=0.0):
    """Promises already written: due from ``due_in`` seconds on, over ``spread`` seconds.

    Every tenth is urgent, three of ten are high. Of a ``poisoned`` share one half can never be
    delivered by mail, because the server refuses the recipient, the other never on the desk,
    because the database refuses the notice. Returns the ids of the callbacks, and of those two.
    """
    from django.db import connection, transaction

    from intake.models import Callback, Reminder
    from intake.models.clock import database_now

    dice = random.Random(seed)  # noqa: S311 - the same rows again with the same seed
    now = database_now()
    person = crowd()
    owners = {False: staff(), True: staff(email=REFUSED, username="nobody")}
    callbacks, reminders, refused = [], [], []
    for _index in range(count):
        kind = dice.choice(("mail", "desk")) if dice.random() < poisoned else ""
        callback, rows = written_promise(
            person=person,
            owner=owners[kind == "mail"],
            due_at=now + timedelta(seconds=due_in + dice.random() * spread),
            urgency=dice.choices(("urgent", "high", "routine"), (1, 3, 6))[0],
            channels=channels,
            now=now,
        )
        callbacks.append(callback)
        reminders += rows
        if kind == "desk":
            refused.append(callback.pk)
    with transaction.atomic():
        Callback.objects.bulk_create(callbacks, batch_size=1000)
        Reminder.objects.bulk_create(reminders, batch_size=1000)
        refuse_notices(connection, refused)
    return {
        "callbacks": [str(callback.pk) for callback in callbacks] if count <= 20_000 else [],
        "mail": [str(c.pk) for c in callbacks if c.owner_id == owners[True].pk],
        "desk": [str(pk) for pk in refused],
    }


def written_promise(*, person, owner, due_at, urgency, channels, now):
    from intake.actions.reminders import PRIORITY
    from intake.models import Callback, Reminder

    callback = Callback(
        person=person,
        source=Callback.Source.AGENT,
        due_at=due_at,
        time_zone=person.time_zone,
        urgency=urgency,
        owner=owner,
        requested_at=now,
        reason="Asked to be rung.",
    )
    rows = [
        Reminder(
            callback=callback,
            stage=Reminder.Stage.DUE,
            channel=channel,
            priority=PRIORITY[Callback.Urgency(urgency)],
            due_at=due_at,
            next_try_at=due_at,
        )
        for channel in channels
    ]
    return callback, rows


def refuse_notices(connection, callbacks):
    """From now on the database refuses every notice of these callbacks."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS crash_refused (callback uuid PRIMARY KEY)")
        cursor.executemany("INSERT INTO crash_refused VALUES (%s)", [(pk,) for pk in callbacks])
        cursor.execute(
            """
            CREATE OR REPLACE FUNCTION crash_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM crash_refused JOIN intake_reminder r ON r.id = NEW.reminder_id
                           AND r.callback_id = crash_refused.callback) THEN
                    RAISE EXCEPTION 'poisoned';
                END IF;
                RETURN NEW;
            END $$
            """
        )
        cursor.execute(
            "CREATE OR REPLACE TRIGGER crash_refuse BEFORE INSERT ON intake_notice"
            " FOR EACH ROW EXECUTE FUNCTION crash_refuse()"
        )


WHAT = {"people": people, "promise": promise, "callbacks_of": callbacks_of, "bulk": bulk}


def answer(line):
    from django.db import close_old_connections

    close_old_connections()
    request = json.loads(line)
    try:
        return {"answer": WHAT[request.pop("what")](**request)}
    except Exception:
        return {"error": traceback.format_exc()[-2000:]}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.crash.settings")
    django.setup()
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
