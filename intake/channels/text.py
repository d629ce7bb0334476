"""A text to the person who was promised a call."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import IntegrityError, transaction

from intake.channels import gateways
from intake.channels.base import Carrier, ChannelDown, GaveUp, NobodyToTell
from intake.channels.gateways.base import GatewayDown, Line, Text, TextRefused, TextUnknown
from intake.models import Callback, Reminder, TextMessage
from intake.rules import text_wordings


def nobody_decided(reminder: Reminder, callback: Callback, now: datetime) -> str:
    return "nobody_decided"


class TextChannel(Carrier):
    """Promise: at most once. The mark "sent" is committed before the gateway is asked, and a unique
    key on (reminder, plan) refuses a second text; whatever dies in between, no text goes twice.

    Shortly before the promised time and never after it; only to somebody who said yes to texts,
    inside their calling hours at the moment of sending, not to a number that is blocked or may not
    be called, not once the promise is kept, ended or moved. It counts as one of the tries in 24
    hours, and is left out where the call itself would then be one too many. It says neither who we
    are nor what about (``rules.text_wordings``). What was refused, or may have been sent, is never
    sent again: a supervisor sees it.
    """

    name = Reminder.Channel.TEXT
    stages: ClassVar[frozenset[str]] = frozenset({Reminder.Stage.DUE_SOON})
    # Each may take ``gateways.base.LONGEST``, and all of them fit into one lease.
    batch_size = 2
    # Who may be texted when is for ``actions.texts`` to say: it puts its answer here (the code of
    # the reason against it, or ""). Until it has, nobody is texted.
    why_not: ClassVar[Callable[[Reminder, Callback, datetime], str]] = staticmethod(nobody_decided)

    def wants(self, callback: Callback, stage: str) -> bool:
        """No text is planned where texts are off, or for whom did not ask for them."""
        if settings.TEXT_GATEWAY == "off" or stage not in self.stages:
            return False
        person = callback.person
        return bool(person.phone) and person.text_ok and person.safe_to_call

    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool:
        gateway = gateways.chosen()
        if gateway is None or type(self).why_not(reminder, callback, now):
            raise NobodyToTell
        wording = text_wordings.before_a_call(
            due_at=callback.due_at, zone=callback.time_zone, language=callback.person.language
        )
        text = Text(
            to=str(callback.person.phone),
            body=wording.body,
            key=f"{reminder.pk}.{reminder.plan}",
            at=now,
        )
        try:
            with gateway.reached() as line:
                message = _marked(reminder, wording.version, now, finish)
                if message is not None:
                    _send(line, text, message)
        except GatewayDown as error:
            raise ChannelDown from error
        return message is not None


def _marked(
    reminder: Reminder, wording: str, now: datetime, finish: Callable[[], bool]
) -> TextMessage | None:
    """The row of this one text, committed together with the mark; None when the lease is gone."""
    message = TextMessage(reminder=reminder, plan=reminder.plan, wording=wording, tried_at=now)
    try:
        with transaction.atomic():
            if not finish():
                return None
            message.save(force_insert=True)
    except IntegrityError as error:
        raise GaveUp("text_tried_before") from error
    return message


def _send(line: Line, text: Text, message: TextMessage) -> None:
    outcome, code = TextMessage.Outcome.UNKNOWN, "unknown_fault"
    try:
        line.send(text)
    except GatewayDown:
        outcome, code = TextMessage.Outcome.NOT_SENT, "gateway_down"
        raise
    except TextUnknown as error:
        code = error.code
        raise GaveUp(f"text_{code}") from error
    except TextRefused as error:
        outcome, code = TextMessage.Outcome.REFUSED, error.code
        raise GaveUp(f"text_{code}") from error
    except Exception as error:
        raise GaveUp(f"text_{code}") from error
    else:
        outcome, code = TextMessage.Outcome.ACCEPTED, ""
    finally:
        TextMessage.objects.filter(pk=message.pk).update(outcome=outcome, code=code)
