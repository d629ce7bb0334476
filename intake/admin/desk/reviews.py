"""Requests on the desk that wait for somebody to look at them: everybody may, and should."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.admin import review_pages
from intake.admin.call_steps import record_url
from intake.admin.desk.queues import Action, Badge, Queue, Row, counted, listed
from intake.models import Callback
from intake.reports import review_queue

Found = tuple[list[Callback], int]

# The page has all of them; a flood must not push the promises off the desk.
ROWS_OF_A_KIND = 3


def to_review(now: datetime) -> tuple[Queue, Queue]:
    """Those who said they are in danger, and the others."""
    in_danger, others = _first_of_each(now)
    shown = [*in_danger[0], *others[0]]
    numbers = review_queue.same_number(shown) if shown else {}
    rows = [[_row(one, numbers[one.pk]) for one in kind] for kind in (in_danger[0], others[0])]
    return _in_danger(rows[0], in_danger[1]), _others(rows[1], others[1])


def _first_of_each(now: datetime) -> tuple[Found, Found]:
    """The first rows in danger and of the others, each with how many there are, up to a bound."""
    kinds = [part.only(*review_pages.COLUMNS) for part in review_queue.parts_of_all(now)]
    heads = [list(kind[: ROWS_OF_A_KIND + 1]) for kind in kinds]
    if all(len(head) <= ROWS_OF_A_KIND for head in heads):
        # On any other day.
        found = [one for head in heads for one in head]
        danger = [one for one in found if one.in_danger]
        rest = [one for one in found if not one.in_danger]
        return (danger, len(danger)), (rest, len(rest))
    parts = [
        listed(part.only(*review_pages.COLUMNS), rows=ROWS_OF_A_KIND)
        for part in review_queue.parts(now)
    ]
    half = len(parts) // 2
    danger_parts, rest_parts = parts[:half], parts[half:]
    return _joined(danger_parts), _joined(rest_parts)


def _joined(parts: Sequence[Found]) -> Found:
    return [one for found, _count in parts for one in found], sum(count for _found, count in parts)


def _in_danger(rows: Sequence[Row], count: int) -> Queue:
    return Queue(
        id="review-danger",
        title=_("In danger, and held for review"),
        tone="late",
        hint=_("They said they are in danger. Look now: nobody rings before that."),
        rows=list(rows),
        count=count,
        first_label=_("Said: in danger. Look at this request"),
        more_url=review_pages.address() if count > len(rows) else "",
        more_label=_("All requests to review"),
        news_one=_("1 new request from somebody in danger"),
        news_many=_("%d new requests from people in danger"),
    )


def _others(rows: Sequence[Row], count: int) -> Queue:
    return Queue(
        id="review",
        title=_("Requests to review"),
        tone="warn",
        hint=_("Held back by the limits of the public form. Nobody rings before somebody looks."),
        rows=list(rows),
        count=count,
        first_label=_("A request waits for somebody to look at it"),
        more_url=review_pages.address(),
        more_label=_("All requests to review"),
        news_one=_("1 new request to review"),
        news_many=_("%d new requests to review"),
        empty_title=_("No request waits for review"),
    )


def _row(callback: Callback, same_number: int) -> Row:
    page = record_url(callback)
    notes = [review_pages.why(callback)]
    if same_number > 1:
        told = ngettext("%(n)s for this number", "%(n)s for this number", same_number)
        notes.append(told % {"n": counted(same_number)})
    return Row(
        id=str(callback.pk),
        reference=callback.reference,
        url=page,
        badge=Badge(_("said: in danger"), "danger") if callback.in_danger else None,
        before=_("Asked"),
        at=callback.requested_at,
        notes=notes,
        action=Action(_("Look"), page),
    )
