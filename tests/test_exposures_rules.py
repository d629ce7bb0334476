"""How much of a sedative, for how long: dose bands, the risk of withdrawal, conversions for staff."""

import pytest

from intake.rules import substances
from intake.rules.exposures import (
    WithdrawalRisk,
    benzodiazepine_risk,
    is_benzodiazepine_type,
    stopped_or_cut_fast,
    table_2,
)
from intake.rules.safety import SUBSTANCES, Exposure, Level, Source, SubstanceClass, assess
from intake.rules.substances import Band, diazepam_equivalents, dose_band
from tests.screens import NO, STOPPED, UNKNOWN, YES, D, all_no, taking

pytestmark = pytest.mark.once

# --- Table 2 and its bands -----------------------------------------------------------------------

BANDS = [
    ("clonazepam", "0.5", Band.LOW),
    ("clonazepam", "0.51", Band.MODERATE),
    ("clonazepam", "1.5", Band.MODERATE),
    ("clonazepam", "1.51", Band.HIGH),
    ("lorazepam", "2", Band.LOW),
    ("lorazepam", "2.01", Band.MODERATE),
    ("lorazepam", "3", Band.MODERATE),
    ("lorazepam", "3.01", Band.HIGH),
    ("alprazolam", "1", Band.LOW),
    ("alprazolam", "1.01", Band.MODERATE),
    ("alprazolam", "2", Band.MODERATE),
    ("alprazolam", "2.01", Band.HIGH),
    ("diazepam", "10", Band.LOW),
    ("diazepam", "10.1", Band.MODERATE),
    ("diazepam", "15", Band.MODERATE),
    ("diazepam", "15.1", Band.HIGH),
    # The smaller of the two conversions counts, so the dose counts for more.
    ("oxazepam", "20", Band.LOW),
    ("oxazepam", "30", Band.MODERATE),
    ("oxazepam", "30.1", Band.HIGH),
    ("temazepam", "15", Band.LOW),
    ("temazepam", "22.5", Band.MODERATE),
    ("temazepam", "23", Band.HIGH),
    ("triazolam", "0.25", Band.LOW),
    ("triazolam", "0.375", Band.MODERATE),
    ("triazolam", "0.5", Band.HIGH),
    ("chlordiazepoxide", "25", Band.LOW),
    ("chlordiazepoxide", "37.5", Band.MODERATE),
    ("chlordiazepoxide", "38", Band.HIGH),
    ("clorazepate", "22.5", Band.MODERATE),
    ("estazolam", "1.5", Band.MODERATE),
    ("flurazepam", "22.5", Band.MODERATE),
    ("quazepam", "15", Band.MODERATE),
    ("quazepam", "15.1", Band.HIGH),
    ("zolpidem", "20", Band.LOW),
    ("zolpidem", "30", Band.MODERATE),
    ("zolpidem", "30.1", Band.HIGH),
    ("zopiclone", "15", Band.LOW),
    # No source gives an equivalent: any dose is high.
    ("clobazam", "10", Band.HIGH),
    ("eszopiclone", "1", Band.HIGH),
    ("unknown_pills", "1", Band.HIGH),
    ("a code of a later list", "1", Band.HIGH),
    ("clonazepam", None, Band.HIGH),
]


@pytest.mark.parametrize(("code", "daily_mg", "band"), BANDS)
def test_the_dose_band_follows_table_2(code, daily_mg, band):
    assert dose_band(code, None if daily_mg is None else D(daily_mg)) is band


RARE, LOWER, SURE = WithdrawalRisk.RARE, WithdrawalRisk.LOWER_BUT_POSSIBLE, WithdrawalRisk.YES
TABLE_2 = [
    ("any duration, 3 days", "104", 3, Band.HIGH, RARE),
    ("4 days", "104", 4, Band.LOW, SURE),
    ("under a month, high dose", "3.9", 7, Band.HIGH, LOWER),
    ("a month, low dose", "4", 7, Band.LOW, LOWER),
    ("a month, moderate dose", "4", 7, Band.MODERATE, SURE),
    ("a month, high dose, 4 days", "4", 4, Band.HIGH, SURE),
    ("just under 3 months, low dose", "11.9", 7, Band.LOW, LOWER),
    ("3 months, low dose", "12", 4, Band.LOW, SURE),
    ("duration unknown", None, 7, Band.LOW, SURE),
    ("days unknown", "104", None, Band.LOW, SURE),
    ("nothing known", None, None, Band.HIGH, SURE),
    ("under a month, days unknown", "3", None, Band.HIGH, LOWER),
]


