"""SAMHSA's service codes that matching reads, and what they mean.

Source: the reference sheet of the National Directory 2023. Its age groups differ from the online
locator's, which calls CHLD "12 or younger"; the directory says 17 or younger, and it is the
directory we search.
"""

HOSPITAL_DETOX, RESIDENTIAL_DETOX, OUTPATIENT_DETOX = "HID", "RD", "OD"
ANY_DETOX = "DT"
BENZODIAZEPINE_DETOX = "BDTX"
MEDICAL_DETOX_SETTINGS = (HOSPITAL_DETOX, RESIDENTIAL_DETOX)
PREGNANT, DUAL_DIAGNOSIS, VETERANS = "PW", "CO", "VET"
NO_PAYMENT = "NP"
MEDICAID, STATE_PLAN = "MD", "SI"

# The directory's age groups: CHLD 17 or younger, YAD 18-25, ADLT 26-64, SNR 65 or older.
AGE_GROUPS = frozenset({"CHLD", "YAD", "ADLT", "SNR"})
GENDERS = frozenset({"FEM", "MALE"})
# A facility that serves one group only is no answer to another need.
EXCLUSIVE = {"DUO": "drunk-driving clients", "AUDO": "alcohol clients", "OUDO": "opioid clients"}
EXCLUSIVE_DETOX = {"AUDO": "ADTX", "OUDO": "ODTX"}

# The languages the directory has a code for, and that this line's calls come in.
LANGUAGES = {
    "SP": "Spanish",
    "AH": "sign language",
    "F17": "Chinese",
    "F92": "Vietnamese",
    "F81": "Tagalog",
    "F4": "Arabic",
    "F28": "French",
    "F19": "Creole",
    "F47": "Korean",
    "F67": "Portuguese",
    "F70": "Russian",
}
# From the language of a call (ISO 639).
LANGUAGE_OF_CALL = {
    "es": "SP",
    "ase": "AH",
    "zh": "F17",
    "vi": "F92",
    "tl": "F81",
    "ar": "F4",
    "fr": "F28",
    "ht": "F19",
    "ko": "F47",
    "pt": "F67",
    "ru": "F70",
}

LABELS = {
    "DT": "detox",
    "ADTX": "alcohol detox",
    "BDTX": "benzodiazepine detox",
    "CDTX": "cocaine detox",
    "MDTX": "methamphetamine detox",
    "ODTX": "opioid detox",
    "HID": "hospital inpatient detox",
    "RD": "residential detox",
    "OD": "outpatient detox",
    "CHLD": "people aged 17 or younger",
    "YAD": "young adults (18-25)",
    "ADLT": "adults (26-64)",
    "SNR": "seniors (65 or older)",
    "FEM": "women",
    "MALE": "men",
    "PW": "pregnant and postpartum women",
    "CO": "mental illness beside substance use",
    "VET": "veterans",
    "PI": "private insurance",
    "MD": "Medicaid",
    "MC": "Medicare",
    "MI": "TRICARE and other military insurance",
    "SI": "state-financed insurance",
    "SF": "cash or self-payment",
    "SS": "sliding fee scale",
    "PA": "payment assistance",
    "NP": "no payment taken",
    **LANGUAGES,
}


def label_of(code: str) -> str:
    """What a code means, in lower case; the code itself if it is not one of ours."""
    return LABELS.get(code, code)


def age_group(age: int) -> str:
    """The directory's code for an age in years."""
    if age < 18:
        return "CHLD"
    if age <= 25:
        return "YAD"
    return "ADLT" if age < 65 else "SNR"
