"""Form fields written out by Python: the same HTML as Django's templates, in a fifth of the time.

The call sheet has some two hundred inputs, and Django renders three templates for each of them.
What is not here is rendered as ever. tests/test_rendering.py holds the two against each other.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.forms.renderers import DjangoTemplates
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDGETS: Final = "django/forms/widgets/"


def _attributes(widget: dict[str, Any]) -> SafeString:
    given = [(name, value) for name, value in widget["attrs"].items() if value is not False]
    return format_html_join("", "{}", ((_attribute(name, value),) for name, value in given))


def _attribute(name: str, value: Any) -> SafeString:
    return format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)


def _input(widget: dict[str, Any]) -> SafeString:
    value = widget["value"]
    given = "" if value is None else _attribute("value", _text(value))
    attributes = _attributes(widget)
    kind, name = widget["type"], widget["name"]
    return format_html('<input type="{}" name="{}"{}{}>', kind, name, given, attributes)


def _text(value: Any) -> Any:
    # True is a value here, and no attribute that stands alone.
    return value if isinstance(value, SafeString) else str(value)


def _choice(widget: dict[str, Any]) -> SafeString:
    key = widget["attrs"].get("id")
    owner = _attribute("for", key) if key else ""
    label = widget["label"]
    return format_html("<label{}>{}\n {}</label>\n\n", owner, _input(widget), label)


def _options(widget: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (option for _group, options, _index in widget["optgroups"] for option in options)


def _choices(widget: dict[str, Any]) -> SafeString:
    names = ("id", "class")
    head = [
        (_attribute(name, widget["attrs"][name]),) for name in names if widget["attrs"].get(name)
    ]
    rows = format_html_join(
        "", "<div>\n    {}</div>", ((_choice(option),) for option in _options(widget))
    )
    return format_html("<div{}>{}\n</div>", format_html_join("", "{}", head), rows)


def _select(widget: dict[str, Any]) -> SafeString:
    rows = format_html_join(
        "",
        '\n  <option value="{}"{}>{}</option>\n',
        (
            (_text(option["value"]), _attributes(option), option["label"])
            for option in _options(widget)
        ),
    )
    attributes = _attributes(widget)
    return format_html('<select name="{}"{}>{}\n</select>', widget["name"], attributes, rows)


INPUTS: Final = ("text", "number", "hidden", "checkbox", "input", "date", "datetime", "time")
LISTS: Final[dict[str, Callable[[dict[str, Any]], SafeString]]] = {
    f"{WIDGETS}radio.html": _choices,
    f"{WIDGETS}checkbox_select.html": _choices,
    f"{WIDGETS}select.html": _select,
}
WRITERS: Final = {**LISTS, **{f"{WIDGETS}{name}.html": _input for name in INPUTS}}


class QuickRenderer(DjangoTemplates):
    """Django's renderer, for all but the plain widgets."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> Any:
        write, widget = WRITERS.get(template_name), context.get("widget")
        if write is None or widget is None or not _is_plain(widget):
            return super().render(template_name, context, request)
        return write(widget)


def _is_plain(widget: dict[str, Any]) -> bool:
    """Whether its choices, if any, are one list, each in a label of its own."""
    groups = widget.get("optgroups", ())
    bare = (
        option.get("wrap_label") is False for _group, options, _i in groups for option in options
    )
    return not any(group for group, _options, _index in groups) and not any(bare)


QUICK: Final = QuickRenderer()
