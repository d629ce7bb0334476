"""The contract of an insurance adapter."""

from abc import ABC, abstractmethod
from typing import ClassVar

from intake.models import InsuranceCheck


class Insurer(ABC):
    """One way of asking a payer about benefits.

    An adapter never decides what an answer means; it says what will be told to the payer, and
    how the question is put. The promise: nothing beyond ``fields_told`` leaves the house.
    """

    method: ClassVar[str]
    fields_told: ClassVar[tuple[str, ...]]

    @abstractmethod
    def first_status(self, check: InsuranceCheck) -> str:
        """The status a new check starts in: queued for a person, or in progress by itself."""

    @abstractmethod
    def questions(self, check: InsuranceCheck) -> tuple[str, ...]:
        """What to ask, in order, in words a person on the phone can read out."""
