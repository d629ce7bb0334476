"""The codes of a callback: where it came from, where it stands, and why."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.TextChoices):
    AGENT = "agent", _("Promised on a call")
    WEB = "web", _("Public web form")
    PHONE = "phone", _("Phone system")


class WhoFor(models.TextChoices):
    ME = "me", _("Themselves")
    SOMEONE = "someone", _("Someone they care about")
    PATIENT = "patient", _("A patient")


class Urgency(models.TextChoices):
    URGENT = "urgent", _("Urgent")
    HIGH = "high", _("High")
    ROUTINE = "routine", _("Routine")


class Status(models.TextChoices):
    # Stored by the public form; the next sweep looks at its number (actions.admission).
    RECEIVED = "received", _("Received")
    # Nobody is rung for it until somebody has looked at it.
    HELD = "held", _("Waiting for review")
    OPEN = "open", _("Open")
    REACHED = "reached", _("Reached")
    EXHAUSTED = "exhausted", _("Not reached after every try")
    DECLINED = "declined", _("Person declined")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    CANCELLED = "cancelled", _("Cancelled")


class HeldBecause(models.TextChoices):
    """Why a request from the public form waits for a human eye."""

    CEILING = "ceiling", _("More requests came in within an hour than usual")
    NUMBER = "number", _("Several requests for this number within a day")
    UNPROVEN = "unproven", _("Sent without the proof we asked the browser for")
    STOPPED = "stopped", _("Somebody asked online that this number not be called")
    FAILED = "failed", _("It could not be looked at by itself")


class TurnedDownBecause(models.TextChoices):
    """Why nobody rings for a request that somebody looked at."""

    NOT_GENUINE = "not_genuine", _("Not a genuine request")
    DUPLICATE = "duplicate", _("The same as another request")
    HELPED = "helped", _("They were helped already")
    WITHDRAWN = "withdrawn", _("They do not want the call any more")
    SUPERVISOR = "supervisor", _("A supervisor decided so")


class HandOverReason(models.TextChoices):
    """Why it went to somebody else. A code of the audit; no column holds it."""

    SHIFT_ENDS = "shift_ends", _("My shift ends")
    BUSY = "busy", _("I am on another call")
    LANGUAGE = "language", _("They need another language")
    ASKED_FOR = "asked_for", _("They asked for this colleague")
    KNOWN = "known", _("I know this person")
    CLINICIAN = "clinician", _("It needs somebody with clinical training")
    SHARED_OUT = "shared_out", _("Shared out by a supervisor")


# What has not ended: rung when due, or waiting to be let in.
PENDING = (Status.RECEIVED, Status.HELD, Status.OPEN)
