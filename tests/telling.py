"""Whether a text tells whose number is meant."""

import re


def tells(text, last_four):
    """Whether these last digits of a number stand there: by themselves, or behind a 555.

    Four digits alone may be part of an id or of a token by chance.
    """
    alone = rf"(?<!\w)(?<!\w-){last_four}(?!\w)(?!-\w)"
    return bool(re.search(rf"555\W{{0,3}}{last_four}|{alone}", text))
