"""How we ask payers: one adapter a way of asking."""

from intake.insurers.base import Insurer
from intake.insurers.manual import ManualInsurer

INSURERS: dict[str, Insurer] = {insurer.method: insurer for insurer in (ManualInsurer(),)}
