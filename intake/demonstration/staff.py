"""Four people to log in as, and two more at the desk. Passwords are new every time."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import Group, User

ROLES = (
    ("agent", "Agent", "ava", "Ava"),
    ("supervisor", "Supervisor", "sam", "Sam"),
    ("privacy officer", "Privacy officer", "priya", "Priya"),
    ("administrator", "Administrator", "adam", "Adam"),
)
COLLEAGUES = (("noor", "Noor"), ("ben", "Ben"))
PASSWORD_BYTES = 12


@dataclass(frozen=True)
class LogIn:
    """Shown once, on the terminal; only its hash is stored."""

    role: str
    username: str
    password: str


def log_ins() -> list[LogIn]:
    """Create the four roles' accounts and two more agents; returns what to print."""
    made = []
    for role, group, username, first_name in ROLES:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        _account(username, first_name, group, password)
        made.append(LogIn(role, username, password))
    for username, first_name in COLLEAGUES:
        _account(username, first_name, "Agent", None)
    return made


def _account(username: str, first_name: str, group: str, password: str | None) -> None:
    user = User(username=username, first_name=first_name, email=f"{username}@example.org")
    user.is_staff = True
    user.set_password(password)
    user.save()
    user.groups.add(Group.objects.get(name=group))


def agents() -> list[User]:
    return list(User.objects.filter(groups__name="Agent", is_active=True).order_by("username"))
