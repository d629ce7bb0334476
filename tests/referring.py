"""Facilities near Maria, asked to take her, and what each answered."""

from intake.actions import offers
from intake.models import ReferralOffer
from tests.casting import facility, referral

SENT, ACCEPTED = ReferralOffer.Status.SENT, ReferralOffer.Status.ACCEPTED


def hospitals(now):
    """Three hospitals within reach of Maria, the nearest first."""
    return [
        facility("Alder House", now=now),
        facility("Birch Hospital", now=now, zip_code="20910"),
        facility("Cedar Center", now=now, zip_code="21201"),
    ]


def asked(agent, now, near, **fields):
    """A referral with all three asked."""
    made = referral(agent=agent, now=now)
    offers.offer(referral=made, facilities=near, by=agent, now=now, **fields)
    return made


def states(made):
    return {o.facility.name: o.status for o in made.offers.select_related("facility")}


def offer_of(made, site):
    return made.offers.get(facility=site)
