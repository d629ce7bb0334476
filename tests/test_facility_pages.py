"""The directory at the desk: what is listed, free beds as told, suspension and ties."""

import pytest
from django.urls import reverse

from intake.actions import facilities
from intake.models import CapacityReading, Event, Facility, ServiceCode
from tests.casting import facility
from tests.sheets import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder(db, now):
    return facility("Alder House", now=now, intake_phones=["202-555-0111", "202-555-0112 x3"])


def page(site, name="change"):
    return reverse(f"admin:intake_facility_{name}", args=[site.pk])


BEDS = {"level_of_care": "3.7-WM", "beds_free": "2", "source": "phone", "holds_for": "8"}


def test_the_record_shows_what_is_listed_in_the_directorys_words(agent, client_for, alder):
    ServiceCode.objects.create(
        code="BDTX", name="Benzodiazepines", category_code="DETOX", category_name="Detox services"
    )
    shown = text_of(client_for(agent).get(page(alder)))
    assert "Detox services" in shown
    assert "Benzodiazepines" in shown
    assert "Not explained by the directory" in shown  # HID and the others have no entry here
    assert "tel:+12025550111" in shown
    assert "202-555-0112 x3" in shown  # an extension cannot be dialed by a link
    assert "Nobody has asked" in shown
    assert Event.objects.filter(verb="record.read", subject_id=str(alder.pk)).exists()


def test_an_agent_records_beds_and_what_the_phone_told(agent, client_for, frozen, alder, now):
    client = client_for(agent)
    assert client.post(page(alder, "capacity"), BEDS).url == page(alder)
    reading = CapacityReading.objects.get()
    assert (reading.beds_free, reading.read_by) == (2, agent)
    client.post(page(alder, "verify"), {"medical_cover": "yes"})
    alder.refresh_from_db()
    assert (alder.medical_cover, alder.verified_at) == (True, now)
    client.post(page(alder, "verify"), {"medical_cover": ""})
    alder.refresh_from_db()
    assert alder.medical_cover is True  # not asked this time: the answer stands
    frozen.shift(9 * 3600)
    assert "was 2, now unknown" in text_of(client_for(agent).get(page(alder)))


def test_only_a_supervisor_suspends_relists_and_sets_ties(agent, supervisor, client_for, alder):
    for name in ("suspend", "relist", "tie"):
        assert client_for(agent).get(page(alder, name)).status_code == 403
    assert page(alder, "suspend") not in text_of(client_for(agent).get(page(alder)))
    client = client_for(supervisor)
    assert page(alder, "suspend") in text_of(client.get(page(alder)))
    client.post(page(alder, "suspend"), {"reason": "closed"})
    alder.refresh_from_db()
    assert alder.status == Facility.Status.SUSPENDED
    assert "Suspended: Closed" in text_of(client.get(page(alder)))
    again = client.post(page(alder, "suspend"), {"reason": "closed"})
    assert again.status_code == 422
    assert facilities.NotListed.default_message in text_of(again)
    client.post(page(alder, "relist"))
    client.post(page(alder, "tie"), {"relationship": "paid"})
    alder.refresh_from_db()
    assert (alder.status, alder.relationship) == ("listed", "paid")
    assert "Financial tie: Pays us" in text_of(client.get(page(alder)))
    assert client.post(page(alder, "tie"), {"relationship": "paid"}).status_code == 422


def test_facilities_are_found_by_name_city_zip_and_phone(agent, client_for, alder, now):
    facility("Pacific House", now=now, zip_code="90012", phone="213-555-0140")
    client = client_for(agent)
    search = reverse("admin:intake_facility_search")
    for text in ("alder", "washington", "20001", "(202) 555-0110"):
        found = text_of(client.get(client.post(search, {"q": text}).url))
        assert "Alder House" in found, text
        assert "Pacific House" not in found, text
    for text in ("Alder\x00House", "\u202ealder\x07", "%", "x" * 10_000):
        assert client.get(client.post(search, {"q": text}).url).status_code == 200, text


def test_the_list_is_filtered_by_state_and_status_and_by_nothing_else(agent, client_for, alder):
    client = client_for(agent)
    listing = reverse("admin:intake_facility_changelist")
    assert "Alder House" in text_of(client.get(f"{listing}?state=DC&status__exact=listed"))
    assert "Alder House" not in text_of(client.get(f"{listing}?state=CA"))
    refused = client.get(f"{listing}?suspended_by__password__startswith=m")
    assert refused.status_code in (302, 400)


@pytest.mark.parametrize(
    "change",
    [
        {"beds_free": "-1"},
        {"beds_free": "2001"},
        {"beds_free": "9" * 100_000},
        {"beds_free": "\x00"},
        {"beds_free": "1.5"},
        {"level_of_care": "5"},
        {"source": "rumor"},
        {"holds_for": "1000"},
        {"holds_for": "\x00"},
    ],
)
def test_impossible_bed_counts_are_refused_on_the_page(change, agent, client_for, alder):
    answer = client_for(agent).post(page(alder, "capacity"), BEDS | change)
    assert answer.status_code == 422
    assert not CapacityReading.objects.exists()


def test_an_administrator_reads_the_directory_and_changes_nothing(administrator, client_for, alder):
    client = client_for(administrator)
    assert client.get(page(alder)).status_code == 200
    for name in ("capacity", "verify", "suspend", "relist", "tie"):
        assert client.post(page(alder, name)).status_code == 403


@pytest.mark.parametrize("model", ["servicecode", "directoryedition", "capacityreading"])
def test_the_lists_around_the_directory_open(model, agent, client_for, alder, now):
    facilities.record_capacity(
        facility=alder, level_of_care="3.7-WM", beds_free=1, source="phone", by=agent, now=now
    )
    assert client_for(agent).get(reverse(f"admin:intake_{model}_changelist")).status_code == 200
