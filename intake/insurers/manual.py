"""The manual adapter: a member of staff rings the number on the card."""

from typing import ClassVar

from django.utils.translation import gettext as _

from intake.insurers.base import Insurer
from intake.models import InsuranceCheck


class ManualInsurer(Insurer):
    """Queues the check for staff. The same questions for every plan, so answers compare."""

    method = InsuranceCheck.Method.MANUAL
    fields_told: ClassVar[tuple[str, ...]] = (
        "person_name",
        "member_id",
        "group_number",
        "policyholder_name",
        "policyholder_birth_date",
        "levels_wanted",
    )

    def first_status(self, check: InsuranceCheck) -> str:
        return InsuranceCheck.Status.QUEUED

    def questions(self, check: InsuranceCheck) -> tuple[str, ...]:
        return (
            _("Is the policy active today, and until when?"),
            _("Who handles behavioral health for this plan: you, or another company? Its number?"),
            _("For each level of care asked about: is it covered, in and out of network?"),
            _("Is pre-authorization needed? Which number, and what hours?"),
            _("Deductible, out-of-pocket maximum, and how much of each is left this year?"),
            _("Copay or coinsurance, and any limit on days or visits?"),
            _("Your name, and a reference number for this call?"),
        )
