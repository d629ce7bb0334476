"""What every encrypted column does, whatever its type: sealed on save, opened on first reading.

- A row that is loaded holds `Ciphertext`; reading the attribute opens it and keeps the value.
- Saving seals, bound to table, column and primary key, so the key must be assigned before the
  insert. A value that did not change keeps its very bytes, unless an old key had sealed them.
- The database never gets a plaintext: `update()`, `bulk_update()`, expressions, fixtures and every
  lookup but `isnull` are refused. `bulk_create()` is fine, except with `update_conflicts`: that
  would write a value sealed for a new row into an old one.
- Values read without their instance (`values()`, `values_list()`) stay `Ciphertext`; open one with
  the field's `open(ciphertext, pk)`.
- Renaming a table or column takes a data migration that reads the old column and writes the new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from django import forms
from django.core import checks
from django.core.exceptions import EmptyResultSet, FieldError, FullResultSet, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Value
from django.db.models.lookups import IsNull, Lookup
from django.db.models.query_utils import DeferredAttribute
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

from .cipher import Ciphertext, DecryptionError, decrypt, encrypt, place
from .keyring import get_keyring

S = TypeVar("S")  # what may be assigned
G = TypeVar("G")  # what reading gives

if TYPE_CHECKING:
    _Field = models.Field
else:
    # Django's Field takes type arguments in its stubs only.
    class _Field(models.Field, Generic[S, G]):
        pass


# Stands for "some value" where a CHECK constraint is tried in SQL by `full_clean`: a constraint
# on an encrypted column can only ask whether there is a value.
_SOME_VALUE = b"\1"


class _IsAbsent(IsNull):
    """`isnull`, where `full_clean` tries a constraint on a plaintext: "" is absent as well."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        field: Any = self.lhs.output_field
        if isinstance(self.lhs, Value) and field.is_absent(self.lhs.value):
            raise FullResultSet if self.rhs else EmptyResultSet
        return super().as_sql(compiler, connection)


class EncryptedAttribute(DeferredAttribute):
    """Opens the value when the attribute is first read, and keeps its sealed form beside it."""

    field: EncryptedField[Any, Any]

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)  # loads a deferred column
        if isinstance(value, Ciphertext):
            sealed, value = value, self.field.open(value, instance.pk)
            instance.__dict__[self.field.attname] = value
            instance.__dict__[self.field.sealed_name] = sealed
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        # The sealed form stays: if the same value is assigned again, its bytes are kept on save.
        # It cannot mislead: on save it must open here, and to the same value.
        instance.__dict__[self.field.attname] = self.field.adopt(value)


