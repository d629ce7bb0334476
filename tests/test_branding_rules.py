"""An operator's colors: each can be read on every paper, by day and by night."""

import re
from pathlib import Path

import pytest
from django.conf import settings as project
from hypothesis import given
from hypothesis import strategies as st

from intake.rules import branding as colors
from intake.rules.preview_style import contained

pytestmark = pytest.mark.once

PUBLIC_CSS = Path(project.BASE_DIR) / "intake" / "static" / "intake" / "public.css"
COLOR = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def tokens(block):
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def sheet():
    """The variables of public.css by day and by night."""
    text = PUBLIC_CSS.read_text(encoding="utf-8")
    day, night = re.findall(r":root \{([^}]*)\}", text)[:2]
    return tokens(day), tokens(night)


def test_the_rule_knows_the_papers_of_the_public_pages():
    """If this fails, public.css has changed: change intake/rules/branding.py with it."""
    day, night = sheet()
    assert {name: day[name] for name in colors.DAY_PAPERS} == colors.DAY_PAPERS
    assert {name: night[name] for name in colors.NIGHT_PAPERS} == colors.NIGHT_PAPERS


def test_the_style_sets_only_variables_the_public_pages_have():
    day, night = re.findall(r":root \{([^}]*)\}", colors.stylesheet("#7a2048"))
    assert set(tokens(day)) == set(tokens(night)) == {"accent", "accent-fill", "on-accent", "wash"}
    assert set(tokens(day)) <= set(sheet()[0])


@given(COLOR, st.one_of(st.just(""), COLOR))
def test_every_color_that_passes_can_be_read_by_day_and_by_night(accent, accent_dark):
    refused = dict(colors.refusals(accent, accent_dark))
    if not refused:
        palettes = (colors.day(accent), colors.night(accent, accent_dark))
        for palette in palettes:
            for paper in (*palette.papers, palette.wash):
                assert colors.contrast(palette.accent, paper) >= 4.5
            assert colors.contrast(palette.on_fill, palette.fill) >= 4.5
    for sentence in refused.values():
        nearest = re.findall(r"#[0-9a-f]{6}", sentence)
        assert nearest, sentence
    assert colors.day(colors.nearest_readable_by_day(accent)).is_readable
    assert colors.night(accent).is_readable


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0e5a66", "#0e5a66", 1.0)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert colors.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert colors.contrast(other, one) == colors.contrast(one, other)


@pytest.mark.parametrize(
    ("typed", "color"),
    [("#0E5A66", "#0e5a66"), (" 0e5a66 ", "#0e5a66"), ("#abc", "#aabbcc"), ("", ""), ("#", "")],
)
def test_a_color_is_read_as_people_write_it(typed, color):
    assert colors.parse(typed) == color


@pytest.mark.parametrize(
    "typed",
    [
        "red",
        "#12345",
        "#1234567",
        "rgb(1,2,3)",
        "#0e5a66;}",
        "url(x)",
        "#\u0660e5a66",
        "expression()",
    ],
)
def test_what_is_no_color_gets_into_no_style(typed):
    with pytest.raises(colors.NotAColor):
        colors.parse(typed)
    with pytest.raises(colors.NotAColor):
        colors.stylesheet(typed)


def test_by_night_the_style_changes_colors_and_nothing_else():
    """As tests/repo/test_house_rules.py asks of every sheet."""
    style = colors.stylesheet("#7a2048", "#d99ab8")
    night = style.partition("@media (prefers-color-scheme: dark) {")[2]
    lines = [line.strip() for line in night.splitlines() if line.strip()]
    assert lines[0] == ":root {"
    assert lines[-2:] == ["}", "}"]
    assert all(re.fullmatch(r"--[\w-]+: #[0-9a-f]{6};", line) for line in lines[1:-2])
    assert "url(" not in style


def test_the_sheet_of_a_view_speaks_of_the_view_and_not_of_the_window():
    css = PUBLIC_CSS.read_text(encoding="utf-8") + colors.stylesheet("#7a2048", "#d99ab8")
    for is_night, kept, gone in ((False, "#7a2048", "#d99ab8"), (True, "#d99ab8", None)):
        made = contained(css, is_night=is_night)
        assert not re.search(r":root|^html|^body|prefers-color-scheme|\d(?:rem|vw)\b", made, re.M)
        assert kept in made
        assert gone is None or gone not in made
        assert "@container (min-width: 768px)" in made
        assert not re.search(r"@media[^{]*width", made)
        assert made.count("{") == made.count("}")
