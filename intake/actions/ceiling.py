"""How full the hour is: the requests that came from the public form, counted as far as a limit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from intake.models import Callback

# By the index callback_asked_online. SQLite would rather read all that ever came by the form, unless
# it is told that this says little.
BY_FORM = {"sqlite": "likely(source = 'web')", "postgresql": "source = 'web'"}
TAKEN = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM intake_callback"
    " WHERE {by_form} AND requested_at > %s AND id < %s LIMIT %s) AS taken"
)
LAST = UUID(int=2**128 - 1)


def taken_since(moment: datetime, *, most: int, before: UUID = LAST) -> int:
    """How many requests the form took after this moment (UTC), ``most`` at most.

    ``before``: only those that came before the one with this id; ids are in the order they came in.
    """
    after: Any = connection.ops.adapt_datetimefield_value(moment)
    earlier = Callback._meta.pk.get_db_prep_value(before, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            TAKEN.format(by_form=BY_FORM[connection.vendor]), [after, earlier, max(most, 0)]
        )
        return int(cursor.fetchone()[0])
