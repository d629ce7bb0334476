"""Blind indexes: finding an encrypted value that is equal, without storing anything readable.

The index of a value is ``HMAC-SHA256(index key, purpose, normalised value)``. Equal numbers under
different purposes give different indexes, so two tables cannot be joined on them by a thief.

While the index key is being rotated, rows under the old and the new key exist side by side, so
look up with ``__in=blind_index_candidates(purpose, value)``: one digest for each key of the ring.

A UniqueConstraint on an index holds only among rows under one key; do not rely on it alone while
`rotate_keys --reindex` is under way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import phonenumbers
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Lookup
from django.db.models.signals import pre_save
from django.dispatch import receiver
from phonenumber_field.phonenumber import PhoneNumber
from phonenumber_field.phonenumber import to_python as to_phone

from .cipher import Ciphertext, keyed_digest
from .column import EncryptedField
from .fields import PHONE_REGION
from .keyring import get_keyring

if TYPE_CHECKING:
    _Binary = models.BinaryField[bytes | None, bytes | None]
else:
    _Binary = models.BinaryField  # takes type arguments in its stubs only

DIGEST_BYTES: Final = 32

# Purpose -> name of the rule that makes two of its values equal. Storing and looking up must agree
# on it, so an undeclared purpose is an error, not a search that never finds anything.
_declared: dict[str, str] = {}


# --- what counts as equal -----------------------------------------------------------------------


def normalise_phone(value: PhoneNumber | str) -> str:
    """E.164; national numbers are read as US ones. Raises ValueError for what is no number."""
    number = to_phone(value, PHONE_REGION)
    if not isinstance(number, PhoneNumber) or number.country_code is None:
        raise ValueError("This is not a phone number.")
    if number.extension or not phonenumbers.is_possible_number(number):
        raise ValueError("This is not a possible phone number without an extension.")
    return str(number.as_e164)


def normalise_name(value: str) -> str:
    """Lower case, no accents, no punctuation, single spaces: "Núñez-O'Brien " = "nunez obrien"."""
    kept = []
    for letter in unicodedata.normalize("NFKD", value.casefold()):
        kind = unicodedata.category(letter)
        if kind == "Pd" or letter.isspace():
            kept.append(" ")  # a hyphen joins two names
        elif kind[0] in "LN":
            kept.append(letter)
    return " ".join("".join(kept).casefold().split())


def normalise_last_four(value: PhoneNumber | str) -> str:
    """The last four digits, of a whole number or alone. Raises ValueError when there are fewer."""
    text = str(value.as_e164) if isinstance(value, PhoneNumber) else value
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if len(digits) < 4:
        raise ValueError("A phone number ends with four digits.")
    return digits[-4:]


def normalise_identifier(value: str) -> str:
    """Letters and digits only, case folded: member ids as people read them out."""
    return normalise_name(value).replace(" ", "")


NORMALISERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "phone": normalise_phone,
    "last_four": normalise_last_four,
    "name": normalise_name,
    "identifier": normalise_identifier,
}


def declare_purpose(purpose: str, normalise: str) -> None:
    """Say what makes values of `purpose` equal: one of NORMALISERS.

    A BlindIndexField does this for its own. Raises ValueError when the rule does not exist or the
    purpose is known with another one.
    """
    if normalise not in NORMALISERS:
        raise ValueError(f"{normalise!r} is not one of {', '.join(NORMALISERS)}.")
    if _declared.setdefault(purpose, normalise) != normalise:
        raise ValueError(f"The purpose {purpose} is declared twice, with different rules.")


# --- digests ------------------------------------------------------------------------------------


def blind_index(purpose: str, value: Any) -> bytes:
    """The 32 bytes under which this value is stored with the current index key.

    Raises ValueError when nothing is left of the value (an index of nothing would find every
    empty row), when it cannot be normalised, and for an undeclared purpose.
    """
    return blind_index_candidates(purpose, value)[0]


def blind_index_candidates(purpose: str, value: Any) -> list[bytes]:
    """The digests under every index key of the ring, the current key's first."""
    keys = get_keyring().index
    ids = sorted(keys.keys, key=lambda key_id: key_id != keys.current)
    return [digest_with(keys.keys[key_id], purpose, value) for key_id in ids]


def digest_with(key: bytes, purpose: str, value: Any) -> bytes:
    """The digest of one value under one index key. Raises ValueError as `blind_index` does."""
    data = _normalised(purpose, value)
    if not data:
        raise ValueError(f"There is nothing to look up for {purpose}.")
    return _digest(key, purpose, data)


def _digest(key: bytes, purpose: str, data: bytes) -> bytes:
    return keyed_digest(key, f"blind index\x1f{purpose}", data)


def _normalised(purpose: str, value: Any) -> bytes:
    if purpose not in _declared:
        raise ValueError(f"{purpose} is not a declared purpose of a blind index.")
    try:
        return NORMALISERS[_declared[purpose]](value).encode()
    except UnicodeEncodeError:
        raise ValueError(f"The value for {purpose} is not text.") from None


