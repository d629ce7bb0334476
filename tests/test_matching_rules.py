"""Which facilities answer a need, why and why not, in which order."""

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules.matching import (
    FacilityFacts,
    Need,
    age_group,
    detox_codes,
    haversine_miles,
    label_of,
    match,
    need_for,
    search,
)
from intake.rules.safety import QUESTIONS, Answer, Answers, Exposure, assess

pytestmark = pytest.mark.once

ATLANTA = {"latitude": 33.749, "longitude": -84.388}
# About 25, 76 and 401 miles from Atlanta, and across the continent.
NEAR = {"latitude": 34.1, "longitude": -84.5}
MACON = {"latitude": 32.8407, "longitude": -83.6324}
ORLANDO = {"latitude": 28.5384, "longitude": -81.3789}
SEATTLE = {"latitude": 47.6062, "longitude": -122.3321}

ADULT_NEED = {"age": 40, "state": "GA", **ATLANTA}
ALL_AGES = "CHLD YAD ADLT SNR"


def facility(name="Pine House", codes=f"BDTX HID {ALL_AGES} PI", *, key=None, **more):
    place = {"state": "GA", **NEAR, **more}
    return FacilityFacts(key=key or name, name=name, codes=frozenset(codes.split()), **place)


def need(**changed):
    return Need(**{**ADULT_NEED, **changed})


# --- One facility against one need ----------------------------------------------------------------

