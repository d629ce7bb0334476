"""Where the encrypted columns and blind indexes of this project are."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.db import models
from django.db.models.expressions import ExpressionWrapper, F, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact

from .blind_index import BlindIndexField
from .cipher import header
from .column import EncryptedField
from .lone_digest import LoneDigestField

_BYTES: Final = models.BinaryField()


def project_models() -> list[type[models.Model]]:
    """Every model with a table of its own, proxies and unmanaged models aside."""
    return [m for m in apps.get_models() if m._meta.managed and not m._meta.proxy]


def encrypted_fields(model: type[models.Model]) -> list[EncryptedField[Any, Any]]:
    """The encrypted columns of the model's own table."""
    return [f for f in model._meta.local_concrete_fields if isinstance(f, EncryptedField)]


def indexed_fields(model: type[models.Model]) -> list[BlindIndexField]:
    """The blind indexes in the model's own table."""
    return [f for f in model._meta.local_concrete_fields if isinstance(f, BlindIndexField)]


def lone_digest_fields(model: type[models.Model]) -> list[LoneDigestField]:
    """The digests in the model's own table whose values are stored nowhere."""
    return [f for f in model._meta.local_concrete_fields if isinstance(f, LoneDigestField)]


def digested_with(field: LoneDigestField, key_id: str) -> models.Q:
    """Rows whose digest was made with this index key and cannot be made with another."""
    return models.Q(**{f"{field.name}__isnull": False, field.key_field: key_id})


def sealed_with(field: models.Field[Any, Any], key_id: str) -> models.Q:
    """Rows whose value of this column was sealed with this key, told by its first bytes."""
    head = header(key_id)
    start = Substr(F(field.attname), Value(1), Value(len(head)), output_field=_BYTES)
    return models.Q(Exact(start, head))


def holds(field: models.Field[Any, Any], stored: bytes | None) -> models.Q:
    """Rows whose column holds exactly these bytes."""
    if stored is None:
        return models.Q(**{f"{field.attname}__isnull": True})
    return models.Q(Exact(ExpressionWrapper(F(field.attname), output_field=_BYTES), stored))
