"""One screen as the rules see it."""

from dataclasses import dataclass

from intake.rules.answers import Answers, Exposure
from intake.rules.exposures import (
    ExposureRisk,
    WithdrawalRisk,
    is_benzodiazepine_type,
    is_regular,
    is_sedative,
    outside_prescription,
    stopped_or_cut_fast,
)
from intake.rules.substances import SubstanceClass, onset_note
from intake.rules.withdrawal import BEYOND_PRESCRIPTION, SYMPTOMS, Severity

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
    def takes_stimulant(self) -> bool:
        return self.answers.stimulant_use.is_yes or self.has(SubstanceClass.STIMULANT)

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

    @property
    def says_beyond_prescription(self) -> bool:
        """Told of the person, whichever of the substances it is about."""
        return not BEYOND_PRESCRIPTION.isdisjoint(self.answers.signs)

    @property
    def is_beyond_prescription(self) -> bool:
        """Whether "as prescribed" would be a sudden cut for them."""
        return self.says_beyond_prescription or any(
            outside_prescription(exposure)
            for exposure in self.exposures
            if is_benzodiazepine_type(exposure)
        )

    @property
    def dangerous_to_stop(self) -> tuple[Exposure, ...]:
        """The exposures whose withdrawal can kill: sedatives and alcohol."""
        return tuple(
            exposure
            for exposure in self.exposures
            if is_sedative(exposure) or exposure.substance_class is SubstanceClass.ALCOHOL
        )

    @property
    def may_be_dangerous_to_stop(self) -> bool:
        """Such a substance is taken, or nobody knows what is."""
        sedated = self.takes_sedative or self.drinks_daily
        return sedated or bool(self.dangerous_to_stop) or not self.exposures

    @property
    def stop_is_possible(self) -> bool:
        """Stopped or cut fast, or not ruled out for everything dangerous that is taken."""
        told = self.dangerous_to_stop
        return not told or any(stopped_or_cut_fast(exposure).possible for exposure in told)

    @property
    def worst_symptom(self) -> Severity:
        told = [severity for _code, severity in self.answers.symptoms]
        return max(told, key=lambda severity: severity.rank, default=Severity.UNKNOWN)

    @property
    def symptoms_told(self) -> str:
        """The symptoms that are there, the worst first, as they were told."""
        present = [(code, how) for code, how in self.answers.symptoms if how.is_present]
        present.sort(key=lambda pair: -pair[1].rank)
        return ", ".join(f"{SYMPTOMS[code].lower()} ({how})" for code, how in present)
