"""The words of each rule: title, advice for staff, words for the caller, source.

The words for the caller are our own. They hold no dose, no taper, no conversion and no verdict; a
test reads every one of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleText:
    title: str
    advice: str
    say: str
    source: str


_GUIDELINE = "ASAM/Joint Clinical Practice Guideline on Benzodiazepine Tapering, 2025"
_LABEL = "FDA labeling of clonazepam, boxed warning, 2024"
_OVERDOSE = "State and county overdose response guidance; naloxone guidance of the CDC"
_DO_NOT_STOP = (
    "Please do not stop suddenly. Keep taking it as it was prescribed until a clinician has given"
    " you a plan."
)

TEXTS: dict[str, RuleText] = {
    "R1": RuleText(
        "Seizure now or in the last 24 hours",
        "911 first, before anything is typed. Nothing in the mouth, cushion the head, on the side"
        " afterwards. Stay on the line.",
        "A seizure needs an ambulance. Please call 911 now, or I will. Clear the space around them,"
        " put nothing in their mouth, and roll them on their side when it ends.",
        f"{_GUIDELINE}, Table 3; Poison Help guidance. The 24-hour window is a design choice.",
    ),
    "R2": RuleText(
        "Cannot be woken, breathing badly, or blue or gray",
        "911. Naloxone if any opioid is possible; it does not reverse benzodiazepines but is given"
        " all the same. Recovery position. Do not hang up.",
        "Please call 911 now, or I will. If opioids are possible and you have naloxone, give it."
        " Roll them on their side, watch their breathing, and stay on the line with me.",
        _OVERDOSE,
    ),
    "R3": RuleText(
        "Hallucinations, new confusion, delirium or psychosis",
        "911 or emergency department now. While cutting down, these are signs of severe"
        " withdrawal.",
        "What you describe needs emergency care now. Please call 911, or I will. Keep the room"
        " calm and lit, and do not leave them alone.",
        f"{_GUIDELINE}, Table 3 and patient guide",
    ),
    "R4": RuleText(
        "Chest pain, fainting, severe palpitations or overheating",
        "911 or emergency department now.",
        "Please call 911 now, or I will. Sit or lie down, and do not drive.",
        f"{_GUIDELINE}, Table 3; ordinary first aid",
    ),
    "R5": RuleText(
        "Suicide: an act under way, or intent with a plan",
        "911 and 988. Never leave the person alone on the line. Alert the supervisor.",
        "I am glad you told me. I am getting help to you now and I stay with you. Please tell me"
        " where you are, and move away from anything you could use.",
        "Columbia protocol triage (structure only, own wording); 988 Lifeline",
    ),
    "R5.lifeline": RuleText(
        "Bring 988 on the line as well",
        "Once 911 is on its way, bring a 988 counselor in. Veterans press 1.",
        "I would also like a 988 counselor to join us while help is coming.",
        "988 Lifeline",
    ),
    "R5.thoughts": RuleText(
        "Thoughts of suicide",
        "Warm transfer to 988 and tell the supervisor. Ask for plan and intent if still open.",
        "Thank you for telling me. Let us talk to the 988 Lifeline together; I stay on the line"
        " until they are with you.",
        "Columbia protocol triage (structure only, own wording); 988 Lifeline",
    ),
    "R5.recent": RuleText(
        "Suicidal behavior in the last three months",
        "Treat as high. Tell the supervisor; offer 988; name it in any referral the person"
        " consents to.",
        "You can reach 988 by call or text at any hour. May I stay in touch with you?",
        "Columbia protocol triage (structure only, own wording)",
    ),
    "R6": RuleText(
        "Swallowed too much or mixed; awake and stable",
        "Three-way call with Poison Help, 1-800-222-1222. Any change in waking or breathing: 911.",
        "Let us call Poison Help together, 1-800-222-1222. If they get hard to wake, have a"
        " seizure or trouble breathing, call 911 at once.",
        "Poison Help (HRSA) and poison center guidance",
    ),
    "R6.not_stable": RuleText(
        "Possible overdose, not known to be awake and breathing well",
        "911 unless you have just heard that the person is awake and breathes normally. Naloxone"
        " if opioids are possible.",
        "Please check now: are they awake, and breathing well? If not, or if you cannot tell, call"
        " 911, or I will.",
        f"Poison Help (HRSA); {_OVERDOSE}",
    ),
    "R7": RuleText(
        "Benzodiazepine or other sedative together with an opioid",
        "Medical contact today; naloxone at hand and somebody who can give it; detox with medical"
        " staff only. Do not disrupt methadone or buprenorphine because of a benzodiazepine.",
        "Taking these together can slow or stop breathing. Please keep naloxone close and do not be"
        " alone if you can help it. Do not stop either one suddenly; a clinician should see you"
        " today.",
        f"{_GUIDELINE}, recommendations 16-18 and 21; {_LABEL}",
    ),
    "R8": RuleText(
        "Benzodiazepine together with daily alcohol, a barbiturate, GHB or a z-drug",
        "High withdrawal risk: a 24-hour medical setting (code HID, or RD with medical cover).",
        "Coming off these together can be dangerous, so it should happen where medical staff are"
        " present day and night. Please do not stop any of them suddenly.",
        f"{_GUIDELINE}, Table 2 footnotes",
    ),
    "R9": RuleText(
        "Seizure or delirium in an earlier withdrawal, or epilepsy",
        "Inpatient only: refer to hospital inpatient detox (code HID), or residential detox (code"
        " RD) once medical cover is confirmed.",
        "Because of what happened before, this should be done as an inpatient, with medical staff"
        " around you day and night. Please do not try it at home.",
        f"{_GUIDELINE}, recommendations on place of care and Table 2",
    ),
    "R10": RuleText(
        "Likely dependence, and stopped or cut fast",
        "Medical evaluation today; emergency department if nobody can see them today. With a long"
        " half-life drug, feeling well some days after stopping is not reassurance.",
        "Stopping this kind of medicine suddenly can cause serious problems, even some days later."
        " You should be seen by a medical professional today. If there is a seizure, confusion or"
        " trouble breathing, call 911.",
        f"{_GUIDELINE}, Table 2 and recommendations 1-10; {_LABEL}",
    ),
    "R11": RuleText(
        "Likely dependence, still taking",
        "Refer for medical evaluation within 24 to 72 hours. Say the do-not-stop sentence and"
        " nothing about how to reduce.",
        _DO_NOT_STOP,
        f"{_GUIDELINE}, Table 2 and recommendations 1-10. The interval is a design choice.",
    ),
    "R11.beyond_prescription": RuleText(
        "Likely dependence, still taking, but not as prescribed",
        'Refer for medical evaluation within 24 to 72 hours. Do not say "as prescribed": going back'
        " to the prescription, or to nothing, would be a sudden cut.",
        "Please do not stop or cut down suddenly on your own. Let a clinician see you before"
        " anything changes.",
        f"{_GUIDELINE}, Table 2, recommendations 1-10 and patient guide",
    ),
    "R12": RuleText(
        "Above prescribed, not prescribed, unlabeled pills or unknown dose",
        "Counts as a high dose. Medical evaluation before any program. What is in street pills is"
        " not known.",
        "Please do not stop all at once. Because we cannot be certain how much your body is used"
        " to, a clinician should look at it first.",
        f"{_GUIDELINE}, Table 2 footnotes and patient guide",
    ),
    "R13": RuleText(
        "Pregnant, or within six weeks after birth",
        "Obstetric and addiction care together (code PW); never an outpatient-only list. The"
        " infant's clinician should be told.",
        "Please do not stop or start anything on your own. Both of you should be cared for"
        " together, by people who know pregnancy and this medicine.",
        f"{_GUIDELINE}, recommendations 28-29",
    ),
    "R13.emergency": RuleText(
        "Bleeding, strong pain or less movement in pregnancy",
        "911 or emergency department with obstetric care now.",
        "This needs emergency care now. Please call 911, or I will.",
        "Ordinary first aid; obstetric warning signs",
    ),
    "R14": RuleText(
        "Aged 65 or older",
        "Raised by one tier. Falls, confusion, driving, and mixing with other medicine.",
        "At your age these medicines and their withdrawal weigh more heavily, so a clinician should"
        " look at it sooner.",
        f"{_GUIDELINE}, recommendation 27",
    ),
    "R15": RuleText(
        "Serious illness: liver, lung, sleep apnea or other",
        "Raised by one tier. Offer hospital-capable places first.",
        "With your illness it is better to be somewhere that can treat both.",
        f"{_GUIDELINE}, recommendations on closer review; clonazepam labeling",
    ),
    "R16": RuleText(
        "Under 18",
        "Different pathway: the facility must take minors (code CHLD). Consent and guardian law"
        " differ by state; ask the supervisor.",
        "There are places for people your age. I will check with my supervisor what we need.",
        "State law; helpline policy",
    ),
    "R17": RuleText(
        "Short use or a low dose: withdrawal is less likely, but possible",
        "Ask the prescriber or a pharmacist before changing anything; offer a callback.",
        "Problems after this are less likely, but possible. Please ask your prescriber before you"
        " change anything, and call us back if you notice symptoms.",
        f"{_GUIDELINE}, Table 2 and recommendations 1-3",
    ),
    "R17.rare": RuleText(
        "Three days a week or fewer: withdrawal is rare, but possible",
        "Ask the prescriber or a pharmacist before changing anything; offer a callback.",
        "Problems after this are rare, but possible. Please ask your prescriber before you change"
        " anything, and call us back if you notice symptoms.",
        f"{_GUIDELINE}, Table 2 and recommendations 1-3",
    ),
    "R18": RuleText(
        "Stimulant use",
        "Note it. Chest pain or overheating is an emergency (R4). Street stimulants may hold"
        " fentanyl: offer naloxone.",
        "If chest pain or overheating comes on, call 911. It is good to have naloxone near.",
        "Ordinary first aid; helpline policy",
    ),
    "R18.emergency": RuleText(
        "Stimulant use with chest pain or overheating",
        "911 now (R4). Cool the person, keep them still.",
        "Please call 911 now, or I will. Move somewhere cool, loosen clothes, rest.",
        "Ordinary first aid; helpline policy",
    ),
    "R19": RuleText(
        "No urgent sign recorded",
        "Nothing in the recorded answers asks for urgent care. That is no all-clear: give the time"
        " of this screen with it, and screen again when anything changes.",
        "I have not heard an urgent sign so far. If anything changes, call us back, or call 911 in"
        " an emergency.",
        "Helpline policy",
    ),
    "R20": RuleText(
        "Daily alcohol, a barbiturate or GHB",
        "Withdrawal from these can bring seizures and delirium too: medical evaluation before"
        " stopping; detox with medical staff only.",
        "Stopping this suddenly can be dangerous. Please do not do it alone; a clinician should see"
        " you first. If there is shaking that gets worse, a seizure or confusion, call 911.",
        "SAMHSA TIP 45; design choice of this rule set",
    ),
    "R20.stopped": RuleText(
        "Daily alcohol, a barbiturate or GHB, stopped suddenly",
        "Withdrawal from these can bring seizures and delirium too: medical evaluation today,"
        " emergency department if nobody can see them; detox with medical staff only.",
        "Stopping this suddenly can be dangerous, so you should be seen by a medical professional"
        " today. If there is shaking that gets worse, a seizure or confusion, call 911.",
        "SAMHSA TIP 45; design choice of this rule set",
    ),
    "R21": RuleText(
        "Opioid use",
        "Offer naloxone. Do not disrupt methadone or buprenorphine. After a break, tolerance is"
        " lower and overdose likelier.",
        "Please keep naloxone near and try not to use alone. If you take methadone or"
        " buprenorphine, keep on with it.",
        f"{_GUIDELINE}, recommendations 16-21; naloxone guidance of the CDC",
    ),
    "R22.to_others": RuleText(
        "Somebody else is about to be hurt",
        "911 and supervisor. Duty-to-warn law differs by state.",
        "I need to get help so that nobody is hurt. Please move away from them, and stay on the"
        " line with me.",
        "Helpline policy",
    ),
    "R22.from_others": RuleText(
        "Somebody is hurting or threatening the person now",
        "Ask whether 911 is wanted and possible; a yes or no is enough. Send nothing to their phone"
        " or address. Tell the supervisor.",
        "Just say yes or no: do you want me to call 911 for you? You can hang up at any moment and"
        " call back.",
        "National domestic violence hotline practice; helpline policy",
    ),
    "R22.child": RuleText(
        "A child or dependent person may be without care",
        "Supervisor now: reporting duties differ by state.",
        "Who can look after them right now? Let us think of someone together.",
        "State law; helpline policy",
    ),
    "R23": RuleText(
        "Severe symptoms, and stopped or cutting down, or not known whether",
        "Medical evaluation today; emergency department if nobody can see them. A place with"
        " medical staff day and night is to be considered: no outpatient-only list. Write down"
        " what is told, symptom by symptom; give it no name.",
        "What you describe is a lot to go through, and it should not be waited out alone. Please"
        " be seen by a medical professional today. If there is a seizure, confusion, chest pain or"
        " trouble breathing, call 911.",
        f"{_GUIDELINE}, recommendations on place of care and Table 3; which symptoms count, and"
        " how soon, is a design choice",
    ),
    "R23.growing": RuleText(
        "Symptoms that come with stopping, or in spite of going on",
        "Medical evaluation within 24 to 72 hours; today if they grow. Ask again on every contact:"
        " with a long half-life drug the worst may still be to come.",
        "Symptoms like these can grow. Please let a clinician see you in the next days, do not stop"
        " or cut down any further on your own, and call us back if it gets worse.",
        f"{_GUIDELINE}, recommendations on place of care and Table 3; the interval is a design"
        " choice",
    ),
    "R23.other": RuleText(
        "Marked symptoms with other substances",
        "Medical evaluation within 24 to 72 hours. Ask what else is taken: a sedative or alcohol"
        " would change this.",
        "Please let a clinician look at this in the next days, and call us back if it gets worse.",
        "Design choice of this rule set",
    ),
    "R24": RuleText(
        "Signs of dependence",
        "Dependence can come within weeks, whatever the table says of short use. Medical"
        " evaluation before anything is changed. A use disorder makes severe withdrawal likelier"
        " and speaks for residential or hospital care; a clinician decides.",
        "What you describe happens to many people who take this, and it is no failing. Your body"
        " may have got used to it, so please do not stop suddenly; let a clinician plan it with"
        " you.",
        f"{_GUIDELINE}, recommendations 1-3 and patient guide",
    ),
    "R25": RuleText(
        "Depression or trauma beside the use",
        "The referral asks for dual-diagnosis care (code CO). Mood and memories can come back"
        " stronger while cutting down: both are treated together. Ask about suicide.",
        "It helps to be somewhere that treats both together. Please tell the people who treat you"
        " about both.",
        f"{_GUIDELINE}, recommendations 24-26",
    ),
    "R25.mania": RuleText(
        "Bipolar disorder beside the use",
        "The referral asks for dual-diagnosis care (code CO). Lost sleep while cutting down can"
        " set off a mania: the prescriber of their mood medicine should know. Ask how many nights"
        " they have slept.",
        "Sleep matters a great deal for you. If you sleep much less and feel wound up, call the"
        " people who treat you, or us. It helps to be somewhere that treats both together.",
        f"{_GUIDELINE}, recommendations 24-26",
    ),
}
