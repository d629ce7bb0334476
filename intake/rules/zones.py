"""Time zones of states and of area codes.

Derived from the ``zipcodes`` package (3.0.0), in which each ZIP code names its zone and its area
codes; a test compares both tables with the installed package. Kept here because reading all ZIP
codes at run time costs 85 MB. An area code alone is weak: sixty of them lie in several zones for
which ``phonenumbers`` names one, and it puts 689 (Orlando) into Chicago's zone. So candidates are
joined, never chosen from.
"""

import functools
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import zipcodes
from phonenumbers import timezone as number_timezone

# Where nothing is known, the person may be anywhere in the lower 48 states.
LOWER_48_ZONES = (
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
)
# A toll-free number "lies" in forty zones: more than any area code's is no place at all.
_MOST_ZONES_OF_A_PLACE = 12
# No area code begins with 0 or 1.
_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")


def _by_item(groups: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """One entry per name on the left of each group."""
    return {item: tuple(zones.split()) for items, zones in groups for item in items.split()}


# State or territory -> every zone its ZIP codes lie in.
STATE_ZONES: dict[str, tuple[str, ...]] = _by_item(
    (
        (
            "AK",
            "America/Adak America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat",
        ),
        ("ID OR", "America/Boise America/Los_Angeles"),
        ("AL AR IA IL LA MN MO MS OK WI", "America/Chicago"),
        ("KS NE SD TX", "America/Chicago America/Denver"),
        (
            "ND",
            "America/Chicago America/Denver America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem",
        ),
        (
            "IN",
            "America/Chicago America/Indiana/Indianapolis America/Indiana/Knox America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Tell_City America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Kentucky/Louisville America/New_York",
        ),
        (
            "KY",
            "America/Chicago America/Kentucky/Louisville America/Kentucky/Monticello America/New_York",
        ),
        ("FL TN", "America/Chicago America/New_York"),
        ("CO MT NM UT WY", "America/Denver"),
        ("AZ", "America/Denver America/Phoenix"),
        ("MI", "America/Detroit America/Menominee"),
        ("CA NV WA", "America/Los_Angeles"),
        ("CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV", "America/New_York"),
        ("PR", "America/Puerto_Rico"),
        ("VI", "America/St_Thomas"),
        ("FM", "Pacific/Chuuk"),
        ("GU", "Pacific/Guam"),
        ("HI", "Pacific/Honolulu"),
        ("MH", "Pacific/Majuro"),
        ("AS", "Pacific/Pago_Pago"),
        ("PW", "Pacific/Palau"),
        ("MP", "Pacific/Saipan"),
    )
)

# Area code -> every zone its ZIP codes lie in.
AREA_CODE_ZONES: dict[str, tuple[str, ...]] = _by_item(
    (
        (
            "907",
            "America/Adak America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat",
        ),
        ("406", "America/Boise America/Chicago America/Denver America/Los_Angeles"),
        ("307", "America/Boise America/Denver"),
        ("208 986", "America/Boise America/Denver America/Los_Angeles"),
        ("435 775", "America/Boise America/Denver America/Los_Angeles America/Phoenix"),
        ("458 541", "America/Boise America/Los_Angeles"),
        (
            "205 210 214 218 224 225 228 251 254 262 281 309 312 314 316 318 319 "
            "320 325 331 337 346 361 405 409 414 417 430 464 469 479 501 504 507 "
            "512 515 539 557 563 572 573 601 608 612 615 629 630 636 641 651 659 "
            "660 662 682 708 712 713 726 731 737 763 769 773 816 817 830 832 847 "
            "870 872 901 903 913 918 920 936 940 945 952 956 972 979 985",
            "America/Chicago",
        ),
        (
            "303 308 402 432 531 580 605 620 719 720 785 806 915 970 983",
            "America/Chicago America/Denver",
        ),
        (
            "701",
            "America/Chicago America/Denver America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem",
        ),
        ("575", "America/Chicago America/Denver America/Phoenix"),
        ("269", "America/Chicago America/Detroit America/Indiana/Indianapolis"),
        (
            "219 574",
            "America/Chicago America/Detroit America/Indiana/Indianapolis America/Indiana/Knox America/Indiana/Winamac",
        ),
        ("906", "America/Chicago America/Detroit America/Menominee"),
        ("217 447 779 815", "America/Chicago America/Indiana/Indianapolis"),
        (
            "812 930",
            "America/Chicago America/Indiana/Indianapolis America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Tell_City America/Indiana/Vevay America/Indiana/Vincennes America/Kentucky/Louisville America/New_York",
        ),
        ("618", "America/Chicago America/Indiana/Indianapolis America/Indiana/Vincennes"),
        ("765", "America/Chicago America/Indiana/Indianapolis America/New_York"),
        (
            "270 364",
            "America/Chicago America/Indiana/Marengo America/Indiana/Tell_City America/Kentucky/Louisville America/Kentucky/Monticello America/New_York",
        ),
        ("423 606 931", "America/Chicago America/Kentucky/Monticello America/New_York"),
        ("534 715", "America/Chicago America/Menominee"),
        ("229 256 334 448 470 678 706 762 770 850 865 938 943", "America/Chicago America/New_York"),
        ("385 801", "America/Denver"),
        ("928", "America/Denver America/Los_Angeles America/Phoenix"),
        ("505 520", "America/Denver America/Phoenix"),
        ("231 248 313 586 616 810 947 989", "America/Detroit"),
        ("260 419 517 567", "America/Detroit America/Indiana/Indianapolis America/New_York"),
        ("734", "America/Detroit America/New_York"),
        ("317 463", "America/Indiana/Indianapolis"),
        (
            "502",
            "America/Indiana/Indianapolis America/Indiana/Vevay America/Kentucky/Louisville America/New_York",
        ),
        ("283 326 513 937", "America/Indiana/Indianapolis America/New_York"),
        ("859", "America/Indiana/Vevay America/New_York"),
        (
            "206 209 213 253 279 310 323 341 350 360 408 415 424 425 503 509 510 "
            "530 559 562 564 619 626 628 650 657 661 669 707 714 747 805 818 820 "
            "831 840 858 909 916 925 949 951 971",
            "America/Los_Angeles",
        ),
        ("442 702 725 760", "America/Los_Angeles America/Phoenix"),
        (
            "201 202 203 207 212 215 216 220 223 227 234 239 240 252 267 272 276 "
            "301 302 304 305 315 321 330 332 336 339 347 351 352 363 380 386 401 "
            "404 407 410 412 413 434 440 443 445 472 475 478 484 508 516 518 540 "
            "551 561 570 571 582 585 603 607 609 610 614 617 631 640 646 656 667 "
            "680 681 689 703 704 716 717 718 724 727 732 740 743 754 757 771 772 "
            "774 781 786 802 803 804 813 814 826 828 835 838 839 843 845 848 854 "
            "856 857 860 862 863 864 878 904 908 910 912 914 917 919 929 934 941 "
            "948 954 959 973 978 980 984",
            "America/New_York",
        ),
        ("480 602 623", "America/Phoenix"),
        ("787 939", "America/Puerto_Rico"),
        ("340", "America/St_Thomas"),
        ("671", "Pacific/Guam"),
        ("808", "Pacific/Honolulu"),
        ("684", "Pacific/Pago_Pago"),
        ("670", "Pacific/Saipan"),
    )
)


def is_zone(name: str) -> bool:
    """Whether this machine knows the IANA zone; ZIP 99634 says "Napakiak", which is none."""
    if "/" not in name:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def west_first(zones: Iterable[str]) -> tuple[str, ...]:
    """Each zone once, the westernmost first: a morning hour there is too early nowhere else."""
    winter = datetime(2026, 1, 15, tzinfo=UTC)

    def offset(name: str) -> float:
        difference = winter.astimezone(ZoneInfo(name)).utcoffset()
        return 0.0 if difference is None else difference.total_seconds()

    return tuple(sorted(set(zones), key=lambda name: (offset(name), name)))


def zip_place(zip_code: str) -> tuple[str, str]:
    """(zone, state) of a ZIP or ZIP+4; empty where the data has none, or there is no such ZIP."""
    digits = zip_code.strip()[:5]
    if len(digits) != 5 or not (digits.isascii() and digits.isdigit()):
        return "", ""
    return _place_of(digits)


# The data is searched from end to end, and one request asks for its ZIP more than once.
@functools.lru_cache(maxsize=4096)
def _place_of(digits: str) -> tuple[str, str]:
    rows = zipcodes.matching(digits)  # type: ignore[no-untyped-call]
    if not rows:
        return "", ""
    zone = rows[0]["timezone"]
    return (zone if is_zone(zone) else ""), rows[0]["state"]


def state_zones(state: str) -> tuple[str, ...]:
    """Zones of a state or territory by its two letters; none for military "states"."""
    return west_first(STATE_ZONES.get(state.strip().upper(), ()))


def parsed(e164: str) -> phonenumbers.PhoneNumber:
    """As ``phonenumbers.parse``, which is slow at what nearly all our numbers look like."""
    if _AMERICAN.fullmatch(e164):
        return phonenumbers.PhoneNumber(country_code=1, national_number=int(e164[2:]))
    return phonenumbers.parse(e164)


def number_zones(e164: str) -> tuple[str, ...]:
    """Candidate zones of a number (E.164): the ZIP data's joined with ``phonenumbers``'.

    Empty for numbers without a place, toll-free for one.
    """
    if _AMERICAN.fullmatch(e164):
        # Area code and exchange decide; the line does not, and is nothing to keep in memory.
        return _american_zones(e164[: len("+1202555")])
    return _zones_of(e164)


@functools.lru_cache(maxsize=4096)
def _american_zones(exchange: str) -> tuple[str, ...]:
    return _zones_of(f"{exchange}0100")


def _zones_of(e164: str) -> tuple[str, ...]:
    try:
        number = parsed(e164)
    except phonenumbers.NumberParseException:
        return ()
    listed = set(AREA_CODE_ZONES.get(e164[2:5], ())) if e164.startswith("+1") else set()
    guessed = {zone for zone in number_timezone.time_zones_for_number(number) if is_zone(zone)} - {
        number_timezone.UNKNOWN_TIMEZONE
    }
    if len(guessed) > _MOST_ZONES_OF_A_PLACE:
        guessed = set()
    return west_first(listed | guessed)
