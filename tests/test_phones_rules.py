"""Which numbers may be dialed: every kind of number that must not be, each with its reason."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules import phones
from intake.rules.phones import (
    NotANumber,
    candidate_zones,
    dialable,
    mask,
    national,
    normalise,
    parse,
)
from intake.rules.zones import AREA_CODE_ZONES

pytestmark = pytest.mark.once

AVA = "+12025550123"
OUR_LINE = "+18005550100"
# The public time announcement of NIST: a number in use that is nobody's.
TIME_SIGNAL = "+13034997111"


def example(region):
    """The numbering library's own example for a region."""
    number = phonenumbers.example_number(region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


TYPED = [
    ("ten digits", "2025550123"),
    ("dashes", "202-555-0123"),
    ("as printed", "(202) 555-0123"),
    ("with country code", "+1 202 555 0123"),
    ("dots", "202.555.0123"),
    ("spaces around", "  2025550123 "),
    ("copied with invisible marks", "\u202a+12025550123\u202c"),
    ("Arabic digits", "٢٠٢٥٥٥٠١٢٣"),
    ("full-width digits", "".join(chr(0xFF10 + int(digit)) for digit in "2025550123")),
]


@pytest.mark.parametrize("raw", [pytest.param(case[1], id=case[0]) for case in TYPED])
def test_a_number_is_kept_in_one_form_however_it_was_typed(raw):
    assert parse(raw) == AVA
    assert normalise(raw) == AVA


NOT_NUMBERS = [
    ("empty", "", "area code"),
    ("words", "call me", "area code"),
    ("seven digits", "555-0123", "area code"),
    ("too many digits", "+1 202 555 0123 4567", "digits"),
    ("extension", "202-555-0123 ext. 5", "extension"),
    ("extension after x", "2025550123x5", "extension"),
    ("extension in a link", "2025550123;ext=5", "extension"),
    ("911", "911", "Emergency"),
    ("911 in brackets", "(911)", "Emergency"),
    ("988", "988", "Emergency"),
    ("411", "4-1-1", "Emergency"),
    ("NUL", "\x00", "area code"),
    ("lone surrogate", "\ud800", "area code"),
    ("a novel", "2" * 10_000_000, "area code"),
]


@pytest.mark.parametrize(
    ("raw", "reason"), [pytest.param(*case[1:], id=case[0]) for case in NOT_NUMBERS]
)
def test_what_is_no_number_is_refused_with_a_reason_that_does_not_repeat_it(raw, reason):
    with pytest.raises(NotANumber, match=reason) as refused:
        parse(raw)
    assert "5550123" not in str(refused.value)
    assert normalise(raw) == ""


REFUSED = [
    ("premium 900", "+19005550123", "Premium"),
    ("premium exchange 976", "+12029760123", "Premium"),
    ("area code 976", "+19765550123", "Premium"),
    ("N11 as area code", "+19115550123", "Emergency"),
    ("N11 as exchange", "+12029110123", "Emergency"),
    ("area code beginning with 1", "+11235550123", "North American"),
    ("area code beginning with 0", "+10235550123", "North American"),
    ("exchange beginning with 1", "+12021550123", "North American"),
    ("reserved area code", "+12985550123", "North American"),
    ("nine digits", "+1202555012", "digits"),
    ("eleven digits", "+120255501234", "digits"),
    ("personal number 500", "+15005550123", "no place"),
    ("carrier 700", "+17005550123", "no place"),
    ("Canada", example("CA"), "United States"),
    ("Great Britain", example("GB"), "United States"),
    ("Mexico", example("MX"), "United States"),
    ("directory assistance", "+12025551212", "555"),
    ("beside the fictional range", "+12025550200", "555"),
    ("fictional in Canada", "+14165550123", "United States"),
    ("fictional in an area code nobody has", "+19995550123", "North American"),
    ("no plus sign", "12025550123", "complete"),
    ("empty", "", "complete"),
    ("letters", "+1202555CALL", "complete"),
    ("an exchange not in use in the Virgin Islands", "+13402345678", "in use"),
    *((f"satellite {code}", f"+{code}655501230", "Satellite") for code in ("870", "881", "882", "883")),
    *((f"toll-free {code}", f"+1{code}5550123", "Toll-free") for code in ("800", "833", "844", "855", "866", "877", "888")),
    *((f"abroad behind +1: {code}", f"+1{code}5550123", "outside") for code in (
        "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758",
        "767", "784", "809", "829", "849", "868", "869", "876",
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "reason"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_a_number_that_must_not_be_dialed_is_refused(number, reason):
    decision = dialable(number, allow_fictional=True)

    assert not decision.ok
    assert reason in decision.reason
    assert not number or number not in decision.reason


@pytest.mark.parametrize(
    "number", [TIME_SIGNAL, *(example(region) for region in ("PR", "GU", "MP", "AS", "VI"))]
)
def test_numbers_of_the_states_and_territories_are_dialed(number):
    assert dialable(number).ok


def test_our_own_lines_are_not_dialed():
    assert dialable(TIME_SIGNAL, [AVA]).ok
    assert not dialable(TIME_SIGNAL, [TIME_SIGNAL]).ok
    assert not dialable(AVA, [AVA], allow_fictional=True).ok


def test_toll_free_is_dialed_only_where_that_is_allowed():
    assert dialable("+18005550123", allow_toll_free=True).ok
    assert not dialable(OUR_LINE, [OUR_LINE], allow_toll_free=True).ok


def test_invented_numbers_are_dialed_in_demonstrations_only():
    assert dialable(AVA, allow_fictional=True).ok
    refused = dialable(AVA)
    assert not refused.ok
    assert "invented" in refused.reason


def test_the_whole_invented_range_works_in_every_area_code():
    for area in AREA_CODE_ZONES:
        for line in ("0100", "0123", "0199"):
            assert dialable(f"+1{area}555{line}", allow_fictional=True).ok


def test_the_library_knows_no_us_area_code_that_our_lists_refuse():
    refused = phones.CARIBBEAN_AND_ATLANTIC | phones.TOLL_FREE | phones.NO_PLACE

    assert not refused & set(AREA_CODE_ZONES)


@given(st.integers(0, 9_999_999_999).map(lambda n: f"+1{n:010}"))
def test_nothing_is_dialed_that_the_library_places_outside_the_united_states(number):
    if dialable(number).ok:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.region_code_for_number(parsed) in phones.US_REGIONS


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_refused(raw):
    found = normalise(raw)

    assert found == "" or found.startswith("+")
    assert dialable(raw).reason


def test_a_staff_list_shows_the_last_two_digits_only():
    assert mask(AVA) == "•••-•••-••23"
    assert mask("") == "•••"
    assert mask("+123") == "•••"


def test_a_number_is_read_out_in_its_national_form():
    assert national(AVA) == "(202) 555-0123"
    assert national("+442079460958") == "+44 20 7946 0958"
    assert national("nothing") == "nothing"


def test_the_zones_of_a_number_are_candidates():
    assert candidate_zones("+16895550123") == ("America/Chicago", "America/New_York")
    assert candidate_zones(OUR_LINE) == ()
    assert candidate_zones("nothing") == ()
