"""Encrypted fields, blind indexes, keyed digests and the key ring behind them.

Below the models: nothing here knows what a caller is.
"""

from .blind_index import (
    BlindIndexField,
    blind_index,
    blind_index_candidates,
    declare_purpose,
    normalise_identifier,
    normalise_last_four,
    normalise_name,
    normalise_phone,
    with_blind_indexes,
)
from .cipher import Ciphertext, DecryptionError, mac, verify_mac
from .fields import (
    EncryptedBooleanField,
    EncryptedDateField,
    EncryptedDateTimeField,
    EncryptedDecimalField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedPhoneField,
    EncryptedTextField,
)
from .keyring import KeyringError, create_keyring_file, get_keyring
from .lone_digest import LoneDigestField, lone_digest

__all__ = [
    "BlindIndexField",
    "Ciphertext",
    "DecryptionError",
    "EncryptedBooleanField",
    "EncryptedDateField",
    "EncryptedDateTimeField",
    "EncryptedDecimalField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedPhoneField",
    "EncryptedTextField",
    "KeyringError",
    "LoneDigestField",
    "blind_index",
    "blind_index_candidates",
    "create_keyring_file",
    "declare_purpose",
    "get_keyring",
    "lone_digest",
    "mac",
    "normalise_identifier",
    "normalise_last_four",
    "normalise_name",
    "normalise_phone",
    "verify_mac",
    "with_blind_indexes",
]