@pytest.mark.parametrize(
    ("weeks", "days", "band", "risk"), [pytest.param(*case[1:], id=case[0]) for case in TABLE_2]
)
def test_the_risk_follows_table_2(weeks, days, band, risk):
    assert table_2(None if weeks is None else D(weeks), days, band) is risk


def test_two_low_doses_together_are_counted_together():
    both = [
        taking("clonazepam", "0.5", weeks_of_use=D(8)),
        taking("lorazepam", "1", weeks_of_use=D(8)),
    ]

    assert benzodiazepine_risk(both[:1]).band is Band.LOW
    assert benzodiazepine_risk(both).band is Band.MODERATE
    assert benzodiazepine_risk(both).risk is SURE


def test_two_drugs_on_alternating_days_are_one_daily_habit():
    days = {"days_per_week": 3}
    both = [taking("clonazepam", "1", **days), taking("alprazolam", "1", **days)]

    assert benzodiazepine_risk(both[:1]).risk is RARE
    assert benzodiazepine_risk(both).days_per_week == 6
    assert benzodiazepine_risk(both).risk is SURE


def test_a_street_dose_counts_as_high_whatever_is_said_and_says_why():
    risk = benzodiazepine_risk([taking("alprazolam", "0.25", source=Source.STREET)])

    assert risk.band is Band.HIGH
    assert risk.counted_as_high_because == ("not from a prescription of their own",)


@pytest.mark.parametrize(
    ("weeks", "days", "counts"),
    [
        ("3.9", 7, False),
        ("4", 7, True),
        ("4", 4, True),
        ("4", 3, False),
        (None, 7, True),
        ("4", None, True),
    ],
)
def test_a_nightly_z_drug_counts_as_a_benzodiazepine_from_four_weeks_on(weeks, days, counts):
    exposure = taking(
        "zolpidem", "10", weeks_of_use=None if weeks is None else D(weeks), days_per_week=days
    )

    assert is_benzodiazepine_type(exposure) is counts


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"stopped_abruptly": YES}, YES),
        ({"recent_cut_percent": D("25.1")}, YES),
        ({"recent_cut_percent": D(25)}, NO),
        ({"recent_cut_percent": None}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN, "last_used_hours_ago": D("47.9")}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN, "last_used_hours_ago": D(48)}, YES),
        ({"last_used_hours_ago": D(900)}, NO),
    ],
)  # fmt: skip
def test_stopping_is_told_or_seen_from_the_last_use(changed, answer):
    assert stopped_or_cut_fast(taking(**changed)) is answer


def test_an_exposure_of_which_only_the_name_is_known_is_taken_at_its_worst():
    result = assess(all_no(), [Exposure("clonazepam")])

    assert set(result.rule_ids) == {"R11", "R12"}
    assert result.level is Level.HIGH


# --- The drugs and their conversions -------------------------------------------------------------


def test_the_drugs_of_the_guideline_are_all_listed():
    listed = {
        code for code, drug in SUBSTANCES.items() if drug.equivalence and drug.equivalence.va_dod
    }

    assert len(listed) == 12
    assert {drug.substance_class for drug in SUBSTANCES.values()} == set(SubstanceClass)
    assert "Klonopin" in SUBSTANCES["clonazepam"].label


def test_both_conversions_are_given_to_staff():
    converted = diazepam_equivalents("clonazepam", D(1))

    assert converted.va_dod == (D(10), D(10))
    assert converted.ashton == (D(20), D(20))
    assert converted.staff_only
    assert diazepam_equivalents("flurazepam", D(30)).ashton == (D(10), D(20))
    assert diazepam_equivalents("zolpidem", D(10)).nhs_scotland == (D(5), D(5))
    assert diazepam_equivalents("zopiclone", D("7.5")).nhs_scotland == (D(5), D(5))
    assert diazepam_equivalents("clobazam", D(10)) is None


def test_a_long_half_life_is_told_to_staff():
    assert "three weeks" in substances.onset_note("clonazepam")
    assert "two days" in substances.onset_note("alprazolam")
    finding = next(f for f in assess(all_no(), [taking(**STOPPED)]).findings if f.rule_id == "R10")
    assert "three weeks" in finding.advice
