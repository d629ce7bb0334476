"""Answers to the safety screen, as invented people give them."""

from decimal import Decimal

from intake.rules.safety import QUESTIONS, Answer, Answers, Exposure, Source
from intake.rules.withdrawal import Severity, told_symptoms

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
D = Decimal
NO_SYMPTOM = (("tremor", Severity.NONE),)


def having(**symptoms):
    """Symptoms by name, as the screen keeps them: ``having(tremor="severe")``."""
    return told_symptoms(symptoms)


def all_no(**changed):
    """Everything asked and denied, aged 40, except what the case is about."""
    answers = {question.code: NO for question in QUESTIONS}
    return Answers(**{**answers, "age": 40, "symptoms": NO_SYMPTOM, **changed})


def taking(substance="clonazepam", daily_mg="1", **changed):
    """Daily for two years, as prescribed, and still taking it."""
    settled = {
        "dose_mg": None if daily_mg is None else D(daily_mg),
        "times_per_day": D(1),
        "days_per_week": 7,
        "weeks_of_use": D(104),
        "last_used_hours_ago": D(8),
        "stopped_abruptly": NO,
        "recent_cut_percent": D(0),
        "source": Source.OWN_PRESCRIPTION,
        "above_prescribed": NO,
    }
    return Exposure(substance, **{**settled, **changed})


CANNABIS = taking("cannabis", None)
LOW = taking(daily_mg="0.5", weeks_of_use=D(2))
STOPPED = {"stopped_abruptly": YES, "last_used_hours_ago": D(48)}
