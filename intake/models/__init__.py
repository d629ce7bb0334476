"""What we store, in the order a call travels.

Call -> Safety screen -> Insurance check -> Referral -> Callback -> Reminder -> Report
"""

from intake.models.allowances import Allowance
from intake.models.answers import AnswerCard, AnswerFeedback
from intake.models.attempts import Attempt
from intake.models.blocks import BlockedNumber
from intake.models.branding import Branding
from intake.models.callback_codes import PENDING
from intake.models.callbacks import Callback
from intake.models.calls import Call, CallAmendment, SubstanceUse
from intake.models.consents import Consent, Disclosure
from intake.models.debriefs import Debrief
from intake.models.drafts import SheetDraft
from intake.models.events import Event, EventSeal, StaffSearch
from intake.models.facilities import CapacityReading, DirectoryEdition, Facility, ServiceCode
from intake.models.handovers import HandOver, HandOverAcknowledgement
from intake.models.insurance import Benefit, InsuranceCheck, InsurancePolicy, LevelOfCare
from intake.models.keys import KeyCheck
from intake.models.online_stops import OnlineStop
from intake.models.people import Person, PersonNameWord
from intake.models.phone_events import PhoneEvent
from intake.models.referrals import Referral, ReferralOffer
from intake.models.reminders import Heartbeat, Notice, Reminder
from intake.models.review_orders import ReviewOrder
from intake.models.safety import SafetyScreen
from intake.models.texts import TextMessage, TextStop

__all__ = [
    "PENDING",
    "Allowance",
    "AnswerCard",
    "AnswerFeedback",
    "Attempt",
    "Benefit",
    "BlockedNumber",
    "Branding",
    "Call",
    "CallAmendment",
    "Callback",
    "CapacityReading",
    "Consent",
    "Debrief",
    "DirectoryEdition",
    "Disclosure",
    "Event",
    "EventSeal",
    "Facility",
    "HandOver",
    "HandOverAcknowledgement",
    "Heartbeat",
    "InsuranceCheck",
    "InsurancePolicy",
    "KeyCheck",
    "LevelOfCare",
    "Notice",
    "OnlineStop",
    "Person",
    "PersonNameWord",
    "PhoneEvent",
    "Referral",
    "ReferralOffer",
    "Reminder",
    "ReviewOrder",
    "SafetyScreen",
    "ServiceCode",
    "SheetDraft",
    "StaffSearch",
    "SubstanceUse",
    "TextMessage",
    "TextStop",
]
