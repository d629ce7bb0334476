"""Digests of values that are stored nowhere else: they can be recognized, never read again.

A blocked phone number outlives every record of the person, so all that is kept of it is a digest.
Nothing can compute that anew when the index key is rotated. Each row therefore names the key it was
made with; `blind_index_candidates` finds it under any key of the ring, `rotate_keys` moves the rows
whose value it still meets elsewhere and never retires a key that another row needs.
"""

from __future__ import annotations

from typing import Any

from .blind_index import DigestField, declare_purpose, digest_with
from .keyring import get_keyring


class LoneDigestField(DigestField):
    """The digest of a value without its source; NULL means that nothing is recognized by the row.

    `key_field` is the column that holds the id of the index key. `normalise` is one of NORMALISERS.
    Write what `lone_digest` gives into both together.
    """

    description = "Keyed digest of a value that is not stored"

    def __init__(
        self,
        *args: Any,
        purpose: str,
        key_field: str,
        normalise: str = "phone",
        **kwargs: Any,
    ) -> None:
        self.purpose, self.key_field, self.normalise = purpose, key_field, normalise
        kwargs |= {"null": True, "blank": True, "editable": False}
        super().__init__(*args, **kwargs)
        declare_purpose(purpose, normalise)

    def deconstruct(self) -> Any:
        """As Django's, without what every lone digest has in common."""
        name, _path, args, kwargs = super().deconstruct()
        for fixed in ("null", "blank", "editable"):
            kwargs.pop(fixed, None)
        kwargs |= {
            "purpose": self.purpose,
            "key_field": self.key_field,
            "normalise": self.normalise,
        }
        return name, "intake.crypto.LoneDigestField", args, kwargs


def lone_digest(purpose: str, value: Any) -> tuple[bytes, str]:
    """The digest under the current index key, and that key's id.

    Raises ValueError as `blind_index` does.
    """
    keys = get_keyring().index
    # One reading of the ring for both: a key that becomes current meanwhile must not name the digest.
    return digest_with(keys.keys[keys.current], purpose, value), keys.current
