"""What tells a number, and what only looks like it."""

import pytest

from tests.telling import tells


@pytest.mark.parametrize(
    "text",
    [
        "+12025550143",
        "(202) 555-0143",
        "202 555 0143",
        "•••-•••-0143",
        "/people/?q=0143",
        "%2B12025550143&page=2",
        "{'last_four': '0143'}",
    ],
)
def test_a_number_is_told_however_it_is_written(text):
    assert tells(text, "0143")


@pytest.mark.parametrize(
    "text", ["01a20143-eabf-7a11-0143-ce34bbb20143", "token x0143-_y-0143-z", "20 143", "0177"]
)
def test_an_id_that_holds_these_digits_tells_nothing(text):
    assert not tells(text, "0143")
