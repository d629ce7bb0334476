"""The audit: append-only, sealed into one chain, and any change is found."""

import pytest
from django.db import DatabaseError, connection, transaction

from intake.actions import events
from intake.models import Call, Event, EventSeal

pytestmark = pytest.mark.django_db


def written(agent, now, count=3):
    return [events.write(f"test.{n}", by=agent, now=now) for n in range(count)]


def superuser_sql(statement, *parameters):
    """What someone with the whole database in their hands can do: lift the guard and write."""
    from importlib import import_module

    guards = import_module("intake.migrations.0003_append_only_events")
    with connection.cursor() as cursor:
        for lift in guards.UNGUARD[connection.vendor]:
            cursor.execute(lift)
        cursor.execute(statement, parameters)
        for guard in guards.GUARD[connection.vendor]:
            cursor.execute(guard)


def test_an_untouched_chain_verifies_and_counts_what_is_not_sealed_yet(agent, now):
    written(agent, now)
    events.seal(now=now)
    events.write("test.later", by=events.SYSTEM, now=now)
    result = events.verify()
    assert (result.sealed, result.unsealed, result.broken) == (3, 1, None)


@pytest.mark.parametrize(
    ("tampering", "parameters"),
    [
        pytest.param("UPDATE intake_event SET verb = 'test.9' WHERE position = 2", [], id="edit"),
        pytest.param("DELETE FROM intake_event WHERE position = 2", [], id="delete"),
        pytest.param(
            "UPDATE intake_event SET position = position + 10 WHERE position >= 2", [], id="move"
        ),
    ],
)
def test_tampering_by_a_superuser_names_the_first_broken_link(agent, now, tampering, parameters):
    written(agent, now)
    events.seal(now=now)
    assert events.verify().broken is None
    superuser_sql(tampering, *parameters)
    assert events.verify().broken.position == 2


def test_an_inserted_event_is_found_before_and_after_sealing(agent, now):
    written(agent, now)
    events.seal(now=now)
    forged = Event(at=now, actor_kind="system", verb="test.forged", mac="0" * 64)
    forged.save(force_insert=True)
    assert events.verify().broken.problem == "an unsealed event was changed or inserted"
    events.seal(now=now)
    assert events.verify().broken.position == 4


def test_a_chain_cut_short_is_found_by_its_seal_and_by_the_published_head(agent, now, tmp_path):
    written(agent, now)
    events.seal(now=now)
    events.publish_head(folder=tmp_path, now=now)
    superuser_sql("DELETE FROM intake_event WHERE position = 3")
    assert events.verify().broken.position == 3
    superuser_sql("DELETE FROM intake_eventseal")
    published = events.read_published_heads(tmp_path / "audit-heads.log")
    assert events.verify(published_heads=published).broken.position == 3


def test_two_rows_that_changed_places_are_found(agent, now):
    written(agent, now)
    events.seal(now=now)
    superuser_sql("UPDATE intake_event SET position = 99 WHERE position = 1")
    superuser_sql("UPDATE intake_event SET position = 1 WHERE position = 2")
    superuser_sql("UPDATE intake_event SET position = 2 WHERE position = 99")
    assert events.verify().broken.position == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE intake_event SET verb = 'x'",
        "DELETE FROM intake_event",
        "DELETE FROM intake_eventseal",
        "UPDATE intake_eventseal SET head = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_an_event(agent, now, statement):
    written(agent, now)
    events.seal(now=now)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.count() == 3
    assert EventSeal.objects.count() == 1


def test_a_sentence_is_no_code_and_is_refused(agent, now):
    events.write("test.code", by=agent, now=now, detail={"reason": "no_answer", "count": 3})
    with pytest.raises(events.NotACode):
        events.write("test.sentence", by=agent, now=now, detail={"reason": "Maria called"})


def test_sealing_in_batches_gives_one_unbroken_chain(agent, now):
    written(agent, now, count=7)
    assert [events.seal(now=now, limit=3) for _round in range(4)] == [3, 3, 1, 0]
    assert events.verify().broken is None


def test_an_event_names_its_record_and_its_actor_and_nothing_personal(agent, now):
    call = Call(taken_by=agent, started_at=now, call_type="about_self")
    call.save()
    event = events.write("call.opened", by=agent, now=now, subject=call)
    assert (event.subject_type, event.subject_id, event.actor_id) == (
        "call",
        str(call.pk),
        agent.pk,
    )


def test_the_command_names_the_first_broken_link_and_ends_badly(agent, now, tmp_path, settings):
    from io import StringIO

    from django.core.management import CommandError, call_command

    settings.HELPLINE_DATA = tmp_path
    written(agent, now)
    events.seal(now=now)
    events.publish_head(folder=tmp_path, now=now)
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert said.getvalue().startswith("3 events sealed and intact, 0 waiting")
    assert "1 published heads agree" in said.getvalue()
    superuser_sql("UPDATE intake_event SET verb = 'test.9' WHERE position = 2")
    with pytest.raises(CommandError, match="Broken at position 2"):
        call_command("verify_audit")
    (tmp_path / "audit-heads.log").write_text("not a head\n", encoding="ascii")
    with pytest.raises(CommandError, match="Cannot read the published heads"):
        call_command("verify_audit")
