"""The sheet of the public pages, rewritten for a small view of one inside another page.

The view has a shadow root of its own, so nothing of the sheet gets out. In there no ``html`` is, the
window is as wide as the view, and it is day or night as the view says, whatever it is outside.
"""

import re
from typing import Final

# What one rem is in public.css (106.25 % of 16), and in the condition of any media query.
REM: Final = 17
REM_OF_WINDOW: Final = 16
_NIGHT: Final = re.compile(
    r"@media \(prefers-color-scheme: dark\) \{\s*(:root \{[^}]*\})\s*\}", re.DOTALL
)
_WINDOW: Final = re.compile(r"@media \((min|max)-width: ([\d.]+)rem\)")
_FRAME: Final = (
    ":host {{ display: block; container-type: inline-size; overflow: auto; color-scheme: {scheme};"
    " text-align: left; }}\n"
)


def contained(css: str, *, is_night: bool) -> str:
    """``css`` for the shadow root of a view, by day or by night. Its body is ``.page``."""
    css = _NIGHT.sub(r"\1" if is_night else "", css)
    css = re.sub(r"^(\s*):root\b", r"\1:host", css, flags=re.MULTILINE)
    css = re.sub(r"^html\b", ":host", css, flags=re.MULTILINE)
    css = re.sub(r"^body\b", ".page", css, flags=re.MULTILINE)
    css = _WINDOW.sub(lambda found: _of_view(found[1], float(found[2])), css)
    css = re.sub(r"(?<![\w.])(-?[\d.]+)rem\b", lambda found: f"{float(found[1]) * REM:g}px", css)
    css = re.sub(r"(?<=\d)vw\b", "cqw", css)
    # The sheet says `color-scheme: light dark`, which would ask the window.
    css = re.sub(r"color-scheme: light dark;", "", css)
    return _FRAME.format(scheme="dark" if is_night else "light") + css


def _of_view(bound: str, rems: float) -> str:
    return f"@container ({bound}-width: {rems * REM_OF_WINDOW:g}px)"
