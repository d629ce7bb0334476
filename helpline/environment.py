"""Reads settings from environment variables; a wrong or missing one stops the start with a hint."""

import os
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class Environment:
    """Typed access to environment variables.

    An empty variable counts as unset, because that is what `NAME=` in an env file means.
    Messages name the variable and what it should look like, never the value: it may be a secret.
    """

    def __init__(self, values: Mapping[str, str] = os.environ) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, "").strip() or default

    def words(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in TRUE:
            return True
        if value in FALSE:
            return False
        raise ImproperlyConfigured(f"{name} must be 1 or 0 (or true or false).")

    def number(self, name: str, default: int, *, least: int = 1, most: int = 10**9) -> int:
        value = self.text(name)
        if not value:
            return default
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}.")
        return number

    def folder(self, name: str, default: Path, *, base: Path) -> Path:
        """An absolute folder; a relative one is taken from `base`, wherever the command runs."""
        value = self.text(name)
        return (base / Path(value).expanduser()).resolve() if value else default

    def zone(self, name: str, default: str) -> str:
        """A time zone name such as America/New_York."""
        value = self.text(name, default)
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ImproperlyConfigured(
                f"{name} must be a time zone name such as America/New_York."
            ) from None
        return value

    def clock_times(self, name: str, default: str) -> tuple[time, ...]:
        """Times of day such as 07:00,15:00,23:00, in order."""
        try:
            times = {time.fromisoformat(word) for word in self.words(name, default)}
        except ValueError:
            times = set()
        if not times or any(one.tzinfo for one in times):
            raise ImproperlyConfigured(f"{name} must be times of day such as 07:00,15:00,23:00.")
        return tuple(sorted(times))

    def secret(self, name: str) -> str:
        """The value of NAME, or the content of the file that NAME_FILE points to, or ''."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name)
        if self.text(name):
            raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(
                f"{name}_FILE: the file cannot be read ({type(error).__name__})."
            ) from None
        if not value:
            raise ImproperlyConfigured(f"{name}_FILE: the file is empty.")
        return value


def is_gateway_address(url: str) -> bool:
    """Whether a text gateway may be asked there: by https, or on this machine by http."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}
    is_bare = not (parts.username or parts.password or parts.fragment)
    return bool(host) and is_bare and url.isascii() and (parts.scheme == "https" or is_plain)
