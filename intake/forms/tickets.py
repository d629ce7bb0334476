"""What the page carries unseen: a number used once, signed with the time of its making."""

import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from django.core import signing
from django.db.models import TextChoices

from intake.crypto import mac

# Nobody reads and fills the form in less; a page open for a day may speak of another "today".
LEAST_FILL = timedelta(seconds=3)
LONGEST_FILL = timedelta(hours=24)
SALT = "intake.callback.form"
# No nonce has a colon.
_ASKS_PROOF = ":proof"
_SEALED = re.compile(r"[A-Za-z0-9_:-]{1,200}")


class TicketProblem(TextChoices):
    """Why a form is shown once more; every one of them may also befall a person."""

    UNKNOWN = "unknown"
    TOO_FAST = "too_fast"
    TOO_OLD = "too_old"


@dataclass(frozen=True)
class Ticket:
    """A number used once, signed with the time at which the form was rendered.

    It makes the second press of a button the first one over again, and it tells a robot's speed.
    ``asks_proof``: the browser was given work to do (``intake.proof``), which the ticket remembers,
    so that nobody can leave it out unnoticed.
    """

    nonce: str
    sealed: str
    problem: str = ""
    asks_proof: bool = False

    @classmethod
    def issue(cls, *, asks_proof: bool = False) -> Self:
        nonce = secrets.token_urlsafe(16)
        content = f"{nonce}{_ASKS_PROOF}" if asks_proof else nonce
        return cls(nonce, cls._signer().sign(content), asks_proof=asks_proof)

    @classmethod
    def read(cls, sealed: str) -> Self:
        """What came back with a form; ``problem`` is "" when it may be taken."""
        if not _SEALED.fullmatch(sealed):
            return cls("", "", TicketProblem.UNKNOWN)
        try:
            # As TimestampSigner does it, but the age is wanted twice and the signature once.
            content, _, stamp = signing.Signer(salt=SALT).unsign(sealed).rpartition(":")
        except signing.BadSignature:
            return cls("", "", TicketProblem.UNKNOWN)
        age = timedelta(seconds=time.time() - signing.b62_decode(stamp))
        if age > LONGEST_FILL:
            return cls("", "", TicketProblem.TOO_OLD)
        if age <= LEAST_FILL:
            return cls("", "", TicketProblem.TOO_FAST)
        asks_proof = content.endswith(_ASKS_PROOF)
        return cls(content.removesuffix(_ASKS_PROOF), sealed, asks_proof=asks_proof)

    @staticmethod
    def _signer() -> signing.TimestampSigner:
        return signing.TimestampSigner(salt=SALT)

    def form_digest(self) -> str:
        return mac("callback.form", self.nonce.encode())[:16].hex()

    def content_digest(self, content: str) -> str:
        return mac("callback.content", f"{self.nonce}\n{content}".encode())[:16].hex()
