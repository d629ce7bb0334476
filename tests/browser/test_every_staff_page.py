"""Every staff page in a real browser: wide, narrow and enlarged, light and dark, as a supervisor.

Which pages there are is asked of the resolver, so that a new one is looked at without being named
here. The pictures in the README come from here: ``make pictures``.
"""

from io import StringIO
from itertools import chain

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from intake.actions import callbacks
from intake.models import Call, Callback
from tests.browser.visits import PICTURES, Visit, faults, picture
from tests.routes import ARGUMENTS, routes

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NARROW, WIDE = (390, "dark"), (1440, "light")
ONLY_FOR_PICTURES = ((390, "light"), (1440, "dark"))
# A screen of 1440 pixels at 200 percent.
ENLARGED = 720
# What a supervisor may not open, what shows another page, and what is no page.
LEFT_OUT = ("/delete/", "/logout/", "/jsi18n/", "/<url>", "/<app_label>/", "/<path:object_id>/")


@pytest.fixture
def house():
    """Some busy days (a whole fortnight for the pictures)."""
    size = (
        {"days": 14, "calls": 400, "seed": 1} if PICTURES else {"days": 4, "calls": 60, "seed": 3}
    )
    call_command("demo", **size, stdout=StringIO())


def addresses():
    """(name, address) of everything under /admin/ that may answer a GET."""
    for route in routes():
        if not route.text.startswith("admin/") or _is_left_out(route):
            continue
        name = "-".join(word for word in route.text.split("/")[1:] if word and "<" not in word)
        if "<" not in route.text:
            yield name or "desk", route.address()
        elif route.takes_record:
            records = route.model.objects.order_by("pk")
            # Its pages differ by what state a record is in.
            for number, record in enumerate(filter(None, (records.last(), records.first()))):
                yield f"{name}-{number}" if number else name, route.address(record.pk)
        else:
            for argument in ARGUMENTS.get(route.text, ())[:1]:
                yield name, route.address(argument)


def _is_left_out(route):
    another_history = route.label == "history" and route.model is not Call
    return another_history or route.text.endswith(LEFT_OUT)


def while_ringing():
    """The same of the desk and of the page of ringing, once the longest waiting was taken up."""
    waiting = Callback.objects.filter(status="open", claimed_by=None).order_by("due_at").first()
    supervisor = User.objects.get(username="sam")
    if waiting is not None:
        callbacks.claim(callback=waiting, by=supervisor, now=timezone.now())
        yield "dial", (reverse("admin:intake_callback_dial", args=[waiting.pk]), True)
        yield "desk-ringing", (reverse("admin:index"), True)


def pages(client):
    """{name: (address, is_new)} of one page for each form and each list.

    ``is_new``: no page before it is made of the same templates.
    """
    found, kinds, made_of = {}, set(), set()
    for name, address in addresses():
        answer = client.get(address)
        # Neither refusals nor files, nor the fragments that a page asks for by itself.
        if answer.status_code != 200 or answer.streaming or b"</html>" not in answer.content:
            continue
        templates = frozenset(str(template.name) for template in answer.templates)
        kind = (templates, type(answer.context.get("form")), answer.context.get("cl") and address)
        if kind not in kinds:
            kinds.add(kind)
            found[name] = (address, templates not in made_of)
            made_of.add(templates)
    return found


def test_every_staff_page_can_be_worked_in(browser, live_server, house, client_for, settings):
    client = client_for(User.objects.get(username="sam"))
    shown = pages(client)
    assert {"desk", "intake-call-add", "intake-call-change", "paper"} <= set(shown)
    visit = Visit(browser, live_server.url, reduced_motion="reduce")
    visit.sign_in(client, settings)
    found = {}
    # Claimed only when its turn comes: the desk is seen with it and without.
    for name, (address, is_new) in chain(shown.items(), while_ringing()):
        _turn(visit.page, WIDE)
        assert visit.page.goto(live_server.url + address).status == 200, address
        found |= _examined(visit.page, name, [WIDE, NARROW] if is_new else [NARROW])
        found[name, "complaints"], visit.complaints[:] = visit.complaints[:], []
    assert {key: wrong for key, wrong in found.items() if wrong} == {}
    visit.close()


def _turn(page, look):
    width, scheme = look
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)


def _examined(page, name, looks):
    found = {}
    for look in looks:
        _turn(page, look)
        found[name, *look] = faults(page, "-".join(map(str, (name, *look))))
    for look in ONLY_FOR_PICTURES if PICTURES else ():
        _turn(page, look)
        picture(page, "-".join(map(str, (name, *look))))
    page.set_viewport_size({"width": ENLARGED, "height": 450})
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found[name, ENLARGED] = ["wider than the screen"]
    return found
