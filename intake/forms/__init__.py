"""The forms of the public pages."""

from intake.forms.answers import ZONES
from intake.forms.callback import CONSENT_WORDING, CallbackRequestForm
from intake.forms.tickets import Ticket, TicketProblem
from intake.forms.when import WhenForm, public

__all__ = [
    "CONSENT_WORDING",
    "ZONES",
    "CallbackRequestForm",
    "Ticket",
    "TicketProblem",
    "WhenForm",
    "public",
]
