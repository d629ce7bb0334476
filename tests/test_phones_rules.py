"""Which numbers may be dialed: every kind of number that must not be, each with its reason."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules import phones, zones
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
    assert dialable(TIME_SIGNAL, own=[AVA]).ok
    assert not dialable(TIME_SIGNAL, own=[TIME_SIGNAL]).ok
    assert not dialable(AVA, own=[AVA], allow_fictional=True).ok


def test_toll_free_is_dialed_only_where_that_is_allowed():
    assert dialable("+18005550123", allow_toll_free=True).ok
    assert not dialable(OUR_LINE, own=[OUR_LINE], allow_toll_free=True).ok


def test_invented_numbers_are_dialed_in_demonstrations_only():
    assert dialable(AVA, allow_fictional=True).ok
    refused = dialable(AVA)
    assert not refused.ok
    assert "invented" in refused.reason


def test_the_whole_invented_range_works_in_every_area_code():
    for area in AREA_CODE_ZONES:
        for line in ("0100", "0123", "0199"):
            assert dialable(f"+1{area}555{line}", allow_fictional=True).ok


# --- Every area code, against the library's own metadata -----------------------------------------

TERRITORIES = {"340", "670", "671", "684", "787", "939"}
AREA_CODES = [str(code) for code in range(200, 1000)]
SAMPLES = ("2345678", "3456789", "4567890", "7654321", "8322345")


def number_of(area, line):
    return f"+1{area}{line}"


def test_an_area_code_is_dialed_only_if_the_library_puts_it_in_the_united_states():
    """In all 800 of them: nothing is open that the metadata, or security's own list, calls else."""
    dialed = set()
    for area in AREA_CODES:
        for line in SAMPLES:
            number = number_of(area, line)
            if not dialable(number).ok:
                continue
            dialed.add(area)
            parsed = phonenumbers.parse(number)
            assert phonenumbers.is_valid_number(parsed), area
            assert phonenumbers.region_code_for_number(parsed) in phones.US_REGIONS, area
            assert phonenumbers.number_type(parsed) in (
                phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
                phonenumbers.PhoneNumberType.FIXED_LINE,
                phonenumbers.PhoneNumberType.MOBILE,
            ), area

    assert not dialed & phones.CARIBBEAN_AND_ATLANTIC
    assert not dialed & phones.NO_PLACE
    assert not dialed & phones.TOLL_FREE
    # None of the states' own is lost; in the territories few exchanges are in use.
    assert set(AREA_CODE_ZONES) - dialed <= TERRITORIES
    for region in ("PR", "GU", "MP", "AS", "VI"):
        assert dialable(example(region)).ok


@pytest.mark.parametrize("allow", [False, True])
def test_an_area_code_abroad_or_of_no_place_is_closed_to_every_number(allow):
    closed = sorted(
        phones.CARIBBEAN_AND_ATLANTIC | phones.NO_PLACE | {"900", "976", "211", "911", "988"}
    )
    for area in closed:
        for line in (*SAMPLES, "5550123"):
            if area != "988":  # 988 as an area code belongs to nobody; the short number is refused
                found = dialable(
                    number_of(area, line), allow_fictional=allow, allow_toll_free=allow
                )
                assert not found.ok, area


def test_every_kind_of_number_the_library_knows_but_ordinary_ones_is_refused():
    """Its example of each kind, in every region behind +1 and everywhere else."""
    kinds = phonenumbers.PhoneNumberType
    refused = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in kinds.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if region in phones.US_REGIONS and kind in (
                kinds.FIXED_LINE,
                kinds.MOBILE,
                kinds.FIXED_LINE_OR_MOBILE,
            ):
                continue
            assert not dialable(e164).ok, (region, kind)
            assert not dialable(e164, allow_fictional=True).ok, (region, kind)
            refused += 1

    assert refused > 1000


def test_no_country_but_the_united_states_is_dialed():
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        number = phonenumbers.example_number_for_non_geo_entity(code)
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert not dialable(e164, allow_fictional=True, allow_toll_free=True).ok, code
    behind_one = set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]) - phones.US_REGIONS
    assert behind_one >= {"CA", "BS", "BB", "JM", "DO", "TT", "BM"}
    for region in phonenumbers.SUPPORTED_REGIONS - phones.US_REGIONS:
        assert not dialable(example(region), allow_fictional=True).ok, region


def test_every_foreign_code_behind_one_is_on_our_own_list_too():
    """Neither list alone can open one: a region the library adds has to be added here."""
    abroad = set()
    for region in set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]) - phones.US_REGIONS - {"CA"}:
        leading = phonenumbers.PhoneMetadata.metadata_for_region(region).leading_digits or ""
        for area in AREA_CODES:
            if leading and re.match(leading, f"{area}5550123"):
                abroad.add(area)

    assert len(abroad) > 20
    assert abroad <= phones.CARIBBEAN_AND_ATLANTIC


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


@pytest.mark.parametrize(
    "number",
    [
        "+12025550123",
        "+19995550123",
        "+11234567890",
        "+1202555012",
        "+442079460958",
        "+12120000000",
    ],
)
def test_a_number_is_read_as_the_library_reads_it(number):
    assert zones.parsed(number) == phonenumbers.parse(number)
