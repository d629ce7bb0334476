"""Which colors the public pages may take on, so that everybody can read them, by day and by night.

WCAG 2.2, success criterion 1.4.3: text needs a contrast of 4.5 to 1 with what it stands on. An
operator gives one or two colors; what is filled, washed and written with them follows from these,
by the rules below. The red of the emergency numbers, the focus ring and the way out stay as they
are: whoever needs them must know them again.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

LEAST_CONTRAST: Final = 4.5
# The papers that text in the color stands on, as in static/intake/public.css (a test compares).
DAY_PAPERS: Final = {"paper": "#f7f3ea", "sheet": "#fffdf8", "sunken": "#efe9dc"}
NIGHT_PAPERS: Final = {"paper": "#171a1c", "sheet": "#1f2326", "sunken": "#1a1d20"}
WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
# How much of the color is in a button that the mouse is over.
WASH: Final = 0.12
# Two in a hundred: finer than anybody sees.
STEPS: Final = 50
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")


class NotAColor(ValueError):
    """What was typed is no color; the message says how one is written."""


def parse(text: str) -> str:
    """``#rrggbb`` in lower case, from ``#0E5A66``, ``0e5a66`` or ``#abc``; "" stays "".

    Raises ``NotAColor``.
    """
    digits = text.strip().lower().removeprefix("#")
    if not digits:
        return ""
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    color = f"#{digits}"
    if not _COLOR.fullmatch(color):
        raise NotAColor("Write the color as # and six digits or letters to f, such as #0e5a66.")
    return color


def contrast(one: str, other: str) -> float:
    """The contrast of two colors (``#rrggbb``), 1 to 21, as WCAG 2.2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mixed(color: str, other: str, share: float) -> str:
    """``color`` with ``share`` (0 to 1) of ``other`` in it."""
    pairs = zip(_parts(color), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Palette:
    """What public.css needs: links and edges, filled buttons and what is written on them, and a
    button under the mouse."""

    accent: str
    fill: str
    on_fill: str
    wash: str
    papers: tuple[str, ...]

    @property
    def least_contrast(self) -> float:
        """The worst pair of a text and what it stands on."""
        on_paper = (contrast(self.accent, paper) for paper in (*self.papers, self.wash))
        return min(contrast(self.on_fill, self.fill), *on_paper)

    @property
    def is_readable(self) -> bool:
        return self.least_contrast >= LEAST_CONTRAST


def day(accent: str) -> Palette:
    """The pages by day, in the color as it was given."""
    papers = DAY_PAPERS
    wash = mixed(papers["sheet"], accent, WASH)
    return Palette(accent, accent, WHITE, wash, tuple(papers.values()))


def night(accent: str, accent_dark: str = "") -> Palette:
    """The pages by night, in the color given for them, or in the shade of the other that fits."""
    if not accent_dark:
        accent_dark = _first_readable(_night, accent, WHITE)
    return _night(accent_dark)


def _night(accent: str) -> Palette:
    papers = NIGHT_PAPERS
    wash = mixed(papers["sheet"], accent, WASH)
    # Dark letters on the light color: the same pair as the color on the dark paper.
    return Palette(accent, accent, papers["paper"], wash, tuple(papers.values()))


def nearest_readable_by_day(accent: str) -> str:
    """The color itself, or its first darker shade that can be read by day."""
    return _first_readable(day, accent, BLACK)


def nearest_readable_by_night(accent: str) -> str:
    """The color itself, or its first lighter shade that can be read by night."""
    return _first_readable(_night, accent, WHITE)


def _first_readable(palette: Callable[[str], Palette], color: str, toward: str) -> str:
    shades = (mixed(color, toward, step / STEPS) for step in range(STEPS + 1))
    return next(shade for shade in shades if palette(shade).is_readable)


def refusals(accent: str, accent_dark: str = "") -> Iterator[tuple[str, str]]:
    """What cannot be read, as pairs of field and sentence; nothing where all can."""
    if accent_dark and not accent:
        yield "accent_dark", "Give a color for light screens first."
        return
    if accent and not day(accent).is_readable:
        yield "accent", _refusal(day(accent), "light", "darker", nearest_readable_by_day(accent))
    if accent_dark and not night(accent, accent_dark).is_readable:
        nearest = nearest_readable_by_night(accent_dark)
        yield "accent_dark", _refusal(night(accent, accent_dark), "dark", "lighter", nearest)


def _refusal(palette: Palette, screens: str, direction: str, nearest: str) -> str:
    # Rounded down: 4.49 must not read as 4.5.
    reached = int(palette.least_contrast * 10) / 10
    return (
        f"Too little contrast on {screens} screens: {reached} to 1, and it takes"
        f" {LEAST_CONTRAST} to 1 to be read. The nearest {direction} shade that can be: {nearest}."
    )


def stylesheet(accent: str, accent_dark: str = "") -> str:
    """The few lines that come after public.css. Nothing in them was typed by anybody but colors.

    Raises ``NotAColor`` for anything else.
    """
    colors = [parse(color) for color in (accent, accent_dark)]
    by_day, by_night = _declared(day(colors[0])), _declared(night(*colors))
    return (
        f":root {{\n{by_day}}}\n\n@media (prefers-color-scheme: dark) {{\n  :root {{\n"
        f"{by_night}  }}\n}}\n"
    )


def _declared(palette: Palette) -> str:
    values = {
        "accent": palette.accent,
        "accent-fill": palette.fill,
        "on-accent": palette.on_fill,
        "wash": palette.wash,
    }
    return "".join(f"  --{name}: {color};\n" for name, color in values.items())
