"""Finds English left over in a Spanish text."""

import re

# Names that stay as they are in every language.
NAMES = ("Poison Help", "FindTreatment.gov", "English", "Medicare", "Medicaid", "TRICARE", "Xanax")

# Common words of our own pages that no Spanish word is spelled like.
_COMMON = """
about after again all also am and another answer any anyone anything are around ask asked at
away back be because been before below between body bring brings but by call callback called
calling calls can cannot care change choose closed code come could danger day days did do does
doctor done down each early either else emergency enough even every everything false few find
first for form found from full get give given go going good got had hard has have having hear
held help helpline her here him his hold home hour hours how if in information insurance into is
it its just keep kept know known language last late later law leave left less let life like line
link long look made make makes many may medicine message might minute month more morning most
much must my name near need needs never new next night nobody not nothing now number of off
office often on only open or other our out over own page pages part people person phone place
places please press private promise put question questions read reached reason request right
said same save say says see send sent she should show sign since site so some someone something
soon speak started still stop stopped stopping such sure take taken talk tell text than thank
that the their them then there these they thing things think this those though thoughts time to
today tomorrow too took treatment trouble true try turn two typed under until up us used using
very voicemail wait want was watch way we week weeks well were what when where which while who
whole why will with within without word words work would write wrong year yes yesterday yet you
your yours zone
"""
_ENGLISH = frozenset(_COMMON.split())


def english_words(text: str) -> list[str]:
    """The words of ``text`` that are English, in their order."""
    for name in NAMES:
        text = text.replace(name, " ")
    return [word for word in re.findall(r"[^\W\d_]+", text) if word.lower() in _ENGLISH]
