"""The same rules for a pen and a dim light: what one answer alone asks for.

Worked out by the rules themselves and worded by ``rule_texts``, so that the sheet printed for a
night without network cannot say anything else than the screen. What several answers ask for
together is left to the screen, which can only be graver: on paper the highest line wins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from intake.rules.answers import Answer, Answers, Exposure, Source
from intake.rules.findings import Finding, Placement, Route
from intake.rules.rule_texts import TEXTS
from intake.rules.safety import assess
from intake.rules.withdrawal import Severity

_YES = Answer.YES
_UNKNOWN = Answers()
_TAKEN = Exposure(
    "clonazepam", days_per_week=7, weeks_of_use=Decimal(52), source=Source.OWN_PRESCRIPTION
)
_STOPPED = Exposure("clonazepam", days_per_week=7, weeks_of_use=Decimal(52), stopped_abruptly=_YES)
_NO_MORE_ALCOHOL = Exposure("alcohol", days_per_week=7, stopped_abruptly=_YES)


@dataclass(frozen=True, slots=True)
class _Example:
    """The plainest case in which a rule speaks; ``text`` is its key in ``rule_texts``."""

    text: str
    answers: Answers = _UNKNOWN
    exposures: tuple[Exposure, ...] = ()


# Only what no single question of the screen answers: those carry their own mark.
_EXAMPLES = (
    _Example("R10", exposures=(_STOPPED,)),
    _Example("R23", Answers(symptoms=(("tremor", Severity.SEVERE),)), (_STOPPED,)),
    _Example("R20.stopped", exposures=(_NO_MORE_ALCOHOL,)),
    _Example("R7", Answers(opioid_use=_YES), (_TAKEN,)),
    _Example("R8", Answers(alcohol_daily=_YES), (_TAKEN,)),
    _Example("R12", exposures=(_TAKEN,)),
    _Example("R11", exposures=(_TAKEN,)),
    _Example("R23.growing", Answers(symptoms=(("tremor", Severity.MODERATE),)), (_STOPPED,)),
    _Example("R24", Answers(signs=("craving",)), (_TAKEN,)),
    _Example("R14", Answers(age=65)),
    _Example("R16", Answers(age=17)),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a single yes asks for; ``route`` is None where it changes nothing by itself."""

    route: Route | None
    placement: Placement


def mark_of(code: str) -> Mark:
    """What yes to this question asks for while everything else is unknown.

    ``KeyError`` for a code that is no question.
    """
    _UNKNOWN.get(code)
    found = assess(Answers.from_dict({code: _YES}))
    changes = found.route is not assess(_UNKNOWN).route
    return Mark(found.route if changes else None, found.placement)


def lines() -> Iterator[Finding]:
    """One finding for each rule that needs the substances or the age, the gravest first."""
    found = [_finding(example) for example in _EXAMPLES]
    yield from sorted(found, key=lambda finding: -finding.level.rank)


def _finding(example: _Example) -> Finding:
    title = TEXTS[example.text].title
    findings = assess(example.answers, example.exposures).findings
    return next(finding for finding in findings if finding.title == title)
