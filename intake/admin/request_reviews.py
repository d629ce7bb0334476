"""Requests to review: what the limits of the public form held back, for a human to decide.

The list shows no word of what was typed and reads nothing encrypted, so that a request that cannot
be read stands in it like any other.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from intake.actions import events, reviews
from intake.actions.base import Refused
from intake.admin.base import ROWS_A_PAGE, HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.lists import ListPaginator
from intake.admin.pages import ActionForm
from intake.admin.review_pages import (
    COLUMNS,
    PERMISSION,
    address,
    say_who_stays,
    stay,
    turned_down,
    why,
)
from intake.admin.times import since, staff_time, their_window
from intake.models import Callback, ReviewOrder
from intake.reports import review_queue
from intake.typed_text import TypedChoiceField

Because = Callback.HeldBecause
# All of them may be turned to, however many there are.
MOST_PAGED = 1_000_000


@admin.register(ReviewOrder)
class ReviewOrderAdmin(HelplineAdmin):
    """Who decided about many at once, and how far it came."""

    list_display = ("__str__", "because", "turned_down_because", "ordered", "ordered_by", "decided")
    list_select_related = ("ordered_by",)
    allowed_lookups = ("ordered_by",)
    ordering = ("-id",)

    @admin.display(description=_("ordered"))
    def ordered(self, record: ReviewOrder) -> str:
        return staff_time(record.ordered_at)


# --- All that wait --------------------------------------------------------------------------------


class QueuePaginator(ListPaginator):
    """Pages over the parts of the queue, one after the other."""

    def __init__(self, parts: Sequence[models.QuerySet[Callback]], per_page: int) -> None:
        super().__init__(parts[0], per_page, most=MOST_PAGED)
        self.parts = list(parts)


class DecisionForm(ActionForm):
    """What is pressed under the list: for those that are marked, or for all of one reason."""

    decision = TypedChoiceField(
        choices=[(name, name) for name in ("release", "turn_down", "release_all", "turn_down_all")]
    )
    because = TypedChoiceField(choices=Because.choices, required=False)
    reason = TypedChoiceField(
        label=_("Why nobody rings"),
        choices=[("", _("Why nobody rings")), *Callback.TurnedDownBecause.choices],
        required=False,
    )
    marked = forms.ModelMultipleChoiceField(
        queryset=Callback.objects.none(),
        required=False,
        error_messages={
            "invalid_choice": _("One of these is no request any more. Mark them again."),
            "invalid_pk_value": _("One of these is no request any more. Mark them again."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        marked: Any = self.fields["marked"]
        marked.queryset = Callback.objects.only(*COLUMNS)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        decision = told.get("decision", "")
        if decision.startswith("turn_down") and not told.get("reason"):
            self.add_error(None, _("Say why nobody rings."))
        if decision in ("release", "turn_down"):
            self._check_marked(told)
        return told

    def _check_marked(self, told: dict[str, Any]) -> None:
        # What was marked and is no request has its own message.
        number = len(told.get("marked", "-"))
        if not number:
            self.add_error(None, _("Mark at least one request."))
        elif number > ROWS_A_PAGE:
            self.add_error(None, _("Mark no more than one page of them."))


def queue(model_admin: HelplineAdmin, request: HttpRequest) -> HttpResponse:
    """The list, urgent ones first, and what is decided under it."""
    if not model_admin.may(request, PERMISSION) or not model_admin.has_view_permission(request):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    asked = request.GET.get("because", "")
    because = asked if asked in Because.values else ""
    form = DecisionForm(data=request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            _decide(request, form.cleaned_data, timezone.now())
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            return HttpResponseRedirect(address(because))
    return _page(model_admin, request, form, because)


def _decide(request: HttpRequest, told: dict[str, Any], now: datetime) -> None:
    by = staff(request)
    match told["decision"]:
        case "release":
            _release(request, list(told["marked"]), now)
        case "turn_down":
            reason = told["reason"]
            _each(
                request,
                list(told["marked"]),
                lambda one: reviews.turn_down(callback=one, reason=reason, by=by, now=now),
                lambda done: turned_down(len(done)),
            )
        case decision:
            because, is_turned_down = told["because"], decision == "turn_down_all"
            reason = told["reason"] if is_turned_down else ""
            reviews.order(because=because, turned_down_because=reason, by=by, now=now)
            messages.success(request, __("It is being done. This page says how far it has come."))
            say_who_stays(request, review_queue.in_danger(because) if is_turned_down else 0)


def _release(request: HttpRequest, marked: list[Callback], now: datetime) -> None:
    by = staff(request)
    _each(
        request,
        marked,
        lambda one: reviews.release(callback=one, by=by, now=now),
        _let_through,
    )


def _each(
    request: HttpRequest,
    marked: list[Callback],
    decide: Callable[[Callback], Callback],
    tell: Callable[[Sequence[Callback]], str],
) -> None:
    """Each by itself: one that was decided meanwhile, or cannot be, is named and keeps no other."""
    done: list[Callback] = []
    for one in marked:
        try:
            done.append(decide(one))
        except Refused as refusal:
            messages.warning(request, f"{one.reference}: {refusal.message}")
    if done:
        messages.success(request, tell(done))


def _let_through(done: Sequence[Callback]) -> str:
    opened = sum(one.is_open for one in done)
    told = ngettext(
        "%(n)d request is on the desk now.", "%(n)d requests are on the desk now.", opened
    ) % {"n": opened}
    if opened == len(done):
        return told
    ended = ngettext(
        "%(n)d has ended: its number may not be rung.",
        "%(n)d have ended: their numbers may not be rung.",
        len(done) - opened,
    ) % {"n": len(done) - opened}
    return f"{told} {ended}"


# --- What is shown --------------------------------------------------------------------------------


def _page(
    model_admin: HelplineAdmin, request: HttpRequest, form: DecisionForm | None, because: str
) -> HttpResponse:
    now = timezone.now()
    parts = [part.only(*COLUMNS) for part in review_queue.parts(now, because=because)]
    pages: Paginator[Any] = QueuePaginator(parts, ROWS_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    shown = list(page.object_list)
    events.write(
        "list.read",
        by=staff(request),
        now=now,
        detail={"model": "callback", "ids": [str(one.pk) for one in shown]},
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": __("Requests to review"),
        "form": form or DecisionForm(),
        "because": because,
        "because_label": Because(because).label if because else "",
        "reasons": [_reason(one, now) for one in review_queue.reasons()],
        "orders": [_order(one) for one in ReviewOrder.objects.filter(done_at=None)],
        "rows": _rows(shown, set(request.POST.getlist("marked")), now),
        "page": page,
        "may_turn_all_down": request.user.has_perm("intake.view_reports"),
        "turn_down_reasons": Callback.TurnedDownBecause.choices,
        "all_url": address(),
        "orders_url": reverse("admin:intake_revieworder_changelist")
        if request.user.has_perm("intake.view_revieworder")
        else "",
        "here": address(because),
    }
    status = 422 if form is not None and form.errors else 200
    return TemplateResponse(request, "admin/intake/request_reviews.html", context, status=status)


def _reason(waiting: review_queue.Waiting, now: datetime) -> dict[str, Any]:
    return {
        "code": waiting.because,
        "label": Because(waiting.because).label,
        "number": waiting.number,
        "others": waiting.others,
        "stay": stay(waiting.in_danger),
        "since": since(waiting.since, now),
        "url": address(waiting.because),
        "is_at_once": waiting.because in reviews.AT_ONCE,
    }


def _order(order: ReviewOrder) -> dict[str, Any]:
    return {
        "label": Because(order.because).label,
        "is_release": not order.turned_down_because,
        "decided": order.decided,
    }


def _rows(shown: list[Callback], marked: set[str], now: datetime) -> list[dict[str, Any]]:
    numbers = review_queue.same_number(shown)
    return [
        {
            "id": str(one.pk),
            "reference": one.reference,
            "url": record_url(one),
            "in_danger": one.in_danger,
            "why": why(one),
            "same_number": numbers[one.pk],
            "asked": since(one.requested_at, now),
            "theirs": their_window(one.due_at, one.window_ends_at, one.time_zone),
            "is_past": (one.window_ends_at or one.due_at) <= now,
            "is_marked": str(one.pk) in marked,
        }
        for one in shown
    ]
