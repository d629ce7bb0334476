"""What a Celery task may be: a bell that rings, with an id at most, and nothing to give back."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.once

PACKAGES = ("intake", "helpline")
SEND = {
    "apply_async",
    "delay",
    "send_task",
    "delay_on_commit",
    "apply_async_on_commit",
    "signature",
}
# Redis redelivers what waits longer than its visibility time-out, so nothing waits there.
WAITING = {"eta", "countdown"}
# How a message travels, not what it carries.
HOW = {"connection", "producer", "retry", "expires"}
ASKS_FOR_RESULTS = {"AsyncResult", "GroupResult", "ResultSet"}


def sources():
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@functools.cache
def everything(word=""):
    """Every node of every file that has this word in it."""
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in sources()}
    return [
        (path, node)
        for path, text in texts.items()
        if word in text
        for node in ast.walk(ast.parse(text))
    ]


def nodes(kind, word=""):
    return [
        (f"{path}:{node.lineno}", node) for path, node in everything(word) if isinstance(node, kind)
    ]


def task_functions():
    """Every function with a task decorator, wherever it is."""
    found = [
        (where, node)
        # Asked while tests are collected, by every process of a run.
        for where, node in nodes(ast.FunctionDef | ast.AsyncFunctionDef, "task")
        if any(
            "task" in name_of(decorator).split(".")[-1:] or "shared_task" in name_of(decorator)
            for decorator in node.decorator_list
        )
    ]
    assert found
    return found


def name_of(node):
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)


EACH = pytest.mark.parametrize(
    ("where", "task"), task_functions(), ids=lambda value: getattr(value, "name", "")
)


def keywords(call):
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def test_every_task_stands_in_one_file():
    outside = [where for where, _ in task_functions() if not where.startswith("intake/tasks.py:")]
    assert not outside


@EACH
def test_a_task_takes_one_id_at_most(where, task):
    given = task.args
    names = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    assert len(names) <= 1, where
    assert all(name == "id" or name.endswith("_id") for name in names), where
    assert [given.vararg, given.kwarg, given.defaults] == [None, None, []], where


@EACH
def test_a_task_says_and_means_that_it_returns_nothing(where, task):
    assert ast.unparse(task.returns) == "None", where
    for node in ast.walk(task):
        if isinstance(node, ast.Return):
            assert node.value is None, where
        assert not isinstance(node, ast.Yield | ast.YieldFrom), where


@EACH
def test_a_task_keeps_no_result_and_retries_nothing_by_itself(where, task):
    """The row says what is to be done again; a retry by Celery would carry its own eta."""
    for decorator in task.decorator_list:
        if isinstance(decorator, ast.Call):
            forbidden = {"bind", "autoretry_for", "max_retries", "retry_backoff", "ignore_result"}
            assert not keywords(decorator) & forbidden, where


def test_every_task_is_rung_by_beat_or_sent_by_name():
    from helpline.celery import app

    scheduled = {entry["task"].rpartition(".")[2] for entry in app.conf.beat_schedule.values()}
    sent = {
        ast.unparse(call.func.value).rpartition(".")[2]
        for _where, call in nodes(ast.Call)
        if isinstance(call.func, ast.Attribute) and call.func.attr in SEND
    }
    for where, task in task_functions():
        assert task.name in scheduled | sent, where


def test_nothing_is_sent_for_later():
    late = [
        where
        for where, call in nodes(ast.Call)
        if keywords(call) & WAITING
        or (isinstance(call.func, ast.Attribute) and call.func.attr == "retry")
    ]
    assert not late


def test_nothing_but_an_id_is_sent():
    """Arguments travel in clear, and a copy of them in the headers of the message."""
    for where, call in nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in SEND:
            # The first is the task's name, when it is sent by name.
            sent_by_name = call.func.attr == "send_task"
            carried = [
                *call.args[sent_by_name:],
                *(item.value for item in call.keywords if item.arg not in HOW),
            ]
            assert all(
                "pk" in ast.unparse(item) or "id" in ast.unparse(item) for item in carried
            ), where


def test_no_result_is_asked_for_and_no_backend_is_named():
    from helpline.celery import app

    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result
    asked = [
        where
        for where, node in nodes(ast.Name | ast.Attribute)
        if (node.id if isinstance(node, ast.Name) else node.attr) in ASKS_FOR_RESULTS
    ]
    assert not asked
    installed = (ROOT / "helpline" / "settings.py").read_text(encoding="utf-8")
    assert "django_celery_results" not in installed
    assert "CELERY_RESULT" not in installed


def test_worker_and_beat_are_two_processes():
    """`worker -B` doubles every bell as soon as there are two workers."""
    for path in [*sources(), ROOT / "docker-compose.yml", ROOT / "Makefile", ROOT / "Dockerfile"]:
        words = path.read_text(encoding="utf-8").replace('"', " ").replace("'", " ").split()
        assert not {"-B", "--beat"} & set(words), path
