"""One screen as the rules see it."""

from dataclasses import dataclass

from intake.rules.answers import Answers, Exposure
from intake.rules.exposures import (
    ExposureRisk,
    WithdrawalRisk,
    is_benzodiazepine_type,
    is_regular,
    is_sedative,
    stopped_or_cut_fast,
)
from intake.rules.substances import SubstanceClass, onset_note

# Bears the second side of R8, beside a benzodiazepine.
_OTHER_DOWNERS = frozenset({SubstanceClass.BARBITURATE, SubstanceClass.GHB, SubstanceClass.Z_DRUG})


@dataclass(frozen=True, slots=True)
class Case:
    """One screen, with what several rules ask about it worked out once."""

    answers: Answers
    exposures: tuple[Exposure, ...]
    risk: ExposureRisk | None

    def yes(self, *codes: str) -> bool:
        return any(self.answers.get(code).is_yes for code in codes)

    def has(self, *classes: SubstanceClass) -> bool:
        return any(exposure.substance_class in classes for exposure in self.exposures)

    @property
    def takes_benzodiazepine(self) -> bool:
        # Any use counts for mixing, however short or rare: the breath does not wait four weeks.
        return self.has(SubstanceClass.BENZODIAZEPINE, SubstanceClass.UNKNOWN) or any(
            is_benzodiazepine_type(exposure) for exposure in self.exposures
        )

    @property
    def onset(self) -> str:
        """When withdrawal may begin, for each half-life among the benzodiazepine-type drugs."""
        codes = [item.substance for item in self.exposures if is_benzodiazepine_type(item)]
        return " ".join(dict.fromkeys(onset_note(code) for code in codes))

    @property
    def takes_sedative(self) -> bool:
        return self.answers.other_sedatives.is_yes or any(
            is_sedative(exposure) for exposure in self.exposures
        )

    @property
    def takes_opioid(self) -> bool:
        return self.answers.opioid_use.is_yes or self.has(SubstanceClass.OPIOID)

    @property
    def drinks_daily(self) -> bool:
        return self.answers.alcohol_daily.is_yes or any(
            exposure.substance_class is SubstanceClass.ALCOHOL and is_regular(exposure)
            for exposure in self.exposures
        )

    @property
    def takes_other_downer(self) -> bool:
        return self.answers.other_sedatives.is_yes or self.has(*_OTHER_DOWNERS)

    @property
    def benzodiazepine_stopped(self) -> bool:
        return any(
            stopped_or_cut_fast(exposure).is_yes
            for exposure in self.exposures
            if is_benzodiazepine_type(exposure)
        )

    @property
    def withdrawal_risk_is_yes(self) -> bool:
        return self.risk is not None and self.risk.risk is WithdrawalRisk.YES
