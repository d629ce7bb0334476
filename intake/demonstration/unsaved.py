"""A sheet that somebody began and never saved, as it waits for them at the desk."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from intake.actions import drafts
from intake.models.base import new_id

TYPED = (
    ("call-call_type", "about_other"),
    ("call-relationship", "sister"),
    ("call-narrative", "The line broke when the ambulance was mentioned. May ring again."),
    ("caller-alias", "Jo"),
    ("caller-phone", "(202) 555-0119"),
    ("screen-cannot_be_woken", "no"),
    ("screen-breathing_trouble", "no"),
    ("substances-0-substance", "Klonopin"),
)


def leave_one(*, by: User, now: datetime) -> None:
    """Leave one such sheet to ``by``, typed on a quarter of an hour ago."""
    typed_at = now - timedelta(minutes=15)
    drafts.keep(call_key=new_id(), typed=TYPED, version=0, by=by, now=typed_at)
