"""The referral: the list with its reasons, several asked, one accepts, followed to arrival."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from intake.actions import consents, facilities, needs, offers, referrals, safety
from intake.models import Consent, Disclosure, Event, Facility, Referral, ReferralOffer
from intake.rules.matching import Need
from tests.casting import (
    consent,
    facility,
    insurance_check,
    maria,
    open_call,
    past_seizure,
    referral,
    screened_call,
)
from tests.racing import at_once
from tests.referring import ACCEPTED, SENT, asked, hospitals, offer_of, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def near(db, now):
    return hospitals(now)


# --- The need ------------------------------------------------------------------------------------


def test_the_need_comes_from_screen_substances_policy_and_call(agent, now):
    person = maria(age=41, state="DC")
    call = screened_call(agent=agent, now=now, person=person, topics=["mental_health"])
    insurance_check(agent=agent, now=now, call=call)
    call.language = "es"
    need = needs.for_call(call, now=now)
    assert need.detox == ("BDTX",)
    assert (need.settings, need.medical_cover) == (("HID", "RD"), True)
    assert (need.payers, need.languages, need.required) == (("PI",), ("SP",), ("CO",))
    assert (need.age, need.state) == (41, "DC")
    assert needs.from_stored(needs.as_stored(need, zip_code="20001")) == need


def test_a_skipped_screen_never_widens_the_search(agent, now):
    call = open_call(agent=agent, now=now)
    safety.skip(call=call, reason="Line was breaking up", by=agent, now=now)
    need = needs.for_call(call, now=now)
    assert (need.settings, need.medical_cover) == (("HID", "RD"), True)


# --- Searching -----------------------------------------------------------------------------------


def test_a_search_is_refused_before_the_screen_and_without_a_person(agent, now, near):
    call = open_call(agent=agent, now=now)
    args = {"need": Need(), "zip_code": "20001", "by": agent, "now": now}
    with pytest.raises(safety.ScreenMissing):
        referrals.search(call=call, **args)
    safety.evaluate(call=call, answers=past_seizure(), by=agent, now=now)
    made = referrals.search(call=call, **args)
    assert [row["name"] for row in made.list_shown] == [f.name for f in near]
    assert made.list_explained["explanation"].startswith("3 facilities fit within 50 miles")
    nobody = open_call(agent=agent, now=now)
    nobody.person_in_need = None
    nobody.save()
    safety.evaluate(call=nobody, answers=past_seizure(), by=agent, now=now)
    with pytest.raises(referrals.NobodyToRefer):
        referrals.search(call=nobody, **args)


def test_a_second_search_replaces_the_list_but_keeps_who_was_asked(agent, now, near):
    made = referral(agent=agent, now=now)
    offers.offer(referral=made, facilities=near[:1], by=agent, now=now)
    args = {"call": made.call, "zip_code": "21201", "by": agent, "now": now}
    again = referrals.search(need=Need(payers=("MC",)), **args)
    assert again.pk == made.pk
    assert [row["name"] for row in again.list_shown] == ["Alder House"]
    assert again.need["payers"] == ["MC"]
    assert again.list_explained["not_matched"] == {"does not take Medicare": 3}
    assert again.list_explained["near_misses"][0]["name"] == "Cedar Center"


def test_money_and_ties_never_move_a_facility(agent, now, near):
    before = [row["name"] for row in referral(agent=agent, now=now).list_shown]
    facilities.set_relationship(facility=near[2], relationship="paid", by=agent, now=now)
    facilities.set_relationship(facility=near[0], relationship="owned", by=agent, now=now)
    assert [row["name"] for row in referral(agent=agent, now=now).list_shown] == before


# --- Asking --------------------------------------------------------------------------------------


def test_several_are_asked_at_once_each_a_disclosure_under_consent(agent, now, near):
    made = asked(agent, now, near)
    assert states(made) == dict.fromkeys([f.name for f in near], SENT)
    assert made.consent is not None
    told = Disclosure.objects.filter(purpose="referral")
    assert {line.recipient for line in told} == {str(f) for f in near}
    assert all("name" not in line.fields_told for line in told)
    assert Event.objects.filter(verb="offer.sent").count() == 3


def test_nobody_is_asked_without_a_live_consent(agent, now, near):
    made = referral(agent=agent, now=now)
    given = Consent.objects.get()
    consents.revoke(consent=given, by=agent, now=now)
    args = {"referral": made, "facilities": near, "by": agent, "now": now}
    with pytest.raises(consents.ConsentMissing):
        offers.offer(**args)
    assert not made.offers.exists()
    assert not Disclosure.objects.exists()
    consent(made.call, Consent.Scope.FACILITIES, agent=agent, now=now)
    assert len(offers.offer(**args)) == 3


def test_only_facilities_of_the_list_are_asked_and_each_once(agent, now, near):
    made = referral(agent=agent, now=now)
    args = {"referral": made, "by": agent, "now": now}
    far = facility("Far House", now=now, zip_code="90012")
    with pytest.raises(offers.NoFacilityChosen):
        offers.offer(**args, facilities=[])
    with pytest.raises(offers.NotOnTheList):
        offers.offer(**args, facilities=[near[0], far])
    offers.offer(**args, facilities=[near[0], near[0]])
    with pytest.raises(offers.AlreadyOffered):
        offers.offer(**args, facilities=near)
    assert made.offers.count() == 1


def test_a_facility_suspended_after_the_list_was_shown_is_not_asked(agent, now, near):
    made = referral(agent=agent, now=now)
    stale = Facility.objects.get(pk=near[0].pk)
    facilities.suspend(facility=near[0], reason="closed", by=agent, now=now)
    with pytest.raises(offers.FacilityNotListed):
        offers.offer(referral=made, facilities=[stale], by=agent, now=now)


def test_a_tie_recorded_after_the_list_was_shown_is_read_out_first(agent, now, near):
    made = referral(agent=agent, now=now)
    stale = Facility.objects.get(pk=near[0].pk)
    facilities.set_relationship(facility=near[0], relationship="paid", by=agent, now=now)
    with pytest.raises(offers.TiesNotRead):
        offers.offer(referral=made, facilities=[stale], by=agent, now=now)
    offers.offer(referral=made, facilities=[stale], ties_read=True, by=agent, now=now)
    assert (made.ties_read_by, made.ties_read_at) == (agent, now)
    assert Event.objects.filter(verb="referral.ties_read").count() == 1


def test_without_a_tie_nothing_is_recorded_as_read_out(agent, now, near):
    made = asked(agent, now, near, ties_read=True)
    assert made.ties_read_at is None


# --- Answers -------------------------------------------------------------------------------------


def test_the_first_acceptance_wins_and_withdraws_the_others(agent, now, near):
    made = asked(agent, now, near)
    offers.acknowledge(offer=offer_of(made, near[1]), by=agent, now=now)
    offers.decline(offer=offer_of(made, near[2]), reason="no_bed", by=agent, now=now)
    stale = offer_of(made, near[1])
    offers.accept(offer=offer_of(made, near[0]), contact="Charge nurse", by=agent, now=now)
    assert states(made) == {
        "Alder House": "accepted",
        "Birch Hospital": "withdrawn",
        "Cedar Center": "declined",
    }
    made.refresh_from_db()
    assert made.status == Referral.Status.PLACED
    with pytest.raises(offers.AlreadyPlaced):
        offers.accept(offer=stale, by=agent, now=now)
    with pytest.raises(offers.OfferDecided):
        offers.decline(offer=stale, reason="no_bed", by=agent, now=now)
    with pytest.raises(offers.ReferralClosed):
        offers.offer(referral=made, facilities=near[2:], by=agent, now=now)
    assert Event.objects.filter(verb="offer.withdrawn").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_acceptances_at_once_have_one_winner(agent, other_agent, now, near):
    made = asked(agent, now, near)

    def accept(site, user):
        offers.accept(offer=offer_of(made, site), by=user, now=now)

    ended = at_once(
        lambda: accept(near[0], agent),
        lambda: accept(near[1], other_agent),
        lambda: accept(near[2], agent),
    )
    assert sorted(ended) == ["AlreadyPlaced", "AlreadyPlaced", "done"]
    assert sorted(states(made).values()) == ["accepted", "withdrawn", "withdrawn"]
    assert Event.objects.filter(verb="offer.accepted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_acceptance_and_a_refusal_at_once_both_stand(agent, other_agent, now, near):
    made = asked(agent, now, near)

    def accept():
        offers.accept(offer=offer_of(made, near[0]), by=agent, now=now)

    def decline():
        offers.decline(offer=offer_of(made, near[1]), reason="no_bed", by=other_agent, now=now)

    ended = at_once(accept, decline)
    assert "done" in ended
    assert states(made)["Alder House"] == "accepted"
    assert states(made)["Birch Hospital"] == ("declined" if ended == ["done"] * 2 else "withdrawn")


@pytest.mark.django_db(transaction=True)
def test_asking_and_revoking_at_once_never_tells_after_the_revocation(agent, now, near):
    made = referral(agent=agent, now=now)
    given = Consent.objects.get()

    def ask():
        fresh = Referral.objects.get(pk=made.pk)
        offers.offer(referral=fresh, facilities=near, by=agent, now=now)

    def revoke():
        consents.revoke(consent=Consent.objects.get(pk=given.pk), by=agent, now=now)

    ended = at_once(ask, revoke)
    assert sorted(ended) in (["done", "done"], ["ConsentMissing", "done"])
    assert made.offers.count() == (3 if ended.count("done") == 2 else 0)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_the_same_facility_at_once_ask_it_once(agent, other_agent, now, near):
    made = referral(agent=agent, now=now)

    def ask(user):
        fresh = Referral.objects.get(pk=made.pk)
        offers.offer(referral=fresh, facilities=near[:1], by=user, now=now)

    assert sorted(at_once(lambda: ask(agent), lambda: ask(other_agent))) == [
        "AlreadyOffered",
        "done",
    ]
    assert made.offers.count() == 1


def test_arrived_is_more_than_accepted_and_ends_the_referral(agent, now, near):
    made = asked(agent, now, near)
    first = offer_of(made, near[0])
    with pytest.raises(offers.NotAccepted):
        offers.mark_arrived(offer=first, by=agent, now=now)
    offers.accept(offer=first, by=agent, now=now)
    offers.mark_arrived(offer=first, by=agent, now=now)
    made.refresh_from_db()
    assert (made.status, made.closed_at) == (Referral.Status.ARRIVED, now)
    with pytest.raises(offers.StillEarly):
        offers.mark_stayed(offer=first, by=agent, now=now + timedelta(hours=23))
    offers.mark_stayed(offer=first, by=agent, now=now + timedelta(hours=24))
    assert first.status == ReferralOffer.Status.STAYED
    with pytest.raises(offers.NotAccepted):
        offers.mark_no_show(offer=first, by=agent, now=now)


def test_after_a_no_show_the_referral_looks_again_and_may_ask_anyone_anew(agent, now, near):
    made = asked(agent, now, near)
    first = offer_of(made, near[0])
    offers.accept(offer=first, by=agent, now=now)
    offers.mark_no_show(offer=first, by=agent, now=now)
    made.refresh_from_db()
    assert made.status == Referral.Status.OPEN
    offers.offer(referral=made, facilities=near, by=agent, now=now)
    again = made.offers.get(facility=near[1], status=SENT)
    offers.accept(offer=again, by=agent, now=now)
    assert made.offers.filter(status=ACCEPTED).count() == 1


def test_closing_says_why_withdraws_and_lets_a_new_search_begin(agent, now, near):
    made = asked(agent, now, near)
    with pytest.raises(referrals.ReferralAlreadyOpen):
        referrals.start(call=made.call, need={}, list_shown=[], by=agent, now=now)
    referrals.close(referral=made, note="No bed anywhere", by=agent, now=now)
    assert set(states(made).values()) == {"withdrawn"}
    with pytest.raises(referrals.ReferralClosed):
        referrals.close(referral=made, note="Again", by=agent, now=now)
    again = referrals.search(call=made.call, need=Need(), zip_code="20001", by=agent, now=now)
    assert again.pk != made.pk


def test_the_database_refuses_a_second_acceptance_and_a_reason_without_a_refusal(agent, now, near):
    made = asked(agent, now, near)
    offers.accept(offer=offer_of(made, near[0]), by=agent, now=now)
    rows = made.offers.filter(facility=near[1])
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(status="accepted")
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(decline_reason="no_bed")
