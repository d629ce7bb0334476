"""The import rule of the layers: who may know whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
INTAKE = ROOT / "intake"

pytestmark = pytest.mark.once

# What each layer may import from intake, apart from itself. Nobody may import admin, views or
# tasks, except the URL configuration, which exists to name views.
FACTS = {"rules", "directory"}
BELOW_ACTIONS = FACTS | {"crypto", "models", "insurers", "channels"}
FORMS = BELOW_ACTIONS | {"actions", "reports", "typed_text"}
EDGE = FORMS | {"forms", "proof"}
ALLOWED = {
    "rules": set(),
    "directory": {"rules"},
    "crypto": set(),
    "models": {"rules", "crypto"},
    "insurers": {"rules", "crypto", "models"},
    "channels": {"rules", "crypto", "models"},
    "actions": BELOW_ACTIONS,
    "reports": BELOW_ACTIONS,
    "typed_text": {"rules"},
    "proof": {"crypto"},
    "forms": FORMS,
    "admin": EDGE,
    "views": EDGE,
    "tasks": EDGE,
    "demonstration": BELOW_ACTIONS | {"actions"},
    "management": EDGE | {"demonstration"},
    "webhooks": EDGE,
    "urls": {"views", "webhooks"},
    "templatetags": {"rules", "models", "reports"},
    "apps": {"checks", "crypto"},
    "checks": {"rules", "crypto", "models", "channels", "reports"},
    "migrations": {"crypto", "models"},
}

# `rules` are facts: no framework, no database, no clock.
PURE = {"rules"}
FORBIDDEN_IN_PURE = {"django", "celery", "intake", "helpline", "redis", "psycopg", "environ"}
CLOCKS = {("datetime", "now"), ("datetime", "today"), ("date", "today"), ("time", "time")}


def layer_of(path):
    return path.relative_to(INTAKE).parts[0].removesuffix(".py")


def sources():
    found = sorted(path for path in INTAKE.rglob("*.py") if path != INTAKE / "__init__.py")
    assert found
    return found


def imported_modules(tree, package):
    """Every module a file imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package[: len(package) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            yield base, node.lineno
            # `from intake import views` names the module in the list of names.
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def imports_of(path):
    package = path.relative_to(ROOT).parent.parts
    return imported_modules(ast.parse(path.read_text(encoding="utf-8")), package)


def layers_imported(path):
    """(layer, line) for each import from intake. Names that are no layer are names in intake."""
    known = {layer_of(source) for source in sources()}
    for module, line in imports_of(path):
        parts = module.split(".")
        if parts[0] == "intake" and len(parts) > 1 and parts[1] in known:
            yield parts[1], line


def where(path, line):
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_layer_is_known():
    unknown = {layer_of(path) for path in sources()} - set(ALLOWED)
    assert not unknown, f"say in this file what {unknown} may import"


def test_a_layer_imports_only_what_is_below_it():
    wrong = [
        f"{where(path, line)} {layer_of(path)} imports {layer}"
        for path in sources()
        for layer, line in layers_imported(path)
        if layer not in ALLOWED[layer_of(path)] | {layer_of(path)}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_project_imports_the_app_only_at_its_edge():
    """`helpline` wires; it knows URLs and tasks by name, of the models only the heartbeat, of the
    keys whether they fit, and what a machine watches."""
    wrong = [
        where(path, line)
        for path in sorted((ROOT / "helpline").glob("*.py"))
        for module, line in imports_of(path)
        if module.startswith("intake.")
        and not module.startswith(("intake.models", "intake.crypto", "intake.reports.watch"))
        # `from intake.reports import watch` names both.
        and module != "intake.reports"
    ]
    assert not wrong, "\n".join(wrong)


def test_rules_know_no_framework():
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in sources()
        if layer_of(path) in PURE
        for module, line in imports_of(path)
        if module.split(".")[0] in FORBIDDEN_IN_PURE
        and not module.startswith("intake.rules")
        and module != "intake"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("layer", ["rules", "models", "actions", "reports"])
def test_the_clock_is_an_argument(layer):
    """`now` is read at the edge and handed down."""
    wrong = [
        where(path, node.lineno)
        for path in sources()
        if layer_of(path) == layer
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in {*CLOCKS, ("timezone", "now")}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rule_sees_a_forbidden_import(tmp_path):
    """The rule itself is tried on a file that breaks it, in each spelling."""
    text = (
        "from intake import views\nimport intake.admin.site\nfrom intake.tasks import heartbeat\n"
        "def late():\n    from ..views import desk\n"
    )
    found = {module for module, _ in imported_modules(ast.parse(text), ("intake", "models"))}
    assert {"intake.views", "intake.admin.site", "intake.tasks"} <= found
    assert "intake.views.desk" in found
