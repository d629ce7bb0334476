"""What a search compares: the facts of a facility, and what the person needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intake.rules.answers import Answers, Exposure
from intake.rules.exposures import is_benzodiazepine_type, is_regular
from intake.rules.findings import Assessment
from intake.rules.service_codes import (
    AGE_GROUPS,
    ANY_DETOX,
    BENZODIAZEPINE_DETOX,
    DUAL_DIAGNOSIS,
    MEDICAL_DETOX_SETTINGS,
    OUTPATIENT_DETOX,
    VETERANS,
)
from intake.rules.substances import SubstanceClass

_DETOX_BY_CLASS = {
    SubstanceClass.BENZODIAZEPINE: BENZODIAZEPINE_DETOX,
    SubstanceClass.ALCOHOL: "ADTX",
    SubstanceClass.OPIOID: "ODTX",
}
# A yes to one of these questions asks for dual-diagnosis care.
MENTAL_ILLNESS = ("depression", "bipolar", "ptsd")
_DETOX_BY_SUBSTANCE = {"cocaine": "CDTX", "methamphetamine": "MDTX"}


@dataclass(frozen=True, slots=True)
class FacilityFacts:
    """What matching has to know of one facility. ``key`` is whatever identifies it to the caller.

    ``medical_cover``: staff confirmed (True), ruled out (False) or nobody asked (None).
    """

    key: str
    name: str
    codes: frozenset[str]
    latitude: float | None = None
    longitude: float | None = None
    state: str = ""
    medical_cover: bool | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What the person needs. Codes are SAMHSA's.

    ``detox`` and ``required`` and ``languages``: all of them. ``settings`` and ``payers``: any one
    of them; empty asks for none. ``age`` in years, ``gender`` "FEM" or "MALE" or "". ``state`` and
    the coordinates are where the search starts. ``medical_cover``: round-the-clock medical staff
    is a must (R9). ``hospital_first``: hospital-capable places before others (R15).
    """

    detox: tuple[str, ...] = (BENZODIAZEPINE_DETOX,)
    settings: tuple[str, ...] = MEDICAL_DETOX_SETTINGS
    required: tuple[str, ...] = ()
    payers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    age: int | None = None
    gender: str = ""
    state: str = ""
    latitude: float | None = None
    longitude: float | None = None
    medical_cover: bool = True
    hospital_first: bool = False


def detox_codes(exposures: Iterable[Exposure]) -> tuple[str, ...]:
    """The detox services a person's substances call for, benzodiazepine first.

    Substances without a detox code of their own ask for any detox (DT); nothing known, for nothing.
    """
    codes: set[str] = set()
    for exposure in exposures:
        if is_benzodiazepine_type(exposure):
            codes.add(BENZODIAZEPINE_DETOX)
        # A glass at the weekend needs no alcohol detox; asking for one would hide good places.
        if exposure.substance_class is SubstanceClass.ALCOHOL and not is_regular(exposure):
            continue
        code = _DETOX_BY_CLASS.get(exposure.substance_class)
        codes.add(code or _DETOX_BY_SUBSTANCE.get(exposure.substance, ANY_DETOX))
    if len(codes) > 1:
        codes.discard(ANY_DETOX)
    return tuple(sorted(codes, key=lambda code: (code != BENZODIAZEPINE_DETOX, code)))


def is_dual_diagnosis(answers: Answers) -> bool:
    """Whether a mental illness beside the use was told (code CO)."""
    return any(answers.get(code).is_yes for code in MENTAL_ILLNESS)


def need_for(
    assessment: Assessment,
    exposures: Iterable[Exposure] = (),
    *,
    payers: Sequence[str] = (),
    languages: Sequence[str] = (),
    age: int | None = None,
    gender: str = "",
    dual_diagnosis: bool = False,
    veteran_program: bool = False,
    state: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
) -> Need:
    """The need a screen leads to: settings, pregnancy, minors and hospital-first come from it.

    Where no rule excluded outpatient care, outpatient detox is admitted too.
    """
    required = list(assessment.required_codes)
    if dual_diagnosis:
        required.append(DUAL_DIAGNOSIS)
    if veteran_program:
        required.append(VETERANS)
    bound = assessment.setting_codes
    return Need(
        # Nothing recorded yet: search for what this line is called about most.
        detox=detox_codes(exposures) or (BENZODIAZEPINE_DETOX,),
        settings=bound or (*MEDICAL_DETOX_SETTINGS, OUTPATIENT_DETOX),
        required=tuple(code for code in required if code not in AGE_GROUPS),
        payers=tuple(payers),
        languages=tuple(languages),
        # The screen's CHLD stands even where nobody passed the age on.
        age=17 if age is None and "CHLD" in required else age,
        gender=gender,
        state=state,
        latitude=latitude,
        longitude=longitude,
        medical_cover=bool(bound),
        hospital_first=assessment.hospital_first,
    )
