"""Reading the directory's workbook: whatever is in the file, clean rows or a clear refusal."""

import re
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.demonstration import facilities as invented
from intake.directory import cells, editions, identity, places
from intake.directory.workbook import NotTheDirectory
from tests.directory_workbook import HEADINGS, line, lines, real_edition, repacked, workbook

pytestmark = pytest.mark.once


@pytest.fixture
def read(tmp_path):
    """The edition with these rows."""

    def reading(*rows, **options):
        return editions.read(workbook(tmp_path / "directory.xlsx", *rows, **options))

    return reading


# --- What is read --------------------------------------------------------------------------------


def test_a_row_is_read_with_the_place_of_its_zip_code(read):
    edition = read(line(Street2="Suite 5", Intake1="614-555-0102", Intake2a="614-555-0103"))
    (listing,) = edition.listings
    assert (listing.line, listing.name, listing.program_name) == (
        2,
        "Alderbrook Hospital",
        "Withdrawal Unit",
    )
    assert (listing.street, listing.street2) == ("100 Almond Street", "Suite 5")
    assert (listing.city, listing.state, listing.zip_code) == ("Columbus", "OH", "43215")
    assert listing.phone == "614-555-0101"
    assert listing.intake_phones == ("614-555-0102", "614-555-0103")
    assert listing.service_codes == " SA DT HID MD PI ADTX BDTX YAD ADLT FEM MALE "
    assert listing.location.county == "Franklin County"
    assert listing.location.time_zone == "America/New_York"
    assert (round(listing.location.latitude), round(listing.location.longitude)) == (40, -83)
    assert (edition.refused, edition.remarks) == ((), ())


def test_the_vocabulary_is_read_and_a_line_of_it_without_a_code_is_reported(read):
    codes = [*invented.vocabulary_rows(), ("X", "Foot note", None, "see overleaf", None)]
    edition = read(line(), codes=codes)
    assert {code.code: code.name for code in edition.codes}["BDTX"] == "Benzodiazepine detox"
    assert len(edition.codes) == len(codes) - 1
    (problem,) = edition.remarks
    assert (problem.sheet, problem.line) == ("service codes", len(codes) + 1)


def test_headings_may_differ_in_case_spacing_and_order_and_stand_below_a_title(tmp_path):
    path = tmp_path / "other.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    for code in [invented.CODE_HEADINGS, *invented.vocabulary_rows()]:
        sheet.append(list(code))
    sheet = book.create_sheet("2027 edition")
    sheet.append(["National Directory"])
    sheet.append([])
    columns = ["website", *reversed(HEADINGS)]
    sheet.append([heading.upper().replace("_", " ") for heading in columns])
    row = line()
    sheet.append([row.get(heading, "https://example.org") for heading in columns])
    book.save(path)
    (listing,) = editions.read(path).listings
    assert (listing.line, listing.name, listing.zip_code) == (4, "Alderbrook Hospital", "43215")


def test_a_sheet_that_claims_to_be_smaller_is_still_read_whole(tmp_path):
    path = workbook(tmp_path / "whole.xlsx", *lines(3))

    def shrink(xml):
        return re.sub(b"<sheetData>", b'<dimension ref="A1:B2"/><sheetData>', xml, count=1)

    smaller = repacked(path, tmp_path / "claims.xlsx", sheet1=shrink)
    assert len(editions.read(smaller).listings) == 3


def test_progress_is_told_line_by_line(tmp_path):
    told = []
    path = workbook(tmp_path / "d.xlsx", *lines(3))
    editions.read(path, progress=lambda done, total: told.append(done))
    assert told == [2, 3, 4]


