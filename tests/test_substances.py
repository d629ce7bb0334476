"""The substances of the call sheet: one box for the name, words for the last use, notes for staff."""

from decimal import Decimal

import pytest
from django.http import QueryDict
from django.test import RequestFactory
from django.urls import reverse

from intake.actions import calls
from intake.admin.filled_sheet import FilledSheet
from intake.admin.live_sheet import evaluated
from intake.admin.substance_forms import SubstanceForm, row_initial
from intake.admin.told import to_facility
from intake.admin.use_notes import UseNote
from intake.admin.uses_together import use_found, use_together
from intake.models import Call
from intake.rules.answers import Exposure, Source
from intake.rules.exposures import diazepam_total
from tests import casting
from tests.sheets import ADD, KLONOPIN, all_no, posted, text_of


def form(now, **changes):
    return SubstanceForm(KLONOPIN | changes, prefix="", now=now)


def stored(row):
    """What a row would keep of its words, to compare it with the one it is read back from."""
    assert row.is_valid(), row.errors
    use = row.use(Call())
    return (use.substance, use.brand, use.last_used_at, use.last_used_precision)


def note(now, **changes):
    return form(now, **changes).note


# --- A row ----------------------------------------------------------------------------------------

NAMED = [
    ("klon", "clonazepam", "Klonopin"),
    ("k-pins", "clonazepam", "k-pins"),
    ("clonazepam", "clonazepam", ""),
    ("Other: sertralin", "other", "sertralin"),
    ("purple footballs", "unknown_pills", "purple footballs"),
]


@pytest.mark.parametrize(("typed", "substance", "brand"), NAMED)
def test_the_server_understands_a_name_without_a_script(now, typed, substance, brand):
    row = form(now, substance=typed)
    assert row.is_valid(), row.errors
    use = row.use(Call())
    assert (use.substance, use.brand) == (substance, brand)
    assert stored(form(now, substance=row_initial(use)["substance"])) == stored(row)


def test_a_name_of_two_is_asked_about_and_stays_typed(now):
    row = form(now, substance="blues")
    assert not row.is_valid()
    (message,) = row.errors["substance"]
    assert "Fentanyl" in message
    assert "Oxycodone" in message
    assert 'value="blues"' in str(row["substance"])


def test_a_dose_beside_the_name_counts_unless_the_box_says_otherwise(now):
    for dose, stored in [("", "0.5"), ("2 mg", "2"), (".25", "0.25")]:
        row = form(now, substance="Klonopin 0.5 mg", dose_mg=dose)
        assert row.is_valid(), row.errors
        assert row.use(Call()).dose_mg == Decimal(stored)


@pytest.mark.parametrize(
    ("typed", "precision", "shown"),
    [
        ("5 days ago", "about_day", "about 2026-03-05"),
        ("monday", "day", "2026-03-09"),
        ("last night", "about_time", "about 2026-03-09 20:00"),
        ("3/8 10 am", "time", "2026-03-08 10:00"),
    ],
)
def test_a_last_use_is_kept_as_precisely_as_it_was_told(now, typed, precision, shown):
    row = form(now, last_used_at=typed)
    assert row.is_valid(), row.errors
    use = row.use(Call())
    assert use.last_used_precision == precision
    assert row_initial(use)["last_used_at"] == shown
    assert stored(form(now, last_used_at=shown)) == stored(row)


def test_an_unreadable_last_use_gets_a_message_stays_typed_and_hides_nothing_else(now):
    row = form(now, last_used_at="a while back")
    assert not row.is_valid()
    assert "not understood" in str(row.errors["last_used_at"])
    assert 'value="a while back"' in str(row["last_used_at"])
    assert row.use(Call()).substance == "clonazepam"
    assert row.note.band == "high dose"
    assert "not understood" in row.note.problems[0]


# --- What is said back beside it ------------------------------------------------------------------


def test_a_row_says_how_it_was_understood(now):
    told = note(now, substance="k-pins", last_used_at="5 days ago")
    assert (told.name, told.kind) == ("Clonazepam", "Benzodiazepine")
    assert told.last_used == "about Thu, Mar 5, 2026 (5 days ago)"
    assert (told.band, told.risk) == ("high dose", "Yes, rising with dose and time")
    assert "three weeks" in told.onset
    assert not told.problems


@pytest.mark.parametrize(
    ("changes", "band", "risk"),
    [
        ({"dose_mg": "0.25"}, "low dose", "Yes, rising with dose and time"),
        ({"dose_mg": "0.5"}, "moderate dose", "Yes, rising with dose and time"),
        ({"duration": "2", "duration_unit": "weeks"}, "high dose", "Lower, but possible"),
        ({"days_a_week": "2"}, "high dose", "Rare, but possible"),
        ({"dose_mg": ""}, "high dose", "Yes, rising with dose and time"),
        ({"dose_mg": "0.25", "source": "street"}, "high dose", "Yes, rising with dose and time"),
        ({"substance": "alcohol"}, "", ""),
    ],
)
def test_band_and_risk_of_a_row_follow_table_2(now, changes, band, risk):
    told = note(now, **changes)
    assert (told.band, told.risk) == (band, risk)


def test_why_a_dose_counts_as_high_is_said(now):
    assert note(now, dose_mg="").because == "daily dose unknown"
    assert "not from a prescription" in note(now, source="street").because


