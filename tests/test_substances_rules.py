"""What callers call a substance: one labeled case per way of saying it, then what always holds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules.substance_names import (
    NAMES,
    STREET_NAMES,
    Ambiguous,
    Meant,
    near,
    search,
    understand,
    written,
)
from intake.rules.substances import SUBSTANCES

pytestmark = pytest.mark.once

MEANT = [
    ("generic", "clonazepam", "clonazepam", ""),
    ("generic, capitals", "CLONAZEPAM", "clonazepam", ""),
    ("brand", "Klonopin", "clonazepam", "Klonopin"),
    ("brand as it is written", "klonopin", "clonazepam", "Klonopin"),
    ("beginning of a brand", "klon", "clonazepam", "Klonopin"),
    ("three letters", "xan", "alprazolam", "Xanax"),
    ("street name", "k-pins", "clonazepam", "k-pins"),
    ("street name, other spelling", "K pins", "clonazepam", "K pins"),
    ("street name for bars", "bars", "alprazolam", "bars"),
    ("xannies", "xannies", "alprazolam", "xannies"),
    ("benzos", "benzos", "other_benzodiazepine", "benzos"),
    ("misspelling", "xanex", "alprazolam", "xanex"),
    ("code", "unknown_pills", "unknown_pills", ""),
    ("own words for another", "Another benzodiazepine: blue ovals", "other_benzodiazepine", "blue ovals"),
    ("own words for a known one", "Clonazepam: from Mexico", "clonazepam", "from Mexico"),
    ("something else", "Other: sertralin", "other", "sertralin"),
    ("named, and no sedative", "Zoloft", "other", "Zoloft"),
    ("look-alike of Klonopin", "clonidine", "other", "clonidine"),
    ("brand of an opioid", "percocet", "oxycodone", "Percocet"),
    ("drink", "vodka", "alcohol", "vodka"),
    ("name with commas", "GHB, GBL or 1,4-butanediol", "ghb", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "brand"), [pytest.param(*case[1:], id=case[0]) for case in MEANT]
)
def test_a_name_is_understood_and_the_callers_word_is_kept(text, code, brand):
    assert understand(text) == Meant(code, brand)


@pytest.mark.parametrize("text", ["purple footballs", "x", "?", "xanax and vodka", "0"])
def test_words_nobody_knows_count_as_unlabeled_pills_and_are_kept(text):
    assert understand(text) == Meant("unknown_pills", text, is_known=False)


@pytest.mark.parametrize(
    ("text", "dose"), [("Klonopin 2 mg", "2"), ("klonopin 0.5mg", "0.5"), ("klon .5 mg bid", ".5")]
)
def test_a_dose_beside_the_name_is_taken_too(text, dose):
    assert understand(text) == Meant("clonazepam", "Klonopin", Decimal(dose))


def test_half_a_dose_is_never_read_out_of_a_number():
    assert understand("klon 0,5 mg").dose_mg is None


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("clon", {"clonazepam", "novel_benzodiazepine", "other"}),
        ("blues", {"fentanyl", "oxycodone"}),
        ("zo", None),
        ("oxa", None),
    ],
)
def test_a_name_of_two_substances_is_asked_about(text, codes):
    meant = understand(text)
    if codes is None:
        assert not isinstance(meant, Ambiguous)
    else:
        assert {name.code for name in meant.names} == codes


def test_klon_offers_klonopin_first_and_each_substance_once():
    assert [(name.text, name.code) for name in search("klon")] == [("Klonopin", "clonazepam")]
    offered = search("zol")
    assert [name.code for name in offered] == ["zolpidem", "other"]
    assert search("") == search("  -") == ()
    assert search("methyl")[0].text == "methylphenidate"


def test_a_whole_name_comes_before_a_beginning_and_that_before_a_later_word():
    assert search("crystal")[0].text == "crystal"
    assert search("tar")[0].text == "black tar"


def test_a_slip_is_asked_about_and_never_corrected_in_silence():
    assert "Klonopin" in near("klonapin")
    assert not understand("klonapin").is_known
    assert near("qqqq") == ()


def test_every_street_name_belongs_to_a_substance_of_the_list():
    assert set(STREET_NAMES) <= set(SUBSTANCES)
    assert {name.code for name in NAMES} == set(SUBSTANCES)
    for names in STREET_NAMES.values():
        assert all(name == name.lower() for name in names)


@given(st.text(max_size=60))
def test_any_text_means_something_and_reads_back_the_same(text):
    meant = understand(text)
    if isinstance(meant, Meant):
        again = understand(written(meant.code, meant.brand))
        assert (again.code, again.brand) == (meant.code, meant.brand)
    search(text)
    near(text)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name.code}: {name.text}")
def test_every_name_offered_is_understood_as_itself_or_asked_about(name):
    meant = understand(name.text)
    if isinstance(meant, Ambiguous):
        assert name.code in {other.code for other in meant.names}
    else:
        assert meant.code == name.code


@given(st.sampled_from(list(SUBSTANCES)), st.text(max_size=40))
def test_a_stored_row_reads_back_as_the_same_substance(code, brand):
    brand = " ".join(brand.split())
    meant = understand(written(code, brand))
    assert isinstance(meant, Meant)
    assert meant.code == code