# --- Cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("  Suite \u00a0 5 \r\n", "Suite 5"),
        ("Cafe\u0301 House", "Caf\u00e9 House"),
        ("a\u200bb\u202ec\x07d", "a b c d"),
        ("line_x000D_two", "line two"),
        ("#N/A", ""),
        ("- - -", ""),
        (43215, "43215"),
        (43215.0, "43215"),
        (2.5, "2.5"),
    ],
)
def test_a_cell_becomes_one_clean_line(cell, text):
    assert cells.text(cell) == text


@pytest.mark.parametrize("cell", [True, date(2026, 1, 2)])
def test_a_cell_that_once_was_something_else_is_no_text(cell):
    with pytest.raises(cells.NotText):
        cells.text(cell)


@given(st.text(st.characters()))
def test_no_text_keeps_an_invisible_character_or_a_second_space(text):
    clean = cells.text(text)
    assert not cells.INVISIBLE.search(clean)
    assert "  " not in clean
    clean.encode()
    assert cells.text(clean) == clean


def test_codes_are_taken_apart_however_they_are_joined():
    assert cells.codes("SA dt *OP,OD ;DT * *") == (("SA", "DT", "OP", "OD"), ())
    assert cells.codes("SA (new) DT") == (("SA", "DT"), ("(NEW)",))


def test_a_phone_that_was_read_as_a_number_gets_its_dashes_back():
    assert cells.phone("6145550101") == "614-555-0101"
    assert cells.phone("614-555-0101 x12") == "614-555-0101 x12"


# --- ZIP codes and places ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "state", "zip_code"),
    [
        ("43215", "OH", "43215"),
        ("43215-1234", "OH", "43215"),
        ("432151234", "OH", "43215"),
        (43215, "OH", "43215"),
        (43215.0, "OH", "43215"),
        (4401, "ME", "04401"),
        (601, "PR", "00601"),
        (44011234, "ME", "04401"),
    ],
)
def test_a_zip_code_is_read_in_every_form_and_found(read, cell, state, zip_code):
    edition = read(line(Zip=cell, State=state))
    (listing,) = edition.listings
    assert listing.zip_code == zip_code
    assert listing.location.latitude is not None
    assert edition.remarks == ()


@pytest.mark.parametrize(
    ("cell", "state", "zone", "remark"),
    [
        (None, "OH", "America/New_York", "no ZIP code"),
        ("4321", "OH", "America/New_York", "ZIP code 04321 is not known"),
        ("Columbus", "OH", "America/New_York", "Zip is no ZIP code: Columbus"),
        ("00000", "FL", "", "ZIP code 00000 is not known"),
        ("90001", "OH", "America/New_York", "ZIP code 90001 is in CA, not in OH"),
        ("09001", "NY", "America/New_York", "ZIP code 09001 is in AE, not in NY"),
    ],
)
def test_without_a_believable_zip_code_nothing_is_invented(read, cell, state, zone, remark):
    """The row is imported all the same; a zone is known only where the whole state has one."""
    edition = read(line(Zip=cell, State=state))
    (listing,) = edition.listings
    assert (listing.location.latitude, listing.location.longitude) == (None, None)
    assert (listing.location.county, listing.location.time_zone) == ("", zone)
    assert [problem.reason for problem in edition.remarks] == [remark]


def test_a_zip_code_without_a_real_zone_takes_that_of_its_neighbor():
    """The table has the zone "Napakiak" for 99634, a village 12 miles from Bethel."""
    assert places.place_of("99634").time_zone == ""
    assert places.locate("99634", "AK").time_zone == "America/Anchorage"


def test_a_zip_code_that_straddles_a_state_line_is_believed_without_its_county():
    location = places.locate("42223", "TN")
    assert (location.county, location.time_zone, location.doubt) == ("", "America/Chicago", "")
    assert location.latitude is not None


def test_a_military_post_office_lies_nowhere():
    assert places.place_of("09001").latitude is None


@pytest.mark.parametrize("zip_code", ["", "abc", "00000", "1234", "\x00", "9" * 500])
def test_what_is_no_zip_code_has_no_place(zip_code):
    assert places.place_of(zip_code) is None


