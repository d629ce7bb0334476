"""Somebody who fills in every form there is and presses every button of it, with canaries."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction

from tests.canaries import PREFIX, Canary
from tests.routes import route_of
from tests.visitor import Page
from tests.walk import request, table_rows, texts_of

# They would end the work of this role.
NOT_PRESSED = ("/logout/", "/password_change/", "/login/")
# Left as the page offers them: answering these would contradict another answer.
LEFT_ALONE = {"on", "csrfmiddlewaretoken"}
LEFT_ALONE_ENDINGS = ("DELETE", "do_not_call")
# Moments that have to lie in the past.
PAST = ("started_at", "ended_at", "last_used_at", "birth_date", "arrived_at", "acted_at")
PREFERRED = {"about_other"}
# Staff have names and addresses too, and those are no secret.
ABOUT_STAFF = "/admin/auth/"


class Typist:
    """One role at work. Every press starts from the same world, and is taken back afterwards.

    ``pressed`` is shared by all roles: what one has done, the next does not do again. ``visits``
    is all that came back, ``stored`` the columns in which a canary was found in clear.
    """

    def __init__(self, world, role, client, *, clock, pressed):
        self.world, self.role, self.client = world, role, client
        self.clock, self.now, self.pressed = clock, world.now, pressed
        self.visits, self.stored = [], []

    def press_everything(self, page):
        """Send every form of a page that was shown, with each button, until it was taken once."""
        for form in forms_of(page):
            path = urlsplit(urljoin(page.address, form.action)).path
            if path.endswith(NOT_PRESSED):
                continue
            for button in form.buttons or [("", "", "")]:
                attempt, kind = (path, *button[:2]), (route_of(path), *button[:2])
                if not {attempt, kind} & self.pressed:
                    with transaction.atomic():
                        status = self.press(page.address, page.route, form, button)
                        transaction.set_rollback(True)
                    self.pressed.add(kind if status == HTTPStatus.FOUND else attempt)

    def press(self, address, route, form, button):
        # Nobody fills in a form in no time, and the public one notices.
        self.clock.shift(5)
        self.is_about_staff = address.startswith(ABOUT_STAFF)
        data = self.filled(form)
        if button[0]:
            data[button[0]] = [button[1]]
        self.data = data
        sent = self.visit("POST", urljoin(address, form.action), data, route)
        # Before the next page takes its messages out of the session.
        self.look_into_the_database(sent, list(table_rows()))
        if target := sent.headers.get("Location"):
            self.visit("GET", target, None, route)
        return sent.status

    def look_into_the_database(self, sent, tables):
        columns = texts_of(tables)
        if self.world.sightings("\n".join(columns.values())):
            for column, text in columns.items():
                if seen := self.world.sightings(text):
                    self.stored.append(f"{sent}: {column} holds {seen}")
        if LogEntry.objects.exists():
            self.stored.append(f"{sent}: something is written to the admin log")
        for session in Session.objects.all():
            if seen := self.world.sightings(session.get_decoded()):
                self.stored.append(f"{sent}: the session holds {seen}")

    def visit(self, method, address, data, route):
        address = address.partition("#")[0]
        found = request(self.client, method, address, data, role=self.role, route=route)
        self.visits.append(found)
        return found

    # --- what is typed --------------------------------------------------------------------------

    def filled(self, form):
        """An answer to every field: whatever text is asked for is a canary."""
        answers = {name: self.answer(form, name) for name in sorted(form.names)}
        return {name: answer for name, answer in answers.items() if answer}

    def answer(self, form, name):
        kind, kept = form.kinds[name], form.values.get(name, [])
        is_left = name in LEFT_ALONE or name.endswith(LEFT_ALONE_ENDINGS)
        if kind in {"hidden", "password", "file"} or is_left:
            return kept
        if name in form.choices:
            offered = [choice for choice in form.choices[name] if choice]
            preferred = [choice for choice in offered if choice in PREFERRED]
            return preferred or (kept if any(kept) else offered[:1])
        return [self.typed(name, kind)]

    def typed(self, name, kind):
        if kind in {"date", "datetime-local"}:
            day = timedelta(days=-1 if name.endswith(PAST) else 1)
            return f"{self.now + day:%Y-%m-%d}" + ("T10:00" if kind == "datetime-local" else "")
        if kind == "time":
            return "17:30" if "until" in name else "09:30"
        if name.endswith("last_used_at"):
            return "yesterday"
        if kind == "tel":
            return self.number()
        if "zip" in name:
            return "20001"
        if kind in {"number", "numeric", "decimal"}:
            return "3"
        return self.token(name, suffix="@example.org" if kind == "email" else "")

    def token(self, name, suffix=""):
        if self.is_about_staff:
            return f"staff-{secrets.token_hex(5)}{suffix}"
        text = f"{PREFIX}-typed-{secrets.token_hex(5)}"
        self.world.canaries.append(Canary(f"typed into {name} by {self.role}", (text,)))
        return text + suffix

    def number(self):
        planter = self.world.planter
        planter.count += 1
        number, needles = planter.phone("")
        planter.canaries.append(Canary(f"number typed by {self.role}", needles))
        return number


def forms_of(page):
    if page.status != 200 or not page.is_page:
        return []
    return [form for form in Page(page.address, 200, page.body).forms if form.method == "post"]
