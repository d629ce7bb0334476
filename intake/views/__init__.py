"""The public pages: what the helpline is, asking for a call, the receipt, and the way out.

No session, no cookie but the one against forged forms, nothing personal in an address. The answer
to a number we know and to one we do not is the same.
"""

from intake.views.answers import info
from intake.views.brand import (
    brand_logo,
    brand_style,
    preview_day,
    preview_home,
    preview_logo,
    preview_night,
    preview_style,
    preview_thanks,
)
from intake.views.callback import CallbackPage, csrf_failure
from intake.views.frame import frame
from intake.views.home import home
from intake.views.leaving import leave
from intake.views.manage import CancelPage, OwnRequestPage, StopPage, TimePage, private_link
from intake.views.thanks import thanks

__all__ = [
    "CallbackPage",
    "CancelPage",
    "OwnRequestPage",
    "StopPage",
    "TimePage",
    "brand_logo",
    "brand_style",
    "csrf_failure",
    "frame",
    "home",
    "info",
    "leave",
    "preview_day",
    "preview_home",
    "preview_logo",
    "preview_night",
    "preview_style",
    "preview_thanks",
    "private_link",
    "thanks",
]
