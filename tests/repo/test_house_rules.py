"""Rules about the text of the project itself, which nobody should have to remember."""

import ast
import functools
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.once

TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
STATIC = sorted((ROOT / "intake" / "static").rglob("*.*"))
SOURCES = sorted(path for name in ("intake", "helpline") for path in (ROOT / name).rglob("*.py"))


@functools.cache
def text(path):
    return path.read_text(encoding="utf-8")


@functools.cache
def parsed(path):
    """Every node of a source."""
    return list(ast.walk(ast.parse(text(path))))


def where(path, position=None):
    line = "" if position is None else f":{text(path)[:position].count(chr(10)) + 1}"
    return f"{path.relative_to(ROOT)}{line}"


def found(pattern, paths, *, but=()):
    """Every place where the pattern stands, except the allowed spellings."""
    return [
        f"{where(path, match.start())}: {match[0]}"
        for path in paths
        for match in re.finditer(pattern, text(path), re.IGNORECASE)
        if not any(allowed in match[0] for allowed in but)
    ]


@functools.cache
def calls():
    """(place, name, node) of every call."""
    return [
        (f"{where(path)}:{node.lineno}", ast.unparse(node.func), node)
        for path in SOURCES
        for node in parsed(path)
        if isinstance(node, ast.Call)
    ]


# --- Templates, styles, scripts ------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        r"<style[\s>]",
        r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")[^>]*>",
        r"<[a-z][^<>]*\sstyle\s*=",
        r"<[a-z][^<>]*\son[a-z]+\s*=",
        r"javascript:",
        r"\bnonce=",
    ],
)
def test_no_template_holds_a_script_or_a_style_of_its_own(pattern):
    assert not found(pattern, TEMPLATES)
    # Markup made in code obeys as well.
    assert not found(pattern, [path for path in SOURCES if path.parent.name == "admin"])


ELSEWHERE = r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'<>)}]*"
# A link a frightened person presses to leave, and the name of a file format.
ALLOWED_ELSEWHERE = ("https://www.weather.gov/", "http://www.w3.org/2000/svg")


def test_nothing_comes_from_another_origin():
    assert not found(ELSEWHERE, [*TEMPLATES, *STATIC], but=ALLOWED_ELSEWHERE)
    assert not found(r"@import|url\((?!\"?(?:data:|#))", [p for p in STATIC if p.suffix == ".css"])


def test_the_night_changes_colors_and_nothing_else():
    """So a page that was examined by day has only its colors left to examine (tests/browser)."""
    at_night = r"@media[^{]*prefers-color-scheme[^{]*{(.*?}\s*)}"
    color = r"\s*--[\w-]+:\s*(#[0-9a-f]{3,8}|rgb\([\d ./%]+\));\s*"
    for path in STATIC:
        if path.suffix == ".css":
            for block in re.findall(at_night, text(path), re.DOTALL):
                assert re.fullmatch(rf"\s*:root {{({color})+}}\s*", block), path.name
    assert not found(r"prefers-color-scheme", [path for path in STATIC if path.suffix != ".css"])
    # An operator's own colors, and the sheet of a preview, are written by rules whose tests hold
    # them to the same.
    written = {"intake/rules/branding.py", "intake/rules/preview_style.py"}
    others = [path for path in SOURCES if where(path) not in written]
    assert not found(r"prefers-color-scheme", [*TEMPLATES, *others])


@pytest.mark.parametrize(
    "pattern",
    [
        r"\beval\(",
        r"new Function",
        r"\.(?:inner|outer)HTML",
        r"insertAdjacentHTML",
        r"document\.write",
        r"(?:local|session)Storage(?!\.removeItem\()",
        r"indexedDB",
        r"serviceWorker",
        r"document\.cookie",
        r"sendBeacon",
        r"window\.open",
        # helpline.headers.FEATURES cannot name it.
        r"navigator\W+(?:share|canShare)",
    ],
)
def test_no_script_evaluates_text_or_keeps_anything(pattern):
    assert not found(pattern, [path for path in STATIC if path.suffix == ".js"])


# Help texts are ours, written in code; and a mail in plain text has no markup to escape.
ALLOWED_SAFE = {
    ("_field.html", "field.help_text|safe"),
    ("reminder_staff.txt", "link|safe"),
}


def test_nothing_is_called_safe_that_could_be_data():
    used = {
        (path.name, match[0])
        for path in TEMPLATES
        for match in re.finditer(r"[\w.]+\s*\|\s*safe\b", text(path))
    }
    assert used <= ALLOWED_SAFE
    assert not found(r"{%\s*autoescape|\|\s*safeseq|{%\s*filter\s+safe", TEMPLATES)


def test_no_code_marks_a_text_as_safe():
    # A report in plain text, which the page around it escapes.
    allowed = {"helpline/reporting.py"}
    marked = [
        place
        for place, name, _node in calls()
        if name.rpartition(".")[2] in {"mark_safe", "SafeString", "SafeText"}
        and place.partition(":")[0] not in allowed
    ]
    assert not marked


