"""What the templates of change lists need."""

from typing import Any

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()


@register.filter
def names(headers: list[dict[str, Any]]) -> list[str]:
    """What each column is called, in words; a box to tick has no name."""
    return [
        "" if "action-checkbox" in header.get("class_attrib", "") else str(capfirst(header["text"]))
        for header in headers
    ]


@register.filter
def named(cells: Any, names: list[str]) -> SafeString:
    """The cells of a row, each behind the name of its column, which only a narrow screen shows."""
    # Written here: a loop in the template takes as long as all the rest of the list.
    pairs = [(name, cell) for name, cell in zip(names, cells, strict=False) if name]
    boxes = [(cell,) for name, cell in zip(names, cells, strict=False) if not name]
    return format_html_join("", "{}", boxes) + format_html_join(
        "", '<td class="cell-name" aria-hidden="true">{}</td>{}', pairs
    )
