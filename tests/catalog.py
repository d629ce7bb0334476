"""`make messages`: collects every word a visitor may read, and compiles its translation.

The public pages are in two languages, the staff's in one. So only what callers see is collected:
the public templates and whatever they extend or include, the error pages, the code behind them,
and the sentences of the rules that reach them. What is new stands in the catalog without a
translation until somebody writes one (tests/repo/test_catalog.py says which).
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
LANGUAGES = ("es",)

# What a visitor may be shown; the pieces these include are found by following them.
PAGES = ("public/**/*.html", "[45]*.html")
CODE = (
    "intake/views.py",
    "intake/views/*.py",
    "intake/forms.py",
    "intake/forms/*.py",
    "intake/proof.py",
    "intake/public_words.py",
    "intake/typed_text.py",
)
# Of a model only the choices that callers read; the rest of its words are for staff.
CHOICES = {"intake/models/answers.py": ("Topic",)}
# Rules know no gettext: they answer in plain English, which the forms translate.
SENTENCES = ("intake/rules/phones.py",)
# Django's own word for it is "a.m.", which is not how Spanish writes it.
OF_DJANGO = ("a.m.", "p.m.")

KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
# Headers that say nothing about a catalog that lives in a repository.
_OF_NO_USE = re.compile(
    rb'^"(?:Project|Report|POT|PO|Last|Language-Team|Generated)-?[^\n]*\n', re.MULTILINE
)
_INCLUDED = re.compile(r"{%\s*(?:include|extends)\s+\"([^\"]+)\"")


def po_file(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def mo_file(language: str) -> Path:
    return po_file(language).with_suffix(".mo")


# --- What is said --------------------------------------------------------------------------------


def said() -> Catalog:
    """Every message of the public pages, in the order of the files it stands in."""
    catalog = Catalog(domain="django", charset="utf-8")
    for place, found in _everything():
        for _line, message, comments, context in found:
            catalog.add(
                message, None, [(place, None)], auto_comments=comments, context=context or None
            )
    return catalog


def _everything() -> Iterator[tuple[str, list]]:
    for path in templates():
        yield _place(path), _extracted(_as_python(path))
    for path in sorted(path for pattern in CODE for path in ROOT.glob(pattern)):
        yield _place(path), _extracted(path.read_text(encoding="utf-8"))
    for name, classes in CHOICES.items():
        for text in _classes(ROOT / name, classes):
            yield name, _extracted(text)
    for name in SENTENCES:
        yield name, [(0, text, [], None) for text in sentences(ROOT / name)]
    yield "django", [(0, text, [], None) for text in OF_DJANGO]


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _extracted(text: str) -> list:
    """(line, message or (singular, plural), comments, context) of each call to gettext."""
    source = io.BytesIO(text.encode())
    options = {"encoding": "utf-8"}
    return list(extract("python", source, KEYWORDS, ("Translators:",), options))


def templates() -> list[Path]:
    """The templates of the public pages, and all they extend or include."""
    waiting = [path for pattern in PAGES for path in TEMPLATES.glob(pattern)]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            text = path.read_text(encoding="utf-8")
            waiting += [TEMPLATES / name for name in _INCLUDED.findall(text)]
    return sorted(found)


def _as_python(path: Path) -> str:
    """Django's own stand-in for a template, whose lines begin anywhere: no code has to run."""
    text = templatize(path.read_text(encoding="utf-8"))
    return "\n".join(line.strip() for line in text.splitlines()) + "\n"


def _classes(path: Path, names: tuple[str, ...]) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.name in names:
            yield ast.get_source_segment(text, node) or ""


def sentences(path: Path) -> list[str]:
    """The texts of a rule that are sentences: they end with a full stop and explain no code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    notes = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in notes
        and re.fullmatch(r"[A-Z0-9].* .*\.", node.value)
    ]
    return list(dict.fromkeys(texts))


# --- What it is in another language --------------------------------------------------------------


def translated(language: str) -> Catalog:
    """The catalog as it stands in the repository; empty if there is none yet."""
    path = po_file(language)
    if not path.exists():
        return Catalog(locale=language, domain="django")
    with path.open("rb") as file:
        return read_po(file, locale=language, domain="django")


def brought_up_to_date(language: str) -> Catalog:
    """The translations of what is said today: nothing guessed, nothing kept that nobody says."""
    known = translated(language)
    catalog = Catalog(
        locale=language,
        domain="django",
        header_comment=f"# {language}: the public pages. Collected by `make messages`.",
        fuzzy=False,
        # Always the same, so that the compiled file is too.
        creation_date=datetime(2026, 1, 1, tzinfo=UTC),
        revision_date=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for message in said():
        if not message.id:
            continue
        before = known.get(_key(message.id), message.context)
        catalog.add(
            message.id,
            before.string if before else _nothing(message.id),
            message.locations,
            flags=message.flags | (before.flags if before else set()),
            auto_comments=message.auto_comments,
            user_comments=before.user_comments if before else (),
            context=message.context,
        )
    return catalog


def _key(message_id: str | tuple[str, ...]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _nothing(message_id: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return "" if isinstance(message_id, str) else ("", "")


def write(language: str) -> list[str]:
    """Write both files anew; the messages that have no translation."""
    catalog = brought_up_to_date(language)
    po_file(language).parent.mkdir(parents=True, exist_ok=True)
    text = io.BytesIO()
    write_po(text, catalog, width=100, include_lineno=False)
    po_file(language).write_bytes(_OF_NO_USE.sub(b"", text.getvalue()))
    with mo_file(language).open("wb") as file:
        write_mo(file, catalog)
    return untranslated(catalog)


def untranslated(catalog: Catalog) -> list[str]:
    return [
        _key(message.id) for message in catalog if message.id and not all(_strings(message.string))
    ]


def _strings(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def main() -> int:
    for language in LANGUAGES:
        missing = write(language)
        print(f"{_place(po_file(language))}: {len(missing)} without a translation")
        for text in missing:
            print(f"  {text}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
