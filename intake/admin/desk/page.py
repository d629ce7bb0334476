"""The page of the desk, and the part of it that a desk left open asks for again and again."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake.actions import events, handovers
from intake.admin.base import staff
from intake.admin.desk import callbacks, oversight, reviews, work
from intake.admin.desk.handovers import to_acknowledge
from intake.admin.desk.queues import Queue, Row, counted, lift_most_pressing
from intake.models import Event

# What the browser has on the page already; the same again is not sent.
SEEN_HEADER = "X-Desk-Seen"
# A list that stands unchanged is written to the audit again after this long.
WRITTEN_AGAIN = timedelta(hours=1)
METHODS = ("GET", "HEAD")


@dataclass
class Desk:
    """Everything one person is shown: ``queues`` in the main column, ``side`` beside it."""

    first: tuple[Queue, Row] | None
    queues: list[Queue]
    side: list[Queue]
    # How many promises and emergencies wait: the number in the title of the page.
    pressing: str
    # The same as long as the page would say the same; minutes that pass do not count.
    stamp: str = ""
    now: datetime | None = None

    @property
    def all_queues(self) -> list[Queue]:
        return [*self.queues, *self.side]

    @property
    def busy(self) -> list[Queue]:
        filled = [queue for queue in self.queues if queue.count or queue.asides]
        # A list emptied by the row on top is left out, unless it is all there is.
        return [queue for queue in filled if not queue.is_said_above] or filled

    @property
    def busy_side(self) -> list[Queue]:
        return [queue for queue in self.side if queue.count or queue.asides]

    @property
    def empty(self) -> list[Queue]:
        """Those with nothing in them: a line each, so that a quiet night looks quiet."""
        return [q for q in self.all_queues if not (q.count or q.asides) and q.empty_title]

    @property
    def rows(self) -> Iterator[Row]:
        if self.first:
            yield self.first[1]
        for queue in self.all_queues:
            yield from queue.rows
            yield from queue.asides

    def ids(self) -> list[str]:
        """Every record that is shown, each once."""
        return list(dict.fromkeys(row.id for row in self.rows))


def _stamp(desk: Desk) -> str:
    text = json.dumps(asdict(desk), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def made(user: User, now: datetime) -> Desk:
    """The desk of one person at ``now``; the number of queries does not depend on how much waits.

    The order of the lists is the order in which their first row may stand on top: who is in
    danger, who is being rung, who was promised, what the last shift says, what is unfinished.
    """
    is_supervisor = user.has_perm("intake.view_reports")
    danger, sheets = work.sheets(user)
    in_hand = callbacks.in_hand(user, now)
    late, soon = callbacks.overdue(user, now), callbacks.due_soon(user, now)
    hand_overs = to_acknowledge(user, now)
    in_danger, to_review = reviews.to_review(now)
    side = [work.insurance(user, now), work.referrals(), work.notices(user, now)]
    overseen = [oversight.for_supervisors(now)] if is_supervisor else []
    pressing = danger.count + in_danger.count + late.count + hand_overs.count
    by_urgency = [
        danger,
        in_hand,
        in_danger,
        late,
        to_review,
        hand_overs,
        soon,
        sheets,
        *overseen,
        *side,
    ]
    desk = Desk(
        first=lift_most_pressing(by_urgency),
        queues=[danger, in_hand, in_danger, late, to_review, soon, sheets, *overseen],
        side=[hand_overs, *side],
        pressing=counted(pressing) if pressing else "",
    )
    desk.stamp, desk.now = _stamp(desk), now
    for row in desk.rows:
        row.tell_time(now)
    return desk


# --- Views ---------------------------------------------------------------------------------------


def urls(site: AdminSite) -> list[URLPattern]:
    """``desk_live``, to stand before the site's own URLs."""
    guarded = site.admin_view(partial(live, site))

    def signed_in(request: HttpRequest) -> HttpResponseBase:
        # To a script, the sign-in form would look like the answer it asked for.
        if request.headers.get("HX-Request") and not site.has_permission(request):
            return HttpResponse(status=401)
        return guarded(request)

    return [path("desk/live/", signed_in, name="desk_live")]


def show(request: HttpRequest, site: AdminSite, extra: dict[str, Any]) -> TemplateResponse:
    """The index page; roles that see no caller get a list of what they may open instead."""
    user, now = staff(request), timezone.now()
    context = {**site.each_context(request), "title": _("Desk"), **extra}
    if not user.has_perm("intake.view_callback"):
        context["app_list"] = site.get_app_list(request)
        return TemplateResponse(request, "admin/index.html", context)
    desk = made(user, now)
    _write_read(user, desk.ids(), now=now)
    shift, _next = handovers.covered(now=now)
    context |= {
        "greeting": _("The desk"),
        "today": date_format(timezone.localtime(now), "l, F j"),
        "shift_ends": _clock(shift.ends_at),
        "as_of": _clock(now),
        "zone": settings.HELPLINE_TIME_ZONE,
        "poll_seconds": settings.DESK_POLL_SECONDS,
        "desk": desk,
    }
    return TemplateResponse(request, "admin/intake/desk.html", context)


def live(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What the desk shows by now, or 204 where the page shows it already.

    Asked for every few seconds with ``X-Helpline-Poll``, which keeps no session alive. An ended
    session is answered with 401, never with the form to sign in.
    """
    user, now = staff(request), timezone.now()
    if not user.has_perm("intake.view_callback"):
        raise PermissionDenied
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    desk = made(user, now)
    if request.headers.get(SEEN_HEADER) == desk.stamp:
        return HttpResponse(status=204)
    shown = desk.ids()
    if shown and not _is_written(user, shown, now=now):
        _write_read(user, shown, now=now)
    return TemplateResponse(
        request,
        "admin/intake/_desk.html",
        {"desk": desk, "has_permission": True},
    )


def _write_read(user: User, shown: list[str], *, now: datetime) -> None:
    events.write("desk.read", by=user, now=now, detail={"ids": shown})


def _is_written(user: User, shown: list[str], *, now: datetime) -> bool:
    """Whether the audit says already that this person's desk showed all of these.

    Opening the desk always writes an event. A desk that refreshes itself writes one only for
    records that the last event of this person's desk, of the hour before, does not name: a night
    of looking at the same ten rows is a dozen events, not two thousand, and still every record
    that was ever on the screen is in one, with the hour.
    """
    last = (
        Event.objects.filter(actor=user, verb="desk.read", at__gt=now - WRITTEN_AGAIN)
        .order_by("-at", "-id")
        .values_list("detail", flat=True)
        .first()
    )
    return last is not None and set(shown) <= set(last.get("ids", ()))


def _clock(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'g:i A')} {local.tzname()}"
