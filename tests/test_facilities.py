"""The facility directory: editions come and go, and what staff know stays."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from intake.actions import directory, events, facilities
from intake.directory import editions
from intake.directory.workbook import NotTheDirectory
from intake.models import CapacityReading, DirectoryEdition, Event, Facility, ServiceCode
from tests.directory_workbook import HEADINGS, line, lines, real_edition, workbook

pytestmark = pytest.mark.django_db

LATER = timedelta(days=300)


@pytest.fixture
def imported(tmp_path, now):
    """Import these rows as the next edition; each is a day younger than the one before."""
    count = 0

    def importing(*rows, allow_shrink=True, **options):
        nonlocal count
        count += 1
        path = workbook(tmp_path / f"edition-{count}.xlsx", *rows, **options)
        return directory.import_edition(
            edition=editions.read(path),
            by=events.SYSTEM,
            now=now + timedelta(days=count - 1),
            allow_shrink=allow_shrink,
        )

    return importing


def only():
    return Facility.objects.get()


def named(name):
    return Facility.objects.get(name=name)


# --- Editions ------------------------------------------------------------------------------------


def test_a_first_edition_adds_every_facility_with_its_place_and_writes_an_event(imported, now):
    report = imported(line(Intake1="614-555-0102"), line(Name1="Yarrow House"), line(City=None))
    assert (report.read, report.added, report.updated, report.unchanged) == (3, 2, 0, 0)
    assert [problem.line for problem in report.refused] == [4]
    facility = named("Alderbrook Hospital")
    assert facility.status == Facility.Status.LISTED
    assert facility.intake_phones == ["614-555-0102"]
    assert facility.codes >= {"BDTX", "HID"}
    assert (facility.county, facility.time_zone) == ("Franklin County", "America/New_York")
    assert facility.latitude == pytest.approx(39.96, abs=0.1)
    assert facility.first_listed_at == facility.last_listed_at == now
    assert report.record.rows_refused == 1
    event = Event.objects.get(verb="directory.imported")
    assert (event.subject_id, event.actor_kind) == (str(report.record.pk), "system")
    assert (event.detail["added"], event.detail["read"]) == (2, 3)
    assert ServiceCode.objects.get(pk="BDTX").category_code == "DETOX"


def test_the_same_file_again_changes_nothing_and_says_so(tmp_path, now):
    path = workbook(tmp_path / "edition.xlsx", *lines(30), line(State="ZZ"))
    edition = editions.read(path)
    first = directory.import_edition(edition=edition, by=events.SYSTEM, now=now)
    before = list(Facility.objects.order_by("pk").values())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        again = directory.import_edition(edition=edition, by=events.SYSTEM, now=now + LATER)
    assert (again.read, again.added, again.updated, again.unchanged) == (31, 0, 0, 30)
    assert (again.unlisted, again.relisted, again.codes_changed) == (0, 0, 0)
    assert again.record == first.record
    assert DirectoryEdition.objects.count() == 1
    assert list(Facility.objects.order_by("pk").values()) == before
    written = [
        query["sql"]
        for query in queries
        if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}
    ]
    assert [sql.split('"')[1] for sql in written] == ["intake_event"]
    newest = Event.objects.filter(verb="directory.imported").order_by("-at").first()
    assert (newest.detail["added"], newest.detail["updated"]) == (0, 0)


def test_a_newer_edition_updates_adds_and_unlists_and_deletes_nothing(imported, now):
    imported(*lines(4))
    kept = named("Kestrel House 0")
    rows = lines(3)
    rows[0] |= {"Phone": "614-555-0150", "Service_code_info": "SA DT * RD * BDTX * SP"}
    report = imported(*rows, line(Name1="Yarrow House"))
    assert (report.added, report.updated, report.unchanged, report.unlisted) == (1, 1, 2, 1)
    changed = named("Kestrel House 0")
    assert changed.pk == kept.pk
    assert (changed.phone, changed.service_codes) == ("614-555-0150", " SA DT RD BDTX SP ")
    assert (changed.first_listed_at, changed.last_listed_at) == (now, now + timedelta(days=1))
    gone = named("Kestrel House 3")
    assert (gone.status, gone.unlisted_at) == ("unlisted", now + timedelta(days=1))
    assert gone.last_listed_at == now
    assert set(Facility.objects.listed()) == set(Facility.objects.exclude(pk=gone.pk))


def test_a_facility_that_comes_back_is_listed_again_under_its_old_id(imported):
    imported(*lines(3))
    old = named("Kestrel House 2")
    imported(*lines(2))
    report = imported(*lines(3))
    assert (report.added, report.updated, report.relisted, report.unchanged) == (0, 1, 1, 2)
    back = named("Kestrel House 2")
    assert (back.pk, back.status, back.unlisted_at) == (old.pk, "listed", None)


def test_what_staff_know_survives_every_edition(imported, agent, now):
    imported(line(), *lines(4))
    facility = named("Alderbrook Hospital")
    facilities.verify(facility=facility, by=agent, now=now, medical_cover=True)
    facilities.set_relationship(facility=facility, relationship="paid", by=agent, now=now)
    facilities.suspend(facility=facility, reason="moved", by=agent, now=now)
    for edition in ([line(Phone="614-555-0177"), *lines(4)], lines(4), [line(), *lines(4)]):
        imported(*edition)
        facility.refresh_from_db()
        assert (facility.relationship, facility.medical_cover) == ("paid", True)
        assert (facility.verified_at, facility.suspended_by) == (now, agent)
        assert facility.status == Facility.Status.SUSPENDED
    assert facility.unlisted_at is None


def test_a_facility_that_staff_entered_by_hand_is_no_business_of_an_edition(imported, now):
    Facility.objects.create(
        source_key="by-hand-1",
        name="Rookwood House",
        city="Columbus",
        state="OH",
        first_listed_at=now,
        last_listed_at=now,
    )
    assert imported(*lines(2)).unlisted == 0
    assert named("Rookwood House").status == Facility.Status.LISTED
    assert named("Rookwood House").last_listed_at == now


def test_the_vocabulary_follows_the_edition_and_forgets_no_word(imported):
    imported(line(), codes=[("A", "A", "OLD", "Old", None), ("A", "A", "SA", "Use", None)])
    report = imported(line(), codes=[("A", "A", "SA", "Use of drugs", "More")])
    assert report.codes_changed == 1
    assert ServiceCode.objects.get(pk="SA").name == "Use of drugs"
    assert ServiceCode.objects.filter(pk="OLD").exists()


def test_an_edition_that_drops_a_third_is_refused_unless_allowed(imported):
    imported(*lines(10))
    with pytest.raises(directory.EditionShrinks, match="drops 4 of 10 listed"):
        imported(*lines(6), allow_shrink=False)
    assert Facility.objects.listed().count() == 10
    assert DirectoryEdition.objects.count() == 1
    assert imported(*lines(7), allow_shrink=False).unlisted == 3
    assert imported(*lines(2), allow_shrink=True).unlisted == 5


def test_a_longer_edition_may_replace_another_list_altogether(imported):
    imported(*(line(Name1=f"Other {n}", Street1=f"{n} Far Road", Phone="") for n in range(3)))
    report = imported(*lines(4), allow_shrink=False)
    assert (report.added, report.unlisted) == (4, 3)


def test_an_import_that_breaks_halfway_leaves_the_directory_as_it_was(imported, monkeypatch):
    imported(*lines(4))
    before = list(Facility.objects.order_by("pk").values())
    monkeypatch.setattr(directory, "_unlist", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        imported(line(), *lines(3, Zip="10001"))
    assert list(Facility.objects.order_by("pk").values()) == before
    assert Event.objects.filter(verb="directory.imported").count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_second_import_at_the_same_time_is_refused(imported):
    refusals = []

    def import_too():
        try:
            imported(*lines(2))
        except directory.ImportRunning as error:
            refusals.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        imported(*lines(2))
        other = Thread(target=import_too)
        other.start()
        other.join()
    assert len(refusals) == 1
    assert Facility.objects.count() == 2


# --- Which row is which facility -----------------------------------------------------------------

TWINS = (
    line(Phone="614-555-0101", Service_code_info="SA DT * HID * BDTX"),
    line(Phone="614-555-0102", Service_code_info="SA * OP"),
)


def test_rows_alike_in_name_and_address_stay_apart_in_any_order(imported):
    imported(*TWINS, *lines(3))
    twins = Facility.objects.filter(name="Alderbrook Hospital")
    ids = dict(twins.values_list("phone", "pk"))
    assert imported(*lines(3), *reversed(TWINS)).updated == 0
    report = imported({**TWINS[1], "Service_code_info": "SA * OP OIT"}, *lines(3), TWINS[0])
    assert (report.added, report.updated, report.unlisted) == (0, 1, 0)
    assert dict(twins.values_list("phone", "pk")) == ids


@pytest.mark.parametrize("kept", [0, 1])
def test_of_two_alike_the_one_that_is_gone_is_unlisted(imported, kept):
    imported(*TWINS, *lines(3))
    imported(TWINS[kept], *lines(3))
    left = Facility.objects.listed().get(name="Alderbrook Hospital")
    assert left.phone == TWINS[kept]["Phone"]
    imported(*TWINS, *lines(3))
    assert Facility.objects.listed().count() == Facility.objects.count() == 5


def test_of_two_alike_that_both_changed_the_services_tell_which_is_which(imported):
    imported(*TWINS, *lines(3))
    old = Facility.objects.get(phone="614-555-0102", name="Alderbrook Hospital")
    new = [{**row, "Phone": "614-555-0155"} for row in reversed(TWINS)]
    new[0]["Intake1"], new[1]["Intake1"] = "614-555-0156", "614-555-0157"
    imported(*new, *lines(3))
    old.refresh_from_db()
    assert old.service_codes == " SA OP "


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param({"Name1": "ALDERBROOK  HOSPITAL,"}, id="case and punctuation"),
        pytest.param({"Name1": "Alderbrook Health System"}, id="renamed"),
        pytest.param({"Street1": "900 Foxglove Way", "Zip": "43204"}, id="moved in the city"),
        pytest.param({"City": "Columbus City"}, id="city spelled otherwise"),
        pytest.param({"Phone": "614-555-0188", "Zip": "43204"}, id="phone and ZIP code"),
        pytest.param({"Street2": "Suite 9", "Name2": "Unit B"}, id="renamed unit"),
    ],
)
def test_a_facility_is_recognized_under_another_spelling(imported, spelling):
    spelling = {**spelling}
    if "Name2" in spelling:
        del spelling["Street2"]
    imported(line(), *lines(3, Street1="7 Elmhurst Drive"))
    old = named("Alderbrook Hospital")
    report = imported(line(**spelling), *lines(3, Street1="7 Elmhurst Drive"))
    assert (report.added, report.updated, report.unlisted) == (0, 1, 0)
    old.refresh_from_db()
    assert old.status == Facility.Status.LISTED
    assert imported(line(**spelling), *lines(3, Street1="7 Elmhurst Drive")).updated == 0


def test_branches_of_a_chain_that_share_a_phone_are_never_taken_for_each_other(imported):
    """One closes and another opens: the new one inherits no suspension and no tie."""
    chain = [line(Name2=None, Street1=f"{number} Almond Street") for number in (1, 2, 3)]
    imported(*chain)
    report = imported(*chain[:2], line(Name2=None, Street1="4 Almond Street"))
    assert (report.added, report.unlisted) == (1, 1)


def test_a_file_that_repeats_one_name_and_address_is_refused(imported):
    with pytest.raises(NotTheDirectory, match="25 rows carry the same name and address"):
        imported(*[line(Phone=f"614-555-01{number}") for number in range(10, 35)])
    assert not Facility.objects.exists()


# --- The command ---------------------------------------------------------------------------------


def run(path, *options):
    out, err = StringIO(), StringIO()
    call_command("import_facilities", str(path), *options, stdout=out, stderr=err)
    return out.getvalue()


def test_the_command_prints_the_counts_and_every_refused_row(tmp_path, capsys):
    path = workbook(tmp_path / "d.xlsx", line(), line(Name1=None), line(Name1="B", Phone=None))
    assert run(path).splitlines() == [
        "facilities, line 3: refused: Name1 is empty",
        "facilities, line 4: note: no phone number",
        "3 rows read: 2 added, 0 updated (0 of them listed again), 0 unchanged, 1 refused.",
        "0 facilities are no longer listed. 44 service codes are new or changed.",
    ]
    assert "2 unchanged, 1 refused" in run(path)
    # The progress bar is for terminals; a log gets none of it.
    assert capsys.readouterr().err == ""


def test_the_command_fails_in_one_line_and_changes_nothing(tmp_path):
    good = workbook(tmp_path / "good.xlsx", *lines(10))
    run(good)
    before = list(Facility.objects.order_by("pk").values())
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(good.read_bytes()[:-300])
    columns = [heading for heading in HEADINGS if heading != "Zip"]
    faulty = {
        cut: "cut off",
        tmp_path / "missing.xlsx": "cannot be opened",
        workbook(tmp_path / "columns.xlsx", line(), headings=columns): "lacks the column Zip",
        workbook(tmp_path / "short.xlsx", *lines(3)): "--allow-shrink",
        workbook(tmp_path / "other.xlsx", headings=("a",)): "not the directory",
    }
    for path, message in faulty.items():
        with pytest.raises(CommandError) as failure:
            run(path)
        assert message in str(failure.value)
        assert str(failure.value).endswith("Nothing was changed.")
        assert "\n" not in str(failure.value)
        assert failure.value.returncode == 1
    assert list(Facility.objects.order_by("pk").values()) == before
    assert "7 facilities are no longer listed" in run(tmp_path / "short.xlsx", "--allow-shrink")


def test_the_real_directory_is_imported_once_and_a_changed_one_after_it(real_data, now):
    """12,744 rows; then an edition with 40 facilities gone, 60 new phones and 3 new places."""
    edition = real_edition(real_data)

    def importing(this, days):
        return directory.import_edition(
            edition=this, by=events.SYSTEM, now=now + timedelta(days=days)
        )

    first = importing(edition, 0)
    assert (first.read, first.added, first.refused) == (12_744, 12_744, ())
    medical = Facility.objects.listed().offering("BDTX").offering_any(["HID", "RD"])
    assert medical.count() == 1_359
    assert importing(edition, 1).unchanged == 12_744
    listings = list(edition.listings)
    changed = [replace(one, phone="202-555-0100") for one in listings[100:160]]
    new = [replace(one, name=f"Kestrel House {one.line}") for one in listings[:3]]
    new = [replace(one, line=one.line + 20_000, phone="202-555-0101") for one in new]
    newer = replace(
        edition, file_digest="0" * 64, listings=(*listings[160:], *changed, *listings[40:100], *new)
    )
    report = importing(newer, 2)
    assert (report.added, report.updated, report.unlisted) == (3, 60, 40)
    assert report.unchanged == 12_744 - 40 - 60


# --- What staff do -------------------------------------------------------------------------------


@pytest.fixture
def facility(imported):
    imported(line())
    return only()


def test_a_suspended_facility_is_out_until_staff_relist_it(facility, agent, now):
    with pytest.raises(facilities.NotSuspended):
        facilities.relist(facility=facility, by=agent, now=now)
    with pytest.raises(facilities.UnknownChoice):
        facilities.suspend(facility=facility, reason="mood", by=agent, now=now)
    facilities.suspend(facility=facility, reason="wrong_number", by=agent, now=now)
    assert not Facility.objects.listed().exists()
    assert (only().suspended_at, only().suspension_reason) == (now, "wrong_number")
    with pytest.raises(facilities.NotListed):
        facilities.suspend(facility=facility, reason="moved", by=agent, now=now)
    facilities.relist(facility=facility, by=agent, now=now)
    assert (only().status, only().suspended_at, only().suspended_by) == ("listed", None, None)
    assert only().suspension_reason == ""
    verbs = Event.objects.filter(subject_id=str(facility.pk)).values_list("verb", flat=True)
    assert sorted(verbs) == ["facility.relisted", "facility.suspended"]


def test_lifting_a_suspension_does_not_list_what_the_directory_dropped(imported, agent, now):
    imported(line(), *lines(2))
    facility = named("Alderbrook Hospital")
    facilities.suspend(facility=facility, reason="closed", by=agent, now=now)
    imported(*lines(2))
    facility.refresh_from_db()
    assert (facility.status, facility.unlisted_at is not None) == ("suspended", True)
    facilities.relist(facility=facility, by=agent, now=now)
    assert named("Alderbrook Hospital").status == Facility.Status.UNLISTED


def test_the_database_refuses_a_status_without_its_date(facility):
    for wrong in ({"status": "suspended"}, {"status": "unlisted"}, {"suspension_reason": "moved"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Facility.objects.filter(pk=facility.pk).update(**wrong)


def test_a_financial_tie_is_set_once_and_written_down(facility, agent, now):
    stale = only()
    facilities.set_relationship(facility=facility, relationship="owned", by=agent, now=now)
    assert only().relationship == "owned"
    event = Event.objects.get(verb="facility.relationship_set")
    assert event.detail == {"from": "none", "to": "owned"}
    for again, relationship in ((facility, "owned"), (stale, "paid")):
        with pytest.raises(facilities.RelationshipUnchanged):
            facilities.set_relationship(
                facility=again, relationship=relationship, by=agent, now=now
            )
    with pytest.raises(facilities.UnknownChoice):
        facilities.set_relationship(facility=facility, relationship="", by=agent, now=now)


def test_verifying_keeps_an_earlier_answer_about_medical_cover(facility, agent, now):
    facilities.verify(facility=facility, by=agent, now=now, medical_cover=False)
    facilities.verify(facility=facility, by=agent, now=now + LATER)
    assert (only().verified_at, only().medical_cover) == (now + LATER, False)
    facilities.suspend(facility=facility, reason="closed", by=agent, now=now)
    with pytest.raises(facilities.NotListed):
        facilities.verify(facility=facility, by=agent, now=now)


def test_a_bed_count_holds_for_a_shift_and_then_counts_as_unknown(facility, agent, now):
    reading = facilities.record_capacity(
        facility=facility, level_of_care="4-WM", beds_free=0, source="phone", by=agent, now=now
    )
    assert reading.is_known(now + timedelta(hours=7, minutes=59))
    assert not reading.is_known(now + timedelta(hours=8))
    assert Event.objects.get(verb="facility.capacity_recorded").detail["beds"] == 0


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"beds_free": -1}, facilities.CapacityOutOfRange),
        ({"beds_free": 2001}, facilities.CapacityOutOfRange),
        ({"holds_for": timedelta(0)}, facilities.CapacityHoldsTooLong),
        ({"holds_for": timedelta(hours=73)}, facilities.CapacityHoldsTooLong),
        ({"level_of_care": "9-WM"}, facilities.UnknownChoice),
        ({"source": "Maria at the desk"}, facilities.UnknownChoice),
    ],
)
def test_an_impossible_bed_count_is_refused(facility, agent, now, wrong, refusal):
    right = {"level_of_care": "4-WM", "beds_free": 3, "source": "phone"}
    with pytest.raises(refusal):
        facilities.record_capacity(facility=facility, by=agent, now=now, **{**right, **wrong})
    assert not CapacityReading.objects.exists()
    facilities.record_capacity(facility=facility, by=agent, now=now, **right)
