"""The questions of the safety screen, in the order they are asked, and the emergency scripts.

The wording is our own; no licensed instrument is quoted. Danger comes first and needs no form:
the agent sends help before typing.
"""

from dataclasses import dataclass
from enum import StrEnum

from intake.rules.findings import Route

EMERGENCY_NUMBER = "911"
LIFELINE_NUMBER = "988"
POISON_HELP_NUMBER = "1-800-222-1222"


class Group(StrEnum):
    DANGER_NOW = "danger_now"
    AROUND = "around"
    HISTORY = "history"
    USE = "use"
    HEALTH = "health"

    @property
    def label(self) -> str:
        return {
            Group.DANGER_NOW: "Danger now",
            Group.AROUND: "Around the person",
            Group.HISTORY: "History",
            Group.USE: "Use",
            Group.HEALTH: "Health",
        }[self]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the screen.

    ``code`` is the field of ``Answers``. ``red_flag``: a yes is an emergency or close to one.
    ``counts``: left unanswered, it keeps the screen at "unknown" or above.
    ``short``: the few words that stand for it where many are shown at once.
    ``only_if``: asked only when one of these other questions is not answered "no".
    """

    code: str
    text: str
    group: Group
    red_flag: bool = False
    help: str = ""
    counts: bool = True
    only_if: tuple[str, ...] = ()
    short: str = ""


_NOW, _AROUND, _HISTORY, _USE, _HEALTH = Group

QUESTIONS: tuple[Question, ...] = (
    Question("seizure_now", "Is the person having a seizure, or did they have one in the last day?",
             _NOW, red_flag=True, help="Shaking, stiffening or staring that they cannot be called"
             " out of; 24 hours counts."),
    Question("cannot_be_woken", "Is the person impossible to wake, or limp?",
             _NOW, red_flag=True, help="Yes means they can NOT be woken."),
    Question("breathing_trouble", "Is their breathing slow, shallow, gurgling, gasping or stopped?",
             _NOW, red_flag=True, help="Slower than one breath in five seconds is slow."),
    Question("blue_or_gray", "Are their lips or nails blue or gray?", _NOW, red_flag=True),
    Question("overdose", "Did they swallow too much of something, or mix things, just now?",
             _NOW, red_flag=True, help="On purpose or by mistake."),
    Question("hallucinations", "Are they seeing, hearing or feeling things that others do not?",
             _NOW, red_flag=True, help="Also fixed beliefs or fears that came up while cutting"
             " down."),
    Question("confusion", "Are they newly confused, unsure where they are, or very agitated?",
             _NOW, red_flag=True),
    Question("chest_pain", "Chest pain, or a heart that races or pounds badly?",
             _NOW, red_flag=True),
    Question("fainting", "Have they fainted or collapsed?", _NOW, red_flag=True),
    Question("overheating", "Are they burning hot, or feverish with stiff muscles?",
             _NOW, red_flag=True, help="Ask especially after stimulants."),
    Question("suicide_act", "Has the person done something to end their life, or begun to?",
             _NOW, red_flag=True, help="Today, or just now."),
    Question("suicide_thoughts", "Is the person thinking about killing themselves?",
             _NOW, red_flag=True, help="Ask it plainly; asking does not put the thought there."),
    Question("suicide_plan", "Do they have a plan for how they would do it, or the means at hand?",
             _NOW, red_flag=True, only_if=("suicide_thoughts",)),
    Question("suicide_intent", "Do they mean to act on it?",
             _NOW, red_flag=True, only_if=("suicide_thoughts",)),
    Question("danger_to_others", "Are they about to hurt someone else?", _NOW, red_flag=True),
    Question("danger_from_others", "Is someone there hurting or threatening them right now?",
             _NOW, red_flag=True, help="Someone may listen: a plain yes or no is enough."),
    Question("pregnancy_bleeding", "If pregnant: bleeding, strong belly pain, or a baby that moves"
             " less?", _NOW, red_flag=True, only_if=("pregnant",)),
    Question("child_at_risk", "Is a child or a dependent person without care because of this?",
             _AROUND),
    Question("alone", "Are they alone?", _AROUND, counts=False,
             help="Who could stay with them? Does not change the level."),
    Question("withdrawal_seizure", "Have they ever had a seizure when cutting down or stopping?",
             _HISTORY, help="Alcohol, benzodiazepines or any other sedative."),
    Question("withdrawal_delirium", "Have they ever had delirium (the DTs) when stopping?",
             _HISTORY, help="Days of confusion, shaking, seeing things."),
    Question("epilepsy", "Do they have epilepsy or another seizure disorder?", _HISTORY),
    Question("suicide_behavior_3_months", "In the last three months, did they try to end their"
             " life, or prepare to?", _HISTORY),
    Question("opioid_use", "Do they also take an opioid, prescribed or not?",
             _USE, help="Pain medicine, heroin, fentanyl, methadone, buprenorphine.",
             short="An opioid"),
    Question("alcohol_daily", "Do they drink alcohol on most days?", _USE,
             short="Alcohol on most days"),
    Question("other_sedatives", "Do they also take sleeping pills, barbiturates or GHB?", _USE,
             short="Sleeping pills, barbiturates, GHB"),
    Question("stimulant_use", "Do they also use cocaine, meth or another stimulant?", _USE,
             counts=False, short="Cocaine, meth, other stimulant"),
    Question("pregnant", "Is the person pregnant, or could they be?", _HEALTH,
             short="Pregnant, or could be"),
    Question("postpartum_6_weeks", "Did they give birth in the last six weeks?", _HEALTH,
             short="Gave birth in the last 6 weeks"),
    Question("liver_disease", "Do they have serious liver disease?", _HEALTH,
             short="Serious liver disease"),
    Question("lung_disease", "Do they have COPD or another lung disease?", _HEALTH,
             short="COPD or another lung disease"),
    Question("sleep_apnea", "Do they have sleep apnea?", _HEALTH,
             short="Sleep apnea"),
    Question("other_severe_illness", "Do they have another severe illness?",
             _HEALTH, help="Heart, kidney, infection, acute glaucoma, recent surgery.",
             short="Another severe illness"),
    # These open dual-diagnosis care; by themselves they raise no level.
    Question("depression", "Are they treated for depression, or have they been?", _HEALTH,
             counts=False, short="Depression"),
    Question("bipolar", "Do they have bipolar disorder, or have they had a mania?", _HEALTH,
             counts=False, short="Bipolar disorder or mania"),
    Question("ptsd", "Do they have PTSD, or live with a trauma?", _HEALTH, counts=False,
             short="PTSD or trauma"),
)  # fmt: skip

QUESTION: dict[str, Question] = {question.code: question for question in QUESTIONS}


@dataclass(frozen=True, slots=True)
class Script:
    """Words for the gravest routes: ``say`` to the caller, ``do`` for the agent."""

    title: str
    say: tuple[str, ...]
    do: tuple[str, ...]


SCRIPTS: dict[Route, Script] = {
    Route.CALL_911: Script(
        title="Call 911 now",
        say=(
            "This needs an ambulance. Please call 911 now, or I will, and we stay on the line"
            " together.",
            "Tell me the address, and whether someone is with them.",
            "If they are not awake but breathing, roll them on their side. Do not leave them"
            " alone.",
            "If opioids are possible and naloxone is at hand, give it now and tell 911.",
            "Do not give them food, drink or more medicine.",
        ),
        do=(
            "Stay on the line until help has taken over. Do not type first.",
            "If the caller cannot call, call 911 from a second line with the address.",
            "Naloxone does not reverse benzodiazepines, but is given whenever opioids are"
            " possible.",
            "Tell the supervisor.",
        ),
    ),
    Route.ED_NOW: Script(
        title="Emergency department now",
        say=(
            "This should be looked at in an emergency department now, not tomorrow.",
            "Is there someone who can bring you? Please do not drive yourself.",
            "If it gets worse on the way, call 911.",
        ),
        do=("Stay on the line until transport is arranged.", "Promise a callback for today."),
    ),
    Route.TRANSFER_988: Script(
        title="Warm transfer to 988",
        say=(
            "Thank you for telling me. I would like us to talk together with the 988 Lifeline;"
            " I stay on while they answer.",
            "Veterans can press 1. You can also text 988.",
            "If you feel you might act on it, call 911, or tell me and I will.",
        ),
        do=("Introduce the caller to 988 before leaving the line.", "Alert the supervisor."),
    ),
    Route.POISON_HELP: Script(
        title="Poison Help 1-800-222-1222",
        say=(
            "Let us call Poison Help together: 1-800-222-1222. They answer day and night.",
            "Keep the bottle or packet near you; they will ask what and how much.",
            "If they become hard to wake, have a seizure or trouble breathing, call 911.",
        ),
        do=("Only while the person is awake and stable; otherwise 911.",),
    ),
    Route.SAME_DAY_MEDICAL: Script(
        title="Medical evaluation today",
        say=(
            "This should be checked by a medical professional today. If nobody can see you"
            " today, please go to an emergency department.",
            "If there is a seizure, confusion, chest pain or trouble breathing, call 911.",
        ),
        do=("Find the place and the time with the caller.", "Promise a callback for today."),
    ),
}  # fmt: skip
