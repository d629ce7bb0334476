"""What every action shares: the named refusal and compare-and-set."""

from typing import Any

from django.db import models

from intake.crypto import with_blind_indexes


class Refused(Exception):
    """An action that will not happen, with a sentence fit to show staff.

    Subclasses live beside the action that raises them. The text never holds personal data,
    because it is shown, logged and tested as it stands.
    """

    default_message = "That is not possible now."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.default_message)
        self.message = message or self.default_message


def move(
    record: models.Model,
    *,
    refusal: type[Refused],
    expected: dict[str, Any],
    **changes: Any,
) -> None:
    """Compare-and-set ``changes`` on ``record`` where the row still looks as ``expected``.

    Raises ``refusal`` when it does not, so two people who press at once have one winner.
    The instance is brought up to date on success.
    """
    manager = type(record)._default_manager
    if manager.filter(pk=record.pk, **expected).update(**changes) != 1:
        raise refusal
    for field, value in changes.items():
        setattr(record, field, value)


def save_changes(record: models.Model, **changes: Any) -> None:
    """Set and save just these fields; encrypted columns need this, ``update()`` refuses them."""
    for field, value in changes.items():
        setattr(record, field, value)
    record.save(update_fields=with_blind_indexes(type(record), list(changes)))