class EncryptedField(_Field[S, G]):
    """Base of the typed fields in `fields`; they say how a value becomes bytes and back."""

    db_index: bool
    descriptor_class = EncryptedAttribute
    empty_strings_allowed = False
    # Text and JSON: NULL stands for the empty value, so `null` is no choice of the model.
    always_nullable = False
    default_error_messages = {
        # Django's own texts quote the value; ours may end up in a log.
        "invalid_choice": _("Choose one of the listed values."),
        "invalid": _("Enter a valid value."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.always_nullable:
            kwargs["null"] = True
        super().__init__(*args, **kwargs)
        self.serialize: Any = _Refusal()

    # --- what a type of field defines ------------------------------------------------------------

    def to_bytes(self, value: Any) -> bytes:
        """The value as bytes. Raises TypeError or ValueError, never quoting the value."""
        raise NotImplementedError

    def from_bytes(self, data: bytes) -> Any:
        """The value `to_bytes` wrote."""
        raise NotImplementedError

    def absent(self) -> Any:
        """The value that NULL stands for."""
        return None

    def adopt(self, value: Any) -> Any:
        """What an assigned value becomes."""
        return self.absent() if value is None else value

    # --- reading and writing ---------------------------------------------------------------------

    @property
    def sealed_name(self) -> str:
        """Where an instance keeps the sealed form of an opened value."""
        return f"_{self.attname}_sealed"

    def open(self, sealed: Ciphertext | None, pk: Any) -> Any:
        """The plaintext of this column in the row `pk`. Raises DecryptionError."""
        if sealed is None:
            return self.absent()
        return self.from_bytes(decrypt(sealed, at=self.place(pk)))

    def place(self, pk: Any) -> bytes:
        """The associated data of this column in the row `pk`. Raises ValueError without a key."""
        if pk is None:
            raise ValueError(f"{self} is bound to its row: assign the primary key before saving.")
        key: Any = self.model._meta.pk
        # to_python, so that a UUID given as text binds like the UUID that is read back.
        return place(self.model._meta.db_table, str(self.column), key.to_python(pk))

    def from_db_value(
        self, value: bytes | memoryview | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> Ciphertext | None:
        """Wrap what the database returned; nothing is opened yet."""
        return None if value is None else Ciphertext(bytes(value))

    def pre_save(self, instance: models.Model, add: bool) -> Ciphertext | None:
        """Seal the attribute for the row `instance.pk`, or keep the bytes it was read from.

        Bytes are kept only if they open at this row and were sealed with the current key: a copy
        under another primary key never writes what nobody can open, and an instance loaded before
        a key rotation does not undo it.
        """
        at = self.place(instance.pk)
        if self.attname not in instance.__dict__:
            getattr(instance, self.attname)  # deferred: load it
        held = instance.__dict__[self.attname]
        if isinstance(held, Ciphertext):
            kept: Ciphertext | None = held
            plaintext = decrypt(held, at=at)
        else:
            kept = instance.__dict__.get(self.sealed_name)
            if self.is_absent(held):
                instance.__dict__.pop(self.sealed_name, None)
                return None
            plaintext = self.to_bytes(held)
        if kept is not None and _still_good(kept, plaintext, at):
            return kept
        sealed = encrypt(plaintext, at=at)
        instance.__dict__[self.attname if held is kept else self.sealed_name] = sealed
        return sealed

    def is_absent(self, value: Any) -> bool:
        """Whether this value is stored as NULL."""
        absent = self.absent()
        return value is None or (absent is not None and bool(value == absent))

    def get_prep_value(self, value: Any) -> Ciphertext | None:
        """Let only sealed values through. Raises TypeError for anything else."""
        if value is None or isinstance(value, Ciphertext):
            return value
        self._refuse_plaintext()

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """The bytes to write. Raises TypeError for plaintexts and for SQL expressions."""
        if isinstance(value, Ciphertext):
            return connection.Database.Binary(value.blob)  # type: ignore[attr-defined]
        if not hasattr(value, "resolve_expression") and self.is_absent(value):
            return None
        self._refuse_plaintext()

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """A parameter of a query that reads; of a plaintext SQL learns only that there is one."""
        if not prepared and not isinstance(value, Ciphertext):
            value = None if self.is_absent(value) else Ciphertext(_SOME_VALUE)
        sealed = self.get_prep_value(value)
        return None if sealed is None else connection.Database.Binary(sealed.blob)  # type: ignore[attr-defined]

    def _refuse_plaintext(self) -> NoReturn:
        raise TypeError(
            f"{self} is encrypted and bound to its row; only save() and bulk_create() can write it."
            " update(), bulk_update(), expressions, fixtures and the default of an added column"
            " cannot. update() may set it to None."
        )

    # --- queries ---------------------------------------------------------------------------------

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        """Only `isnull`. Raises FieldError for the rest."""
        if lookup_name == "isnull":
            return _IsAbsent
        raise FieldError(f"{self} is encrypted: it can be looked up by its blind index only.")

    def get_transform(self, lookup_name: str) -> NoReturn:
        """None. Always raises FieldError."""
        raise FieldError(f"{self} is encrypted: SQL can compute nothing from it.")

    # --- model, forms, migrations ----------------------------------------------------------------

    def get_internal_type(self) -> str:
        """Stored like a BinaryField: BLOB in SQLite, bytea in PostgreSQL."""
        return "BinaryField"

    def get_default(self) -> Any:
        """As Django's, but the empty value where it would be None."""
        return self.adopt(super().get_default())

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """As Django's, and the value must be one that can be sealed. Raises ValidationError."""
        super().validate(value, model_instance)
        if not self.is_absent(value):
            try:
                self.to_bytes(value)
            except (TypeError, ValueError, OverflowError):
                raise self.invalid() from None

    def invalid(self) -> ValidationError:
        """The field's own refusal; does not quote what was entered."""
        return ValidationError(self.error_messages["invalid"], code="invalid")

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        """The form field of the plaintext. Browsers are asked not to remember it."""
        # A hidden initial would repeat the plaintext in the page.
        field = super().formfield(*args, **{"show_hidden_initial": False, **kwargs})
        if isinstance(field, forms.Field):
            field.widget.attrs.setdefault("autocomplete", "off")
        return field

    def value_to_string(self, obj: models.Model) -> NoReturn:
        """Always raises TypeError: see `_Refusal`."""
        bool(self.serialize)
        raise AssertionError("unreachable")

    def deconstruct(self) -> Any:
        """As Django's; what the class fixes stays out of the migration."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["serialize"]
        if self.always_nullable:
            del kwargs["null"]
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse options that cannot work on random-looking bytes."""
        found = list(super().check(**kwargs))
        if self.unique or self.db_index or self.primary_key:
            hint = "Put unique or db_index on a BlindIndexField."
            found.append(checks.Error("Ciphertexts never repeat.", hint, self, "crypto.E001"))
        if self.has_db_default():
            found.append(checks.Error("SQL cannot encrypt a default.", None, self, "crypto.E002"))
        if self.blank and not self.null and not self.has_default():
            hint = "Add null=True: an empty value is NULL."
            found.append(checks.Error("May be left out, but not NULL.", hint, self, "crypto.E003"))
        return found


class _Refusal:
    """Stands in for `field.serialize`: serializers ask it, and get an error instead of a value.

    `dumpdata` would write plaintexts (dates and numbers pass by `value_to_string`), or leave the
    column out of what the operator takes for a backup. Backups are dumps of the database.
    """

    def __bool__(self) -> bool:
        raise TypeError("Encrypted fields cannot be serialized; back up with a database dump.")


def _still_good(sealed: Ciphertext, plaintext: bytes, at: bytes) -> bool:
    try:
        if sealed.key_id != get_keyring().encryption.current:
            return False
        return decrypt(sealed, at=at) == plaintext
    except DecryptionError:
        return False  # belongs to another row: the caller holds the plaintext and seals it anew
