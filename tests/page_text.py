"""What somebody reads on a page, or hears: its texts by block, with the labels nobody sees."""

import re
from html.parser import HTMLParser

# Within these a sentence goes on.
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "code",
        "em",
        "i",
        "small",
        "span",
        "strong",
        "svg",
        "path",
        "use",
        "img",
    ]
)
_UNSEEN = frozenset(("script", "style"))
_VOID = frozenset(("input", "meta", "link", "img", "br", "hr", "path", "use"))
_SPOKEN = ("aria-label", "alt", "title", "placeholder")
# So is the word on a button that is an input.
_BUTTONS = ("submit", "button")


class _Reader(HTMLParser):
    def __init__(self, language: str, own_language: str) -> None:
        super().__init__()
        self.language = language
        self.open: list[tuple[str, str]] = [("", own_language)]
        self.lines = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        spoken_in = (given.get("lang") or self.open[-1][1])[:2]
        if tag not in _INLINE:
            self.lines.append("")
        labels = [given.get(name) for name in _SPOKEN]
        if given.get("type") in _BUTTONS:
            labels.append(given.get("value") if tag == "input" else None)
        if spoken_in == self.language:
            self.lines += [label for label in labels if label]
            if any(labels):
                self.lines.append("")
        if tag not in _VOID:
            self.open.append((tag, spoken_in))

    def handle_endtag(self, tag: str) -> None:
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            pass
        if tag not in _INLINE:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        tag, spoken_in = self.open[-1]
        if tag not in _UNSEEN and spoken_in == self.language:
            self.lines[-1] += data


def lines_of(page: str, *, language: str, main: bool = False) -> list[str]:
    """The texts of a page that are in this language, as ``lang`` says, in their order."""
    own = re.search(r"<html[^>]*\blang=\"([\w-]+)\"", page)
    if main:
        page = re.search(r"<main.*</main>", page, re.DOTALL)[0]
    reader = _Reader(language, own[1][:2] if own else language)
    reader.feed(page)
    return [line for line in (" ".join(line.split()) for line in reader.lines) if line]
