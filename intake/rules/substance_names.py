"""What callers call a substance, and which one they mean: brands, street names, misspellings.

One line of text says it all, so that it works without a script and reads back the same:
``Klonopin``, ``k-pins``, ``Klonopin 2 mg``, ``Another benzodiazepine: blue ovals``. Nothing is
corrected in silence: Klonopin and clonidine are one slip of the pen apart. A name that means two
things is asked about, and a name nobody knows counts as unlabeled pills.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from intake.rules.substances import SUBSTANCES, Substance

MOST_OFFERED = 8
LONGEST_TEXT = 200
# Below this a beginning says too little: "x" is not yet Xanax.
SHORTEST_BEGINNING = 3

# Street names, further brands and the misspellings this line sees, by code. Lower case.
STREET_NAMES: dict[str, tuple[str, ...]] = {
    "clonazepam": ("k-pins", "k-pin", "pins", "klonnies", "klonipin", "clonopin", "clonazapam"),
    "alprazolam": ("xannies", "xans", "xanny", "zannies", "bars", "ladders", "xanex", "zanax"),
    "lorazepam": ("ativans", "adavan", "lorazapam"),
    "diazepam": ("vals", "vallies", "diazapam", "valum"),
    "novel_benzodiazepine": ("bromaz", "etiz", "flubromazolam", "phenazepam", "designer benzo"),
    "other_benzodiazepine": (
        "another benzodiazepine", "benzos", "benzo", "benzodiazepines", "tranquilizers", "roofies",
        "rohypnol", "flunitrazepam", "midazolam", "versed", "nitrazepam", "bromazepam", "lexotan",
    ),
    "zolpidem": ("ambiens", "stilnox"),
    "other_barbiturate": ("barbs", "barbiturates", "downers", "seconal", "mysoline"),
    "ghb": ("g", "liquid g", "gbl", "bdo", "sodium oxybate"),
    "alcohol": ("booze", "beer", "wine", "liquor", "vodka", "whiskey", "drinking", "drinks"),
    "heroin": ("dope", "smack", "h", "black tar"),
    "fentanyl": ("fent", "fetty", "blues", "m30", "m30s", "dirty 30s", "pressed oxys"),
    "oxycodone": ("oxy", "oxys", "percs", "perc", "roxies", "roxys", "blues"),
    "hydrocodone": ("norcos", "vikes", "lortab"),
    "tramadol": ("trammies",),
    "methadone": ("done",),
    "buprenorphine": ("bupe", "subs", "strips"),
    "kratom": ("7-oh", "7-hydroxymitragynine"),
    "other_opioid": (
        "opioids", "opiates", "painkillers", "codeine", "lean", "dilaudid", "hydromorphone",
        "opana", "oxymorphone", "nucynta", "tapentadol", "tianeptine", "nitazenes",
    ),
    "gabapentin": ("gabbies", "johnnies"),
    "cocaine": ("cocaine", "coke", "blow", "crack", "snow"),
    "methamphetamine": ("meth", "crystal", "crystal meth", "ice", "tina", "speed"),
    "prescription_stimulant": (
        "addy", "addys", "concerta", "methylphenidate", "amphetamine", "stimulants", "uppers",
    ),
    "cannabis": ("weed", "pot", "marijuana", "thc", "edibles", "dabs", "vape pens", "delta-8"),
    # Named often beside the rest, and none of them a sedative of Table 2.
    "other": (
        "other", "ketamine", "special k", "mdma", "molly", "ecstasy", "lsd", "mushrooms", "pcp",
        "nicotine", "phenibut", "xylazine", "tranq", "clonidine", "catapres", "hydroxyzine",
        "vistaril", "buspirone", "buspar", "trazodone", "sertraline", "zoloft", "escitalopram",
        "lexapro", "fluoxetine", "prozac", "citalopram", "celexa", "paroxetine", "paxil",
        "venlafaxine", "effexor", "duloxetine", "cymbalta", "bupropion", "wellbutrin",
        "mirtazapine", "remeron", "quetiapine", "seroquel", "olanzapine", "zyprexa", "lithium",
        "lamotrigine", "lamictal", "valproate", "depakote", "propranolol", "benadryl",
        "diphenhydramine", "melatonin", "baclofen", "cyclobenzaprine", "flexeril", "naltrexone",
    ),
    "unknown_pills": (
        "unknown pills", "unknown", "street pills", "pressed pills", "presses", "fake xanax",
        "pressed bars", "pills", "sleeping pills", "nerve pills",
    ),
}  # fmt: skip

# The number as a whole: of ".5 mg" never the 5.
_DOSE = re.compile(
    r"\s*(?<![\d.,])(\d{1,5}(?:\.\d{1,4})?|\.\d{1,4})\s*(?:mg|milligrams?)\b.*$", re.I | re.A
)
_NO_MATTER = re.compile(r"[\s_\-'\u2019.]+")


@dataclass(frozen=True, slots=True)
class Name:
    """One word for one substance, as it is offered and kept."""

    text: str
    code: str

    @property
    def substance(self) -> Substance:
        return SUBSTANCES[self.code]


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text says: the substance, the caller's own word for it, and a dose if one stands there.

    ``is_known``: False where nobody knows the words and they count as unlabeled pills.
    """

    code: str
    brand: str = ""
    dose_mg: Decimal | None = None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The text begins, or is, the name of more than one substance; ``names``: which, at most eight."""

    names: tuple[Name, ...]


def _key(text: str) -> str:
    """The text without what nobody types twice the same way: case, blanks, hyphens, dots."""
    return _NO_MATTER.sub("", text).casefold()


def _listed() -> Iterator[Name]:
    for substance in SUBSTANCES.values():
        yield Name(substance.name, substance.code)
        for brand in substance.brands:
            yield Name(brand, substance.code)
        for name in STREET_NAMES.get(substance.code, ()):
            yield Name(name, substance.code)
        # The code itself, as an import or an older page may send it.
        yield Name(substance.code.replace("_", " "), substance.code)


def _once(names: Iterator[Name]) -> tuple[Name, ...]:
    found: dict[tuple[str, str], Name] = {}
    for name in names:
        found.setdefault((_key(name.text), name.code), name)
    return tuple(found.values())


NAMES: tuple[Name, ...] = _once(_listed())
_KEYS: tuple[tuple[str, Name], ...] = tuple((_key(name.text), name) for name in NAMES)


def search(text: str) -> tuple[Name, ...]:
    """The names a text may mean, the likeliest first, one for each substance, at most eight.

    A whole name comes before one that begins so, and that before one with a later word beginning
    so; each in the order of the list. Nothing for an empty text.
    """
    wanted = _key(text[:LONGEST_TEXT])
    if not wanted:
        return ()
    ranked = sorted(
        ((rank, place, name) for place, (key, name) in enumerate(_KEYS)
         if (rank := _rank(key, name.text, wanted)) is not None),
        key=lambda found: found[:2],
    )  # fmt: skip
    best: dict[str, Name] = {}
    for _rank_of, _place, name in ranked:
        best.setdefault(name.code, name)
    return tuple(best.values())[:MOST_OFFERED]


def _rank(key: str, text: str, wanted: str) -> int | None:
    if key == wanted:
        return 0
    if key.startswith(wanted):
        return 1
    later_words = re.split(r"[\s,]+", text)[1:]
    return 2 if any(_key(word).startswith(wanted) for word in later_words) else None


def understand(text: str) -> Meant | Ambiguous:
    """What was typed into one box, as a substance; never raises.

    A whole name wins over beginnings; a beginning of three letters or more counts where it leaves
    one substance. ``name: words`` keeps the words. What nobody knows is kept as words and counts
    as unlabeled pills.
    """
    text = " ".join(text[:LONGEST_TEXT].split())
    found = _named(text)
    if found is not None:
        return found
    bare = _DOSE.sub("", text)
    if bare != text and (found := _named(bare)) is not None:
        dose = _DOSE.search(text)
        if isinstance(found, Meant) and dose is not None:
            return Meant(found.code, found.brand, Decimal(dose.group(1)))
        return found
    head, colon, words = (part.strip() for part in text.partition(":"))
    if colon and words:
        named = _named(head)
        if isinstance(named, Ambiguous):
            return named
        if named is not None:
            return Meant(named.code, words)
    return Meant("unknown_pills", text, is_known=False)


def _named(text: str) -> Meant | Ambiguous | None:
    wanted = _key(text)
    if not wanted:
        return None
    exact = [name for key, name in _KEYS if key == wanted]
    begun = [name for key, name in _KEYS if key.startswith(wanted)]
    names = exact or (begun if len(wanted) >= SHORTEST_BEGINNING else [])
    if not names:
        return None
    if len({name.code for name in names}) > 1:
        one_each = {name.code: name for name in reversed(names)}
        return Ambiguous(tuple(reversed(one_each.values()))[:MOST_OFFERED])
    return Meant(names[0].code, _kept(names[0], typed=text if exact else ""))


def _kept(name: Name, *, typed: str) -> str:
    """The word kept beside the substance: none where it is the substance's own name."""
    own = {_key(name.substance.name), _key(name.code)}
    if _key(name.text) in own:
        return ""
    is_brand = name.text in name.substance.brands
    return name.text if is_brand or not typed else typed


def written(code: str, brand: str) -> str:
    """The text that ``understand`` reads as this substance with these words."""
    substance = SUBSTANCES.get(code, SUBSTANCES["unknown_pills"])
    if not brand:
        return substance.name
    meant = understand(brand)
    if isinstance(meant, Meant) and (meant.code, meant.brand) == (code, brand):
        return brand
    return f"{substance.name}: {brand}"


def near(text: str) -> tuple[str, ...]:
    """Names that look much like an unknown one, to ask about; never taken for it in silence."""
    keys = {key: name.text for key, name in _KEYS if len(key) > SHORTEST_BEGINNING}
    wanted = _key(_DOSE.sub("", text[:LONGEST_TEXT]))
    return tuple(keys[key] for key in get_close_matches(wanted, keys, n=3, cutoff=0.75))
