"""What the limits of the public form held back lately, as it waits at the desk for somebody to look.

Five requests for one number within the hour, as if somebody played a trick on its owner, and two
whose browsers could not prove that they are no machine. One of these is in danger.
"""

import random
from datetime import datetime, timedelta

from intake.actions import admission, calling_hours, consents, web_requests
from intake.demonstration import people

FOR_ONE_NUMBER = 5
ONE_NUMBER = "+16145550146"


def leave_some(*, seed: int, now: datetime) -> None:
    """Leave them, the first of them asked for half an hour before ``now``."""
    chance = random.Random(f"{seed}/held")  # noqa: S311 - invented data
    for number in range(FOR_ONE_NUMBER):
        at = now - timedelta(minutes=30 - 4 * number)
        _ask(chance, phone=ONE_NUMBER, now=at)
    _ask(chance, is_proven=False, now=now - timedelta(minutes=9))
    _ask(chance, is_proven=False, in_danger=True, now=now - timedelta(minutes=3))


def _ask(
    chance: random.Random,
    *,
    now: datetime,
    phone: str = "",
    is_proven: bool = True,
    in_danger: bool = False,
) -> None:
    person = people.someone(chance)
    person.phone = phone or person.phone
    openings = calling_hours.offers(person, now + timedelta(minutes=30), 1)
    request = web_requests.WebRequest(
        person=person,
        due_at=now if in_danger else openings[0].at,
        form_digest=f"{chance.getrandbits(128):032x}",
        content_digest=f"{chance.getrandbits(128):032x}",
        consent_wording=consents.WORDING_VERSION,
        in_danger=in_danger,
        asked_outside_hours=in_danger,
        is_proven=is_proven,
    )
    web_requests.take(request=request, now=now)
    admission.admit_received(limit=1, now=now)
