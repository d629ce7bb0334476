"""What every stored record has in common: an id before insert, a neutral name, a privacy class."""

import secrets
import time
import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.db.models import Q

# No I, L, O, U: a reference is read out over a bad line and typed back.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """A UUIDv7: random, yet ordered by the millisecond it was made, so inserts stay local.

    Assigned when the object is made, not by the database: encrypted columns bind to it.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_reference(prefix: str) -> str:
    """A short code such as ``C-7K4M2QXD`` that says nothing of the person (40 random bits)."""
    # Of a byte 32 letters need five bits, so each is as likely as the others.
    return f"{prefix}-" + "".join(REFERENCE_ALPHABET[byte % 32] for byte in secrets.token_bytes(8))


def of_the_few(prefix: str, *fields: str) -> list[models.Index]:
    """For foreign keys most rows leave empty: an index each, of the rows that have one."""
    return [
        models.Index(
            fields=[field],
            condition=Q(**{f"{field}__isnull": False}),
            name=f"{prefix}_of_{field}",
        )
        for field in fields
    ]


def paired(name: str, *fields: str) -> models.CheckConstraint:
    """The fields are all set or all null; ``name`` is the constraint's."""
    nothing = Q(**{f"{field}__isnull": True for field in fields})
    everything = Q(**{f"{field}__isnull": False for field in fields})
    return models.CheckConstraint(condition=nothing | everything, name=name)


def stamped(
    name: str, statuses: Iterable[str], *, field: str, status_field: str = "status"
) -> models.CheckConstraint:
    """``field`` is set if and only if the status is one of ``statuses``."""
    within = Q(**{f"{status_field}__in": list(statuses)})
    return models.CheckConstraint(
        condition=(within & Q(**{f"{field}__isnull": False}))
        | (~within & Q(**{f"{field}__isnull": True})),
        name=name,
    )


class Record(models.Model):
    """A row with an id of its own from the moment it is constructed.

    Every model names each of its fields in ``Privacy``: ``personal`` (identity or health,
    held encrypted or as a keyed index) or ``ordinary``. A test finds the field nobody classed.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {"id"}

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True
        default_permissions: ClassVar[tuple[str, ...]] = ("add", "change", "view")

    def __str__(self) -> str:
        label = str(self._meta.verbose_name)
        reference = getattr(self, "reference", "") or str(self.pk)[-6:]
        return f"{label[:1].upper()}{label[1:]} {reference}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.pk}>"