# --- the column ---------------------------------------------------------------------------------


class DigestField(_Binary):
    """A column of keyed digests. Lookups: `exact` and `in` with digests, and `isnull`."""

    _LOOKUPS = frozenset({"exact", "in", "isnull"})

    def from_db_value(
        self, value: bytes | memoryview | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> bytes | None:
        """Bytes from every database."""
        return None if value is None else bytes(value)

    def get_prep_value(self, value: Any) -> bytes | None:
        """Digests only. Raises TypeError for anything else, such as a plaintext."""
        if value is None or (isinstance(value, bytes) and len(value) == DIGEST_BYTES):
            return value
        raise TypeError(f"{self} is compared with digests: use blind_index_candidates().")

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """`exact`, `in`, `isnull`. Raises FieldError for the rest."""
        if lookup_name in self._LOOKUPS:
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self} holds digests: only equality can be asked.")


class BlindIndexField(DigestField):
    """The blind index of the encrypted field `source`, kept by saving; NULL when that is empty.

    Saving with `update_fields` must name source and index together (`with_blind_indexes` adds
    what is missing); otherwise ValueError. `update(source=None)` must clear the index as well.
    `normalise` is one of NORMALISERS.
    """

    db_index: bool
    description = "Keyed digest of an encrypted field"

    def __init__(
        self,
        *args: Any,
        source: str,
        purpose: str,
        normalise: str = "phone",
        **kwargs: Any,
    ) -> None:
        self.source = source
        self.purpose = purpose
        self.normalise = normalise
        kwargs |= {"null": True, "blank": True, "editable": False}
        kwargs.setdefault("db_index", True)
        super().__init__(*args, **kwargs)
        declare_purpose(purpose, normalise)

    @property
    def source_field(self) -> EncryptedField[Any, Any]:
        """The field this is the index of. Raises TypeError when that is not an encrypted one."""
        field = self.model._meta.get_field(self.source)
        if not isinstance(field, EncryptedField):
            raise TypeError(f"{self} is the index of {field}, which is not encrypted.")
        return field

    def digest(self, value: Any) -> bytes | None:
        """The index of a plaintext of the source; None when there is nothing to find."""
        if self.source_field.is_absent(value):
            return None
        data = _normalised(self.purpose, value)
        keys = get_keyring().index
        return _digest(keys.keys[keys.current], self.purpose, data) if data else None

    def pre_save(self, model_instance: models.Model, add: bool) -> bytes | None:
        """Compute the index anew; an instance loaded before a rotation must not undo it."""
        attname = self.source_field.attname
        if not add and attname not in model_instance.__dict__:
            stored: bytes | None = getattr(model_instance, self.attname)
            return stored  # the source is deferred, so it did not change
        digest = self.digest(getattr(model_instance, attname))
        setattr(model_instance, self.attname, digest)
        return digest

    def deconstruct(self) -> Any:
        """As Django's, without what every blind index has in common."""
        name, _path, args, kwargs = super().deconstruct()
        # Importing the module by name would find the function `blind_index` in its place.
        path = "intake.crypto.BlindIndexField"
        for fixed in ("null", "blank", "db_index"):
            kwargs.pop(fixed, None)
        if not self.db_index:
            kwargs["db_index"] = False
        kwargs |= {"source": self.source, "purpose": self.purpose, "normalise": self.normalise}
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """The source must be an encrypted field; an index of readable text hides nothing."""
        found = list(super().check(**kwargs))
        try:
            _ = self.source_field
        except (TypeError, FieldDoesNotExist):
            found.append(checks.Error("source is no encrypted field.", None, self, "crypto.E011"))
        return found


def blind_indexes(model: type[models.Model]) -> list[BlindIndexField]:
    """The blind indexes of a model."""
    return [f for f in model._meta.concrete_fields if isinstance(f, BlindIndexField)]


def with_blind_indexes(model: type[models.Model], update_fields: Iterable[str]) -> set[str]:
    """`update_fields` with the blind index of every source in it."""
    named = set(update_fields)
    return named | {f.name for f in blind_indexes(model) if f.source in named}


@receiver(pre_save)
def _refuse_half_saves(
    sender: type[models.Model],
    instance: models.Model,
    update_fields: frozenset[str] | None = None,
    **kwargs: Any,
) -> None:
    """A saved source with a stale index is a caller nobody finds again, or a wrong one found."""
    if update_fields is None:
        return
    for index in blind_indexes(type(instance)):
        source = index.source_field
        names = {f.name in update_fields or f.attname in update_fields for f in (index, source)}
        # A source that is deferred, or loaded and never opened, did not change.
        held = instance.__dict__.get(source.attname, Ciphertext)
        unread = held is Ciphertext or isinstance(held, Ciphertext)
        if len(names) == 2 and not unread:
            raise ValueError(
                f"Save {source.name} and {index.name} of {instance._meta.label} together:"
                " with_blind_indexes(model, update_fields) adds what is missing."
            )
