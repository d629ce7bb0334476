"""Files for spreadsheets: nothing in them runs, and every phone number comes back whole."""

import csv
import hashlib
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intake.reports import spreadsheet
from intake.reports.spreadsheet import csv_file, harmless

pytestmark = pytest.mark.once

BLANKS = " \t\r\n\0\x0b\x0c\x7f\x85\xa0\u200b\u200e\u2028\u202e\u2060\u3000\ufeff"


def read_back(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def would_run(text):
    """Whether a careless spreadsheet takes the cell for a formula.

    It strips blanks and marks in front; what is left runs if it begins like a formula and is
    not simply a number with its sign.
    """
    rest = text.lstrip(BLANKS)
    if not rest or rest[0] not in "=+-@\uff1d\uff0b\uff0d\uff20":
        return False
    return not rest[1:].isdecimal()


@pytest.mark.parametrize(
    "number",
    ["+12025550123", "+13035550177", "+442071838750", "+6421555012", "+123456789012345"],
)
def test_a_phone_number_in_international_form_survives_the_round_trip(number):
    assert harmless(number) == number
    file = csv_file(["phone"], [[number]])
    assert read_back(file.content) == [["phone"], [number]]
    # As a number, which is the most a spreadsheet can make of it, no digit is lost.
    assert f"+{int(float(number))}" == number


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://example.org","click")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "\0=1+1",
        " =1+1",
        "\ufeff=1+1",
        "\u200b@SUM(A1)",
        "\uff1d1+1",
        "+12025550123,=1",
        "+1202555012345678",  # too long to be a number, and no spreadsheet could hold it
        "+0123456789",
        "+12025550123\n",
        "+1 202 555 0123",
        "+١٢٠٢٥٥٥٠١٢٣",
    ],
)
def test_what_begins_like_a_formula_is_turned_into_text(text):
    made = harmless(text)
    assert made.startswith("'") or made[0] == "\N{REPLACEMENT CHARACTER}"
    assert not would_run(made)


def test_a_cell_cut_at_another_separator_does_not_begin_like_a_formula():
    made = harmless("wants detox;=1+1\t@SUM(A1)\n-2+3; +4")
    assert not any(would_run(piece) for piece in made.replace("\t", ";").split(";"))
    assert not any(would_run(line) for line in made.splitlines())


@given(st.text())
@example("=")
@example("\0\0=1")
@example("'=1")
@example("+1202555012\r\n=1")
def test_no_text_at_all_runs_and_no_text_breaks_the_file(text):
    file = csv_file(["a", "b"], [[text, "end"]])
    rows = read_back(file.content)
    assert len(rows) == 2
    assert rows[1][1] == "end"
    assert not would_run(rows[1][0])
    assert b"\0" not in file.content
    sheet = openpyxl.Workbook().active
    cell = sheet.cell(1, 1, rows[1][0])
    assert cell.data_type != "f"


def test_an_ordinary_text_is_left_as_it_is():
    for text in ["Springfield", "C-7K4M2QXD", "a + b = c", "1-2", 'naïve, "quoted"', "62.5%", ""]:
        assert harmless(text) == text
        assert read_back(csv_file(["a"], [[text]]).content)[1:] in ([[text]], [[]])


def test_numbers_days_and_times_are_written_plainly():
    row = [-5, Decimal("-0.5"), date(2026, 3, 8), datetime(2026, 3, 8, 7, tzinfo=UTC), None, True]
    assert read_back(csv_file(["a"], [row]).content)[1] == [
        "-5",
        "-0.5",
        "2026-03-08",
        "2026-03-08 07:00:00",
        "",
        "yes",
    ]


def test_the_file_is_what_excel_expects_and_its_hash_is_of_these_bytes():
    file = csv_file(["día", "n"], [["lunes", 1], ["martes", 2]])
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert file.content.count(b"\r\n") == 3
    assert file.rows == 2
    assert file.sha256 == hashlib.sha256(file.content).hexdigest()


def test_a_file_that_grows_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 2)
    assert csv_file(["a"], [[1], [2]]).rows == 2
    with pytest.raises(spreadsheet.TooManyRows):
        csv_file(["a"], ([n] for n in range(3)))