def test_markup_made_in_code_is_a_literal_with_places_for_its_values():
    loose = [
        place
        for place, name, node in calls()
        if name.rpartition(".")[2] in {"format_html", "format_html_join"}
        and not all(
            isinstance(part, ast.Constant) or (name.endswith("_join") and index == 2)
            for index, part in enumerate(node.args[: 2 if name.endswith("_join") else 1])
        )
    ]
    assert not loose


# --- The admin -----------------------------------------------------------------------------------


def test_no_admin_stands_on_anything_but_the_base():
    """``admin.ModelAdmin`` itself is named once: where the base is made from it."""
    stock = re.compile(r"(?:^|\.)(?:ModelAdmin|UserAdmin|GroupAdmin|\w*Inline(?:ModelAdmin)?)$")
    wrong = []
    for path in SOURCES:
        for node in parsed(path):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base) for base in node.bases]
                is_ours = "HelplineAdmin" in bases or node.name == "HelplineAdmin"
                if any(stock.search(base) for base in bases) and not is_ours:
                    wrong.append(f"{where(path)}:{node.lineno} {node.name}")
    assert not wrong


def test_every_admin_action_declares_its_permissions():
    actions = [(place, node) for place, name, node in calls() if name in {"admin.action", "action"}]
    assert actions
    for place, node in actions:
        assert "permissions" in {keyword.arg for keyword in node.keywords}, place


@pytest.mark.parametrize(
    "option", ["raw_id_fields", "autocomplete_fields", "search_fields", "list_editable", "inlines"]
)
def test_no_admin_sets_an_option_that_the_base_closes(option):
    set_ = []
    for path in (ROOT / "intake" / "admin").rglob("*.py"):
        for node in parsed(path):
            is_set = isinstance(node, ast.Assign) and ast.unparse(node.value) not in {"()", "[]"}
            if is_set and option in [ast.unparse(target) for target in node.targets]:
                set_.append(f"{where(path)}:{node.lineno}")
    assert not set_


# --- Code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "eval",
        "exec",
        "pickle.loads",
        "marshal.loads",
        "yaml.load",
        "os.system",
        "extra",
        "raw",
        "RawSQL",
        "csrf_exempt",
    ],
)
def test_no_code_calls(name):
    last = name.rpartition(".")[2]
    used = [
        place
        for place, called, _node in calls()
        if (
            called == name
            if "." in name or name in {"eval", "exec"}
            else called.rpartition(".")[2] == last
        )
    ]
    assert not used


def test_only_what_is_signed_goes_without_a_token_against_forged_forms():
    exempt = [place.partition(":")[0] for place in found(r"@.*csrf_exempt", SOURCES)]
    assert exempt == ["intake/webhooks.py"]


def test_nothing_is_imported_by_a_name_that_says_nothing():
    for path in SOURCES:
        assert path.stem not in {"utils", "helpers", "misc", "common", "services"}, path


# --- Every file of the repository ----------------------------------------------------------------


def tracked():
    """What a commit would hold; without git (an unpacked archive) every file there is."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in names if path.is_file()]
    skipped = {".venv", "var", "__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)
    ]


@functools.cache
def contents():
    return [(path, path.read_bytes()) for path in tracked()]


def lines_with(needles):
    wanted = list(needles)
    for path, content in contents():
        for needle in wanted:
            if needle.encode() in content:
                yield f"{path.relative_to(ROOT)}: {needle}"


def test_no_file_knows_the_machine_it_was_written_on():
    """Paths of this checkout, of whoever runs the tests, of its temporary folder."""
    folders = {ROOT, ROOT.parent, Path.home(), Path(tempfile.gettempdir())} - {Path("/")}
    assert not list(lines_with(f"{folder}/" for folder in folders))
    assert not list(lines_with(["/home" + "/", "/Users" + "/"]))


def test_no_file_names_the_host_of_a_package_registry():
    """Dependencies are locked by name and hash; where they come from is the installer's affair."""
    hosts = ("pypi", "pythonhosted", "npmjs", "rubygems", "crates", "anaconda")
    assert not list(lines_with(f"{host}.{end}" for host in hosts for end in ("org", "com", "io")))


def test_no_file_holds_a_key():
    """A private key, or a key ring with its keys."""
    needles = ("BEGIN " + "PRIVATE KEY", "BEGIN RSA " + "PRIVATE KEY", "BEGIN EC " + "PRIVATE KEY")
    assert not list(lines_with(needles))


def test_every_phone_number_of_an_invented_person_reaches_nobody():
    """In the tests and the demonstration: 555-0100 to 555-0199 only, where it is a person's."""
    people = [*(ROOT / "intake" / "demonstration").rglob("*.py"), ROOT / "tests" / "casting.py"]
    people += [ROOT / "tests" / "canaries.py", ROOT / "tests" / "callers.py"]
    numbers = [
        f"{where(path)}: {match[0]}"
        for path in people
        for match in re.finditer(r"\+1\d{10}\b|\(\d{3}\) \d{3}-\d{4}", text(path))
        if not re.search(r"555\D?01\d\d$", match[0])
    ]
    assert not numbers
