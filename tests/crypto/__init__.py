"""Encrypted fields, blind indexes, key ring, rotation."""
