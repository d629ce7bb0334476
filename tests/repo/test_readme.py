"""The commands of the README are commands that exist; those that can be run here, are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
# They start servers, install packages or need an engine; other tests, or CI itself, run them.
RUN_ELSEWHERE = re.compile(
    r"^(make (run|test|check|bench)|docker |git clone|cd |cp |sudo |\.ci/run)"
)
# Those that only show something.
SAFE_TO_RUN = {"check", "showmigrations", "diffsettings"}

pytestmark = pytest.mark.once


def commands():
    """(page, line) of every line in a console block."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"```(?:console|sh|bash|shell)\n(.*?)```", text, re.DOTALL):
            joined = block.replace("\\\n", " ")
            for line in joined.splitlines():
                command = line.strip().removeprefix("$ ").partition("  #")[0].strip()
                if command and not command.startswith("#"):
                    yield page, command


ALL = list(commands())


def make_targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


def without_variables(command):
    """`PORT=9000 make run` and `make run PORT=9000` both run make run."""
    return " ".join(word for word in command.split() if not re.match(r"[A-Z_]+=", word))


@pytest.mark.parametrize(("page", "command"), ALL)
def test_a_documented_command_exists(page, command):
    plain = without_variables(command)
    if plain.startswith("make "):
        assert set(plain.split()[1:]) <= make_targets()
    elif match := re.search(r"manage\.py (\w+)(.*)", plain):
        assert_options_exist(match[1], match[2].split())
    else:
        assert RUN_ELSEWHERE.match(plain) or SAFE_TO_RUN & set(plain.split()), command


def assert_options_exist(name, words):
    known = get_commands()
    assert name in known, f"manage.py {name}"
    app = known[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    help_text = command.create_parser("manage.py", name).format_help()
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in help_text, f"manage.py {name} {word}"


def test_the_readme_names_the_two_commands():
    named = {without_variables(command) for page, command in ALL if page == "README.md"}
    assert {"make run", "make test"} <= named


@pytest.mark.parametrize(
    "command",
    [command for _, command in ALL if re.search(r"manage\.py (check|showmigrations)", command)],
)
def test_a_harmless_documented_command_runs(command):
    words = re.search(r"manage\.py (.*)", without_variables(command))[1].split()
    subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES)
def test_a_linked_file_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