HOSPITAL = f"BDTX HID {ALL_AGES}"
CASES = [
    ("hospital detox", HOSPITAL, {}, True),
    ("residential detox", f"BDTX RD {ALL_AGES}", {}, True),
    ("benzodiazepine detox without a bed", f"BDTX OD {ALL_AGES}", {}, False),
    ("bed without benzodiazepine detox", f"DT HID {ALL_AGES}", {}, False),
    ("outpatient where that is open", f"BDTX OD {ALL_AGES}", {"settings": ("HID", "RD", "OD")}, True),
    ("two detoxes, both there", f"{HOSPITAL} ADTX", {"detox": ("BDTX", "ADTX")}, True),
    ("two detoxes, one missing", HOSPITAL, {"detox": ("BDTX", "ADTX")}, False),
    ("insurance taken", f"{HOSPITAL} PI", {"payers": ("PI",)}, True),
    ("insurance not taken", f"{HOSPITAL} SF", {"payers": ("PI",)}, False),
    ("one of two ways to pay", f"{HOSPITAL} SF", {"payers": ("MD", "SF")}, True),
    ("free of charge", f"{HOSPITAL} NP", {"payers": ("MD",)}, True),
    ("Medicare", f"{HOSPITAL} MC", {"payers": ("MC",)}, True),
    ("TRICARE", f"{HOSPITAL} MI", {"payers": ("MI",)}, True),
    ("pregnancy program", f"{HOSPITAL} PW", {"required": ("PW",)}, True),
    ("no pregnancy program", HOSPITAL, {"required": ("PW",)}, False),
    ("dual diagnosis", f"{HOSPITAL} CO", {"required": ("CO",)}, True),
    ("no dual diagnosis", HOSPITAL, {"required": ("CO",)}, False),
    ("veterans", f"{HOSPITAL} VET", {"required": ("VET",)}, True),
    ("Spanish", f"{HOSPITAL} SP", {"languages": ("SP",)}, True),
    ("no Spanish", HOSPITAL, {"languages": ("SP",)}, False),
    ("sign language", f"{HOSPITAL} AH", {"languages": ("AH",)}, True),
    ("aged 17, minors taken", "BDTX HID CHLD", {"age": 17}, True),
    ("aged 17, adults only", "BDTX HID YAD ADLT", {"age": 17}, False),
    ("aged 17, ages not given", "BDTX HID", {"age": 17}, False),
    ("aged 18", "BDTX HID YAD", {"age": 18}, True),
    ("aged 18, adults from 26", "BDTX HID ADLT", {"age": 18}, False),
    ("aged 25", "BDTX HID YAD", {"age": 25}, True),
    ("aged 26", "BDTX HID ADLT", {"age": 26}, True),
    ("aged 64", "BDTX HID ADLT", {"age": 64}, True),
    ("aged 65, seniors taken", "BDTX HID SNR", {"age": 65}, True),
    ("aged 65, adults taken", "BDTX HID ADLT", {"age": 65}, True),
    ("aged 65, young adults only", "BDTX HID YAD", {"age": 65}, False),
    ("aged 40, ages not given", "BDTX HID", {"age": 40}, True),
    ("men only, a woman", f"{HOSPITAL} MALE", {"gender": "FEM"}, False),
    ("women taken", f"{HOSPITAL} FEM", {"gender": "FEM"}, True),
    ("gender not given", HOSPITAL, {"gender": "FEM"}, True),
    ("drunk-driving clients only", f"{HOSPITAL} DUO", {}, False),
    ("opioid clients only", f"{HOSPITAL} OUDO", {}, False),
    ("alcohol clients only, alcohol", f"ADTX HID AUDO {ALL_AGES}", {"detox": ("ADTX",)}, True),
    ("alcohol clients only, both", f"ADTX BDTX HID AUDO {ALL_AGES}", {"detox": ("BDTX", "ADTX")}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "changed", "ok"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_the_codes_decide(codes, changed, ok):
    found = match(facility(codes=codes), need(**changed))

    assert found.ok is ok
    assert bool(found.reasons_against) is not ok


def test_the_reasons_are_words():
    found = match(facility(codes=f"BDTX HID {ALL_AGES} SF"), need(payers=("PI",), required=("CO",)))

    assert found.reasons_for == (
        "gives benzodiazepine detox",
        "has hospital inpatient detox",
        "takes adults (26-64)",
    )
    assert found.reasons_against == (
        "lists no program for mental illness beside substance use",
        "does not take private insurance",
    )


RESIDENTIAL = f"BDTX RD {ALL_AGES}"


@pytest.mark.parametrize(
    ("codes", "medical_cover", "ok", "asks"),
    [
        (RESIDENTIAL, None, True, True),
        (RESIDENTIAL, True, True, False),
        (RESIDENTIAL, False, False, False),
        (f"{RESIDENTIAL} HID", None, True, False),
    ],
)
def test_residential_detox_is_no_proof_of_medical_cover(codes, medical_cover, ok, asks):
    found = match(facility(codes=codes, medical_cover=medical_cover), need())

    assert found.ok is ok
    assert ("medical cover day and night" in found.to_confirm) is asks


def test_what_the_directory_cannot_prove_is_to_be_confirmed():
    codes = "BDTX HID ADLT MD"

    assert match(facility(codes=codes), need(age=70)).to_confirm == (
        "takes a person aged 65 or older",
    )
    assert match(facility(codes=codes), need(age=None)).to_confirm == (
        "age of the person, which is not recorded",
    )
    elsewhere = match(facility(codes=codes, state="AL"), need(payers=("MD",)))
    assert elsewhere.to_confirm == ("payment by another state's plan",)
    assert match(facility(codes=codes), need(payers=("MD",))).to_confirm == ()


# --- From the screen to the need ------------------------------------------------------------------


def screened(exposures, **changed):
    answers = {question.code: Answer.NO for question in QUESTIONS}
    return assess(Answers(**{**answers, "age": 40, **changed}), exposures)


STOPPED = Exposure("clonazepam", stopped_abruptly=Answer.YES)


def test_an_inpatient_only_screen_searches_beds_under_medical_cover():
    wanted = need_for(screened([STOPPED], withdrawal_seizure=Answer.YES), [STOPPED], age=40)

    assert wanted.detox == ("BDTX",)
    assert wanted.settings == ("HID", "RD")
    assert wanted.medical_cover
    assert not match(facility(codes=f"BDTX OD {ALL_AGES}"), wanted).ok


def test_a_screen_without_a_bound_admits_outpatient_detox():
    assert need_for(screened([STOPPED]), [STOPPED]).settings == ("HID", "RD", "OD")


def test_pregnancy_dual_diagnosis_and_veterans_become_requirements():
    wanted = need_for(
        screened([STOPPED], pregnant=Answer.YES),
        [STOPPED],
        dual_diagnosis=True,
        veteran_program=True,
    )

    assert wanted.required == ("PW", "CO", "VET")


def test_a_minor_is_searched_for_by_age_even_when_the_age_was_not_passed_on():
    assert need_for(screened([STOPPED], age=16), [STOPPED]).age == 17
    assert need_for(screened([STOPPED], age=16), [STOPPED], age=16).age == 16


def test_illness_asks_for_hospitals_first():
    assert need_for(screened([STOPPED], liver_disease=Answer.YES), [STOPPED]).hospital_first


@pytest.mark.parametrize(
    ("substances", "expected"),
    [
        (["clonazepam"], ("BDTX",)),
        (["clonazepam", "heroin", "alcohol"], ("BDTX", "ADTX", "ODTX")),
        (["unknown_pills"], ("BDTX",)),
        (["cocaine", "methamphetamine"], ("CDTX", "MDTX")),
        (["zolpidem"], ("BDTX",)),
        (["ghb"], ("DT",)),
        (["ghb", "clonazepam"], ("BDTX",)),
        ([], ()),
    ],
)
def test_the_substances_say_which_detox(substances, expected):
    assert detox_codes([Exposure(code) for code in substances]) == expected


def test_a_glass_at_the_weekend_asks_for_no_alcohol_detox():
    assert detox_codes([STOPPED, Exposure("alcohol", days_per_week=2)]) == ("BDTX",)


def test_with_nothing_recorded_the_search_is_for_benzodiazepines():
    assert need_for(screened([])).detox == ("BDTX",)


# --- Order and widening ---------------------------------------------------------------------------


def names(found):
    return [each.facility.name for each in found.matches]


def test_the_order_is_by_distance_then_name():
    found = search(
        [
            facility("Seattle", **SEATTLE),
            facility("beta", **NEAR),
            facility("Alpha", **NEAR),
            facility("Macon", **MACON),
        ],
        need(),
        radius_miles=None,
    )

    assert names(found) == ["Alpha", "beta", "Macon", "Seattle"]
    assert (
        found.explanation == "4 facilities fit in the whole country, nearest first, then by name."
    )


PAYMENT_AND_OWNERSHIP = ["PI", "SF", "MD", "MC", "SS", "PA", "NP", "PVTP", "PVTN", "CARF", "JC"]


@given(st.lists(st.sets(st.sampled_from(PAYMENT_AND_OWNERSHIP)), min_size=3, max_size=3))
def test_money_and_ownership_never_change_the_order(extras):
    places = [("A", NEAR), ("B", MACON), ("C", ORLANDO)]
    listed = [
        facility(name, " ".join([HOSPITAL, *extra]), **place)
        for (name, place), extra in zip(places, extras, strict=True)
    ]

    assert names(search(reversed(listed), need(), radius_miles=None)) == ["A", "B", "C"]


def test_an_illness_puts_hospitals_first_and_says_so():
    listed = [
        facility("Near house", RESIDENTIAL, **NEAR),
        facility("Far hospital", HOSPITAL, **MACON),
    ]

    assert names(search(listed, need())) == ["Near house", "Far hospital"]
    found = search(listed, need(hospital_first=True))
    assert names(found) == ["Far hospital", "Near house"]
    assert "hospitals first because of an illness" in found.explanation


def test_only_what_lies_within_the_radius_is_listed():
    found = search(
        [facility("Near", **NEAR), facility("Orlando", **ORLANDO)], need(), radius_miles=50
    )

    assert names(found) == ["Near"]
    assert not found.widened
    assert found.explanation == "1 facility fits within 50 miles, nearest first, then by name."


def test_with_nothing_near_the_circle_is_widened_and_that_is_said():
    found = search(
        [facility("Orlando", **ORLANDO), facility("Seattle", **SEATTLE)], need(), radius_miles=50
    )

    assert names(found) == ["Orlando"]
    assert found.widened
    assert found.radius_miles == 500
    assert found.explanation.startswith("Too few within 50 miles, so the search was widened")


def test_the_last_step_is_the_whole_country():
    found = search([facility("Seattle", **SEATTLE)], need(), radius_miles=50)

    assert names(found) == ["Seattle"]
    assert found.radius_miles is None


def test_the_circle_grows_until_enough_are_found():
    listed = [facility("Near", **NEAR), facility("Macon", **MACON), facility("Orlando", **ORLANDO)]

    assert names(search(listed, need(), radius_miles=50, at_least=3)) == [
        "Near",
        "Macon",
        "Orlando",
    ]


def test_nothing_anywhere_is_an_empty_list_with_its_reasons():
    found = search([facility("House", "OP")], need())

    assert found.matches == ()
    assert found.refused[0].reasons_against
    assert "0 facilities fit in the whole country" in found.explanation


def test_a_facility_without_coordinates_comes_last_and_only_country_wide():
    lost = facility("A lost one", latitude=None, longitude=None)

    assert names(search([lost, facility("Near")], need())) == ["Near"]
    assert names(search([lost, facility("Near")], need(), radius_miles=None)) == [
        "Near",
        "A lost one",
    ]


def test_without_a_starting_point_the_list_is_by_name_and_says_so():
    found = search([facility("B", **NEAR), facility("A", **SEATTLE)], need(latitude=None))

    assert names(found) == ["A", "B"]
    assert "no place to measure from" in found.explanation
    assert not found.widened


# --- Distance and codes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "miles"),
    [
        (ATLANTA, ATLANTA, 0),
        (ATLANTA, MACON, 76),
        (ATLANTA, ORLANDO, 401),
        (ATLANTA, SEATTLE, 2180),
        ({"latitude": 0, "longitude": 0}, {"latitude": 0, "longitude": 180}, 12437),
        ({"latitude": 0, "longitude": 179.5}, {"latitude": 0, "longitude": -179.5}, 69),
    ],
)
def test_distances_are_great_circles_in_miles(start, end, miles):
    found = haversine_miles(
        start["latitude"], start["longitude"], end["latitude"], end["longitude"]
    )

    assert found == pytest.approx(miles, abs=max(1, miles * 0.005))


degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(degrees, degrees)
def test_a_distance_is_the_same_both_ways_and_never_beyond_the_antipodes(start, end):
    there, back = haversine_miles(*start, *end), haversine_miles(*end, *start)

    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there <= 12_438


@pytest.mark.parametrize(
    ("age", "group"),
    [
        (0, "CHLD"),
        (17, "CHLD"),
        (18, "YAD"),
        (25, "YAD"),
        (26, "ADLT"),
        (64, "ADLT"),
        (65, "SNR"),
        (100, "SNR"),
    ],
)
def test_ages_fall_into_the_directorys_groups(age, group):
    assert age_group(age) == group


def test_a_code_without_a_label_stands_for_itself():
    assert label_of("SP") == "Spanish"
    assert label_of("ZZ9") == "ZZ9"


# --- The real directory, where it is at hand ------------------------------------------------------


def test_the_core_search_finds_the_counted_facilities_of_the_2023_directory(real_data):
    directory = real_data / "samhsa" / "national-directory-su-facilities-2023.xlsx"
    workbook = openpyxl.load_workbook(directory, read_only=True)
    rows = workbook.worksheets[0].iter_rows(min_row=2, values_only=True)
    listed = [
        facility(str(row[0]), str(row[12] or "").replace("*", " "), key=str(number), state=row[5])
        for number, row in enumerate(rows)
    ]
    workbook.close()

    def fitting(**changed):
        # Exclusive programs, which we refuse besides, are in the counted figures.
        compared = [match(one, Need(**changed)) for one in listed]
        return [
            each.facility
            for each in compared
            if all("only" in reason for reason in each.reasons_against)
        ]

    assert len(listed) == 12_744
    assert len(fitting()) == 1_359
    assert len(fitting(required=("CO",))) == 991
    insured = fitting(required=("CO",), payers=("PI",))
    # Places that take no payment at all answer every payer's need; the figure leaves them out.
    assert len([each for each in insured if "PI" in each.codes]) == 917
