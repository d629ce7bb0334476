"""Drafts of call sheets: kept every few seconds, brought back after a mishap, thrown away.

They are no part of the record. Only their beginning and their end are written to the audit; what
was typed goes there with the sheet itself.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events
from intake.actions.base import Refused, save_changes
from intake.models import SheetDraft

# As many characters as four full narratives; a sheet by hand stays far below.
MOST_CHARACTERS = 80_000

Typed = Iterable[tuple[str, str]]


class DraftTooLong(Refused):
    default_message = "This is too long to be kept as a draft. Save the sheet, or shorten it."


class NoDraft(Refused):
    default_message = "There is nothing to throw away."


def keep(*, call_key: UUID, typed: Typed, version: int, by: User, now: datetime) -> SheetDraft:
    """Keep what ``by`` has typed on this sheet in place of what they had before.

    Only the first keeping is written to the audit. What is saved or thrown away at this very moment
    stays away. Raises ``DraftTooLong``.
    """
    pairs = [[name, value] for name, value in typed]
    if sum(len(name) + len(value) for name, value in pairs) > MOST_CHARACTERS:
        raise DraftTooLong
    draft = mine(call_key=call_key, by=by)
    if draft is None:
        return _begin(call_key, pairs, version, by, now)
    _replace(draft, pairs, version, now)
    return draft


def _begin(
    call_key: UUID, pairs: list[list[str]], version: int, by: User, now: datetime
) -> SheetDraft:
    draft = SheetDraft(call_key=call_key, typed_by=by, version=version, typed=pairs, typed_at=now)
    try:
        with transaction.atomic():
            draft.save(force_insert=True)
            events.write("draft.begun", by=by, now=now, subject=draft, detail=_about(call_key))
    except IntegrityError:
        # Two requests of one page at once; either holds what was typed a moment ago.
        draft = mine(call_key=call_key, by=by) or draft
        _replace(draft, pairs, version, now)
    return draft


@transaction.atomic
def _replace(draft: SheetDraft, pairs: list[list[str]], version: int, now: datetime) -> None:
    if SheetDraft.objects.select_for_update().filter(pk=draft.pk).exists():
        save_changes(draft, typed=pairs, version=version, typed_at=now)


def mine(*, call_key: UUID, by: User) -> SheetDraft | None:
    """What ``by`` typed on this sheet and did not save."""
    return SheetDraft.objects.filter(call_key=call_key, typed_by=by).first()


@transaction.atomic
def throw_away(*, call_key: UUID, by: User, now: datetime) -> None:
    """Delete what ``by`` typed on this sheet. Raises ``NoDraft``."""
    draft = mine(call_key=call_key, by=by)
    if draft is None:
        raise NoDraft
    events.write("draft.thrown_away", by=by, now=now, subject=draft, detail=_about(call_key))
    draft.delete()


def was_saved(*, call_key: UUID, by: User) -> None:
    """The sheet holds it now; the draft goes, in the transaction that saves the sheet."""
    SheetDraft.objects.filter(call_key=call_key, typed_by=by).delete()


def _about(call_key: UUID) -> dict[str, str]:
    return {"call": str(call_key)}
