"""Every staff page in a real browser: wide and narrow, light and dark, with nothing to complain of.

The picture of the desk in the README comes from here: ``make pictures``.
"""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from intake.models import Call, Callback, InsuranceCheck, Referral
from tests.browser.visits import PICTURES, Visit, faults
from tests.conftest import ensure_roles

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LOOKS = [
    pytest.param(width, scheme, id=f"{width}-{scheme}")
    for width in (390, 1440)
    for scheme in ("light", "dark")
]


@pytest.fixture
def house():
    """Some busy days (a whole fortnight for the pictures), and the log-ins of their staff."""
    ensure_roles()
    printed = StringIO()
    size = (
        {"days": 14, "calls": 400, "seed": 1} if PICTURES else {"days": 4, "calls": 60, "seed": 3}
    )
    call_command("demo", **size, stdout=printed)
    lines = [line.rpartition(": ") for line in printed.getvalue().splitlines()]
    return {role: log_in.split() for role, _colon, log_in in lines}


def signed_in(browser, live_server, log_in, **options):
    visit = Visit(browser, live_server.url, **options)
    page = visit.page
    page.goto(live_server.url + reverse("admin:index"))
    username, password = log_in
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_url("**/admin/")
    return visit


def pages():
    """One of each kind of page a supervisor may open."""
    yield "desk", reverse("admin:index")
    for model in (Call, InsuranceCheck, Referral, Callback):
        name = model._meta.model_name
        yield f"{name}-list", reverse(f"admin:intake_{name}_changelist")
        record = model.objects.order_by("pk").first()
        if record is not None:
            yield name, reverse(f"admin:intake_{name}_change", args=[record.pk])
    waiting = Callback.objects.filter(status="open").order_by("due_at").first()
    if waiting is not None:
        yield "dial", reverse("admin:intake_callback_dial", args=[waiting.pk])
    yield "log-a-call", reverse("admin:intake_call_add")
    yield "reports", reverse("admin:reports")
    yield "facilities", reverse("admin:intake_facility_changelist")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_staff_page_can_be_worked_in(browser, live_server, house, width, scheme):
    visit = signed_in(
        browser,
        live_server,
        house["supervisor"],
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    found = {}
    for name, path in pages():
        assert visit.page.goto(live_server.url + path).status == 200, path
        found[name] = faults(visit.page, f"{name}-{width}-{scheme}")
    visit.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_desk_is_worked_by_keyboard_alone(browser, live_server, house):
    visit = signed_in(browser, live_server, house["agent"], viewport={"width": 1440, "height": 900})
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    reached = set()
    for _press in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"
            " + getComputedStyle(document.activeElement).boxShadow"
        )
        assert outline != "nonenone", page.evaluate("document.activeElement.outerHTML")
    assert {"Log a call", "Callbacks", "Calls"} <= reached
    visit.close()
