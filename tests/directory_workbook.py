"""Editions of the directory for tests: invented rows, and files with anything wrong with them."""

import zipfile
from functools import cache

from intake.demonstration.facilities import HEADINGS, write_workbook
from intake.directory import editions

HOSPITAL = {
    "Name1": "Alderbrook Hospital",
    "Name2": "Withdrawal Unit",
    "Street1": "100 Almond Street",
    "City": "Columbus",
    "State": "OH",
    "Zip": "43215",
    "Phone": "614-555-0101",
    "Service_code_info": "SA DT * HID * MD PI * ADTX BDTX * YAD ADLT * FEM MALE",
}


def line(**cells):
    """One line of the facility sheet: a hospital in Columbus, but for the cells given."""
    return {**HOSPITAL, **cells}


def lines(count, **cells):
    """So many different facilities in one city."""
    return [
        line(Name1=f"Kestrel House {number}", Phone=f"614-555-01{number % 100:02}", **cells)
        for number in range(count)
    ]


def workbook(path, *rows, headings=HEADINGS, codes=None):
    """Write the rows (dicts by heading) under the headings; returns the path."""
    table = [[row.get(heading) for heading in headings] for row in rows]
    write_workbook(path, table, headings=headings, codes=codes)
    return path


def repacked(path, target, **replaced):
    """The archive again with some members' bytes passed through a function."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            change = replaced.get(name.rpartition("/")[2].removesuffix(".xml"), bytes)
            copy.writestr(name, change(source.read(name)))
    return target


@cache
def real_edition(folder):
    """The real directory of 2023, read once for all tests of a process."""
    return editions.read(folder / "samhsa" / "national-directory-su-facilities-2023.xlsx")