def test_an_unknown_name_is_counted_high_and_a_likely_one_asked_about(now):
    told = note(now, substance="klonapin")
    assert "Did you mean" in told.unknown
    assert "Klonopin" in told.unknown
    assert told.band == "high dose"


def test_a_stored_row_says_the_same_and_an_empty_one_nothing(now):
    assert SubstanceForm(prefix="substances-0", now=now).note == UseNote()
    before = SubstanceForm(initial=KLONOPIN, prefix="substances-0", now=now)
    assert before.note == note(now)


# --- All of it together ---------------------------------------------------------------------------


def taking(substance, dose, **changes):
    given = {
        "dose_mg": Decimal(dose) if dose else None,
        "times_per_day": Decimal(1),
        "days_per_week": 7,
        "weeks_of_use": Decimal(8),
        "source": Source.OWN_PRESCRIPTION,
    }
    return Exposure(substance, **given | changes)


def test_both_conversions_are_summed_and_what_is_not_in_them_is_named():
    told = [taking("clonazepam", "1"), taking("lorazepam", "2"), taking("alcohol", None)]
    total = diazepam_total(told)
    assert total.va_dod == (Decimal(20), Decimal(20))
    assert total.ashton == (Decimal(40), Decimal(40))
    assert total.left_out == ()
    found = use_together([*told, taking("zolpidem", "10"), taking("clobazam", "10")])
    assert (found["va_dod"], found["ashton"]) == ("20", "40")
    assert found["left_out"] == "Zolpidem, Clobazam"
    assert found["count"] == 4


def test_two_low_doses_are_shown_as_the_band_they_make_together():
    low = [taking("clonazepam", "0.5"), taking("alprazolam", "1")]
    assert use_together(low[:1])["band"] == "low dose"
    assert use_together(low)["band"] == "high dose"


def test_a_sign_of_the_person_makes_the_dose_count_as_high():
    found = use_together([taking("clonazepam", "0.5")], ["runs_out_early"])
    assert (found["band"], found["because"]) == ("high dose", "more than prescribed")


def test_without_anything_of_the_kind_there_is_nothing_together():
    assert use_together([]) is None
    assert use_together([taking("alcohol", None)]) is None


# --- Live and on the page -------------------------------------------------------------------------


@pytest.fixture
def live(agent, now, frozen):
    def sheet(oob=True, **given):
        data = QueryDict(mutable=True)
        data.update(posted(**given))
        request = RequestFactory().post("/")
        request.user = agent
        call = Call(started_at=now)
        filled = FilledSheet(call, now=now, data=data)
        return evaluated(request, call, filled, now=now, oob=oob)

    return sheet


@pytest.mark.django_db
def test_a_live_answer_has_a_fragment_for_every_row_and_one_for_all(live):
    wrong = KLONOPIN | {"substance": "blues", "last_used_at": "once"}
    answer = use_found(live(rows=[KLONOPIN, wrong]))
    for name in ("substances-0-found", "substances-1-found", "use-found"):
        assert f'id="{name}" hx-swap-oob="true"' in answer
    for words in ("Clonazepam", "high dose", "More than one substance", "not understood", "40 mg"):
        assert words in answer
    assert "Staff only: never read out." in answer
    assert not any(word in answer.lower() for word in (" safe", "taper plan", "reduce by"))
    assert "hx-swap-oob" not in use_found(live(oob=False))


@pytest.mark.django_db
def test_a_live_answer_costs_no_question_to_the_database(live, django_assert_num_queries):
    told = live(rows=[KLONOPIN, KLONOPIN | {"substance": "xannies"}])
    with django_assert_num_queries(0):
        use_found(told)


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.mark.django_db
def test_page_and_live_answer_say_the_same_of_a_stored_row(browser, agent, now):
    browser.post(ADD, posted("draft", rows=[KLONOPIN | {"last_used_at": "5 days ago"}]))
    call = Call.objects.get()
    use = call.substances.get()
    assert (use.brand, use.last_used_precision) == ("Klonopin", "about_day")
    page = text_of(browser.get(reverse("admin:intake_call_change", args=[call.pk])))
    assert 'value="Klonopin"' in page
    assert 'value="about 2026-03-05"' in page
    assert "about Thu, Mar 5, 2026 (5 days ago)" in page
    assert 'id="use-found"' in page
    assert '<option value="k-pins" data-code="clonazepam">' in page
    # Saved again as it stands, nothing has changed.
    shown = KLONOPIN | {"last_used_at": "about 2026-03-05"}
    version = str(calls.sheet_version(call))
    address = reverse("admin:intake_call_change", args=[call.pk])
    assert browser.post(address, posted(rows=[shown], version=version)).status_code == 302
    assert call.substances.get().last_used_at == use.last_used_at


@pytest.mark.django_db
def test_a_day_is_told_to_a_facility_as_a_day(agent, now, frozen):
    call = casting.screened_call(agent=agent, now=now)
    casting.facility("Almond Hospital", now=now)
    use = call.substances.get()
    use.last_used_precision = "about_day"
    use.save()
    told = dict(to_facility(casting.referral(agent=agent, now=now, call=call)))
    assert "about Sun, Mar 8, 2026" in told["Last use"]
    assert "10:00" not in told["Last use"]


@pytest.mark.django_db
def test_no_dose_stands_in_anything_read_to_the_caller(live):
    told = live(rows=[KLONOPIN], **all_no())
    spoken = " ".join(finding.say for finding in told.assessment.findings)
    assert not any(word in spoken for word in ("mg", "diazepam", "40", "80"))
