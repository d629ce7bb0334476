"""The example of an environment file names every variable, and no others."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = {"text", "words", "flag", "number", "folder", "zone", "clock_times", "secret"}
# Variables that programs of ours hand to others, or that others read by themselves.
READ_BY_GUNICORN = {"FORWARDED_ALLOW_IPS"}

pytestmark = pytest.mark.once


def variables_read():
    """Every NAME in env.text("NAME") and its kin, with NAME_FILE for secrets."""
    found = set()
    for path in [*(ROOT / "helpline").glob("*.py"), *(ROOT / "intake").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and is_reader(node.func) and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]+", name.value):
                    found.add(name.value)
                    if node.func.attr == "secret":
                        found.add(f"{name.value}_FILE")
    return found


def is_reader(function):
    if not isinstance(function, ast.Attribute) or function.attr not in READERS:
        return False
    value = function.value
    return (isinstance(value, ast.Name) and value.id == "env") or (
        isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Environment"
    )


def variables_listed():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return [match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))]


def test_every_variable_is_listed_once_and_every_listed_one_is_read():
    assert sorted(variables_listed()) == sorted(variables_read() | READ_BY_GUNICORN)


def test_nothing_reads_the_environment_behind_our_back():
    """os.environ is read by helpline.environment; others only hand it on to their children."""
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*(ROOT / "helpline").glob("*.py"), *(ROOT / "intake").rglob("*.py")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"os\.(getenv|environ\.get|environ\[)", line)
        and "DJANGO_SETTINGS_MODULE" not in line
    ]
    assert not wrong


def test_the_example_itself_is_a_working_environment(tmp_path):
    from helpline.environment import Environment

    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    env = Environment(values)
    assert env.number("PORT", 0) == 8000
    assert env.flag("DEMO", default=False) is True
