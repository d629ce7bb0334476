"""What we store, in the order a call travels.

Call -> Safety screen -> Insurance check -> Referral -> Callback -> Reminder -> Report
"""

from intake.models.callbacks import Attempt, Callback
from intake.models.calls import Call, CallAmendment, SubstanceUse
from intake.models.consents import Consent, Disclosure
from intake.models.events import Event, EventSeal, StaffSearch
from intake.models.facilities import CapacityReading, DirectoryEdition, Facility, ServiceCode
from intake.models.insurance import Benefit, InsuranceCheck, InsurancePolicy, LevelOfCare
from intake.models.keys import KeyCheck
from intake.models.people import Person
from intake.models.referrals import Referral, ReferralOffer
from intake.models.reminders import Heartbeat, Notice, Reminder
from intake.models.safety import SafetyScreen

__all__ = [
    "Attempt",
    "Benefit",
    "Call",
    "CallAmendment",
    "Callback",
    "CapacityReading",
    "Consent",
    "DirectoryEdition",
    "Disclosure",
    "Event",
    "EventSeal",
    "Facility",
    "Heartbeat",
    "InsuranceCheck",
    "InsurancePolicy",
    "KeyCheck",
    "LevelOfCare",
    "Notice",
    "Person",
    "Referral",
    "ReferralOffer",
    "Reminder",
    "SafetyScreen",
    "ServiceCode",
    "StaffSearch",
    "SubstanceUse",
]