# --- Refused rows and remarks --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells_wrong", "reason"),
    [
        ({"Name1": " "}, "Name1 is empty"),
        ({"City": "#REF!"}, "City is empty"),
        ({"State": None}, "State is empty"),
        ({"State": "ZZ"}, "State is no US state or territory: ZZ"),
        ({"Street1": "x" * 201}, "Street1 is longer than 200 characters"),
        ({"Name1": date(2026, 1, 2)}, "Name1 holds a date or a truth value, not text"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_line_and_reason(read, cells_wrong, reason):
    edition = read(line(), line(**cells_wrong), line(Name1="Yarrow House"))
    assert [listing.line for listing in edition.listings] == [2, 4]
    (problem,) = edition.refused
    assert (problem.line, problem.reason) == (3, reason)
    assert edition.rows_read == 3


def test_a_repeated_row_is_refused_and_an_empty_line_is_no_row(read):
    edition = read(line(), {}, line(), line(Phone="614-555-0199"))
    assert [listing.line for listing in edition.listings] == [2, 5]
    assert [(p.line, p.reason) for p in edition.refused] == [(4, "repeats line 2 word for word")]


def test_a_doubtful_row_is_taken_with_a_remark(read):
    edition = read(
        line(Phone=None, Service_code_info="SA QQ9 (x)"),
        line(Name1="Yarrow House", Street2=date(2026, 1, 2), Service_code_info=None),
    )
    assert [listing.service_codes for listing in edition.listings] == [" SA QQ9 ", ""]
    assert [(problem.line, problem.reason) for problem in edition.remarks] == [
        (2, "no phone number"),
        (2, "codes not in the vocabulary, kept: QQ9"),
        (2, "no service codes, left out: (X)"),
        (3, "Street2 holds a date or a truth value, left out"),
        (3, "no service codes"),
    ]


def test_a_formula_without_a_stored_value_is_an_empty_cell(tmp_path):
    path = tmp_path / "formula.xlsx"
    book = openpyxl.load_workbook(workbook(path, line(), line(Name1="Yarrow House")))
    book["Facilities List"]["A3"] = '=HYPERLINK("https://example.org")'
    book.save(path)
    edition = editions.read(path)
    assert [(problem.line, problem.reason) for problem in edition.refused] == [
        (3, "Name1 is empty")
    ]


# --- Files that are not the directory ------------------------------------------------------------


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "file.xlsx"
    for content in (b"", b"Name1,City\nA,B\n", b"PK\x03\x04 and then nothing", b"\xd0\xcf\x11\xe0"):
        path.write_bytes(content)
        with pytest.raises(NotTheDirectory, match=r"not an \.xlsx workbook, or it is cut off"):
            editions.read(path)
    for missing in (tmp_path / "nowhere.xlsx", tmp_path):
        with pytest.raises(NotTheDirectory, match="cannot be opened"):
            editions.read(missing)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    whole = workbook(tmp_path / "whole.xlsx", *lines(40)).read_bytes()
    path = tmp_path / "cut.xlsx"
    for share in range(1, 20):
        path.write_bytes(whole[: len(whole) * share // 20])
        with pytest.raises(NotTheDirectory):
            editions.read(path)


def test_a_damaged_byte_is_noticed_or_harmless(tmp_path):
    """Never an error of another kind, and never other rows than those written."""
    whole = workbook(tmp_path / "whole.xlsx", *lines(5))
    rows = editions.read(whole).listings
    content = whole.read_bytes()
    path = tmp_path / "damaged.xlsx"
    for position in range(0, len(content), 13):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert editions.read(path).listings == rows
        except NotTheDirectory:
            continue


def test_xml_that_is_whole_as_an_archive_but_broken_inside_is_refused(tmp_path):
    path = workbook(tmp_path / "whole.xlsx", *lines(5))
    for member in ("sheet1", "workbook", "sheet2"):
        broken = repacked(
            path, tmp_path / "broken.xlsx", **{member: lambda xml: xml[: len(xml) // 2]}
        )
        with pytest.raises(NotTheDirectory):
            editions.read(broken)


@pytest.mark.parametrize(
    ("headings", "message"),
    [
        (("a", "b"), "This is not the directory: it has no sheet of facilities."),
        (
            [name for name in HEADINGS if name not in ("Zip", "Service_code_info")],
            "The sheet of facilities lacks the column Zip, Service_code_info.",
        ),
    ],
)
def test_a_workbook_without_the_columns_is_refused_naming_them(tmp_path, headings, message):
    path = workbook(tmp_path / "other.xlsx", line(), headings=headings)
    with pytest.raises(NotTheDirectory, match=re.escape(message)):
        editions.read(path)


def test_a_workbook_without_the_second_sheet_or_without_rows_is_refused(tmp_path):
    path = workbook(tmp_path / "one.xlsx", line())
    book = openpyxl.load_workbook(path)
    del book["Service Code Reference"]
    book.save(path)
    with pytest.raises(NotTheDirectory, match="has no sheet of service codes"):
        editions.read(path)
    with pytest.raises(NotTheDirectory, match="no row that can be used: line 2, Name1 is empty"):
        editions.read(workbook(path, line(Name1=None)))
    with pytest.raises(NotTheDirectory, match="sheet of service codes is empty"):
        editions.read(workbook(path, line(), codes=[]))


def test_a_file_that_unpacks_beyond_measure_is_refused_unread(tmp_path, monkeypatch):
    path = workbook(tmp_path / "bomb.xlsx", line())
    monkeypatch.setattr("intake.directory.workbook.MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(NotTheDirectory, match="far more than a directory"):
        editions.read(path)


def test_a_sheet_without_end_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "long.xlsx", *lines(30))
    monkeypatch.setattr("intake.directory.workbook.MOST_LINES", 20)
    with pytest.raises(NotTheDirectory, match="more than 20 lines"):
        editions.read(path)


# --- The invented edition and the real one -------------------------------------------------------


def test_the_invented_edition_is_sound_and_the_same_for_the_same_seed(tmp_path):
    invented.write_directory(tmp_path / "demo.xlsx", seed=4, facilities=80)
    edition = editions.read(tmp_path / "demo.xlsx")
    assert (len(edition.listings), edition.refused, edition.remarks) == (80, (), ())
    assert invented.invented_rows(seed=4) == invented.invented_rows(seed=4)
    assert invented.invented_rows(seed=4) != invented.invented_rows(seed=5)
    phones = [p for one in edition.listings for p in (one.phone, *one.intake_phones) if p]
    assert all(re.fullmatch(r"\d{3}-555-01\d\d", phone) for phone in phones)
    assert len(set(phones)) == len(phones)
    for city in invented.WELL_SERVED:
        served = [one for one in edition.listings if (one.city, one.state) == city]
        assert any(" BDTX " in one.service_codes for one in served)


def test_there_is_no_invented_edition_too_small_or_too_large():
    for facilities in (41, 501):
        with pytest.raises(ValueError, match="42 to 500"):
            invented.invented_rows(facilities=facilities)


def test_the_real_directory_is_read_whole(real_data):
    edition = real_edition(real_data)
    assert (len(edition.listings), edition.refused, edition.remarks) == (12_744, (), ())
    assert len(edition.codes) == 224
    assert all(one.location.latitude and one.location.time_zone for one in edition.listings)
    supervised = [
        one
        for one in edition.listings
        if " BDTX " in one.service_codes
        and (" HID " in one.service_codes or " RD " in one.service_codes)
    ]
    assert len(supervised) == 1_359
    # Two pairs share name, program, address and city; the import tells them apart.
    assert len({identity.base_key(one) for one in edition.listings}) == 12_742
