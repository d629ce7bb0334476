"""Proof of work: a browser does a second of arithmetic, so that a flood of requests costs something.

Asked of nobody until a limit is near, and never a puzzle for people. The package makes and checks
the sums; what is ours is that each belongs to one rendered form, so that one proof buys one request.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from altcha import v1 as altcha

from intake.crypto import mac

# Half as many sums on average: about a second on an old phone, a tenth of it on a laptop.
MOST_SUMS = 50_000
# A proof is some 300 characters; nothing longer is unpacked.
LONGEST = 1000
_PAGE = "page"


def challenge(nonce: str, *, until: datetime) -> dict[str, Any]:
    """What the browser is to work on for the form with this ``nonce``, good ``until`` (UTC).

    The number whose SHA-256 digest after ``salt`` is ``challenge``, from 0 to ``maxnumber``.
    """
    options = altcha.ChallengeOptions(
        max_number=MOST_SUMS, hmac_key=_key(), expires=until, params={_PAGE: _page(nonce)}
    )
    made = altcha.create_challenge(options)
    return {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "maxnumber": made.max_number,
        "salt": made.salt,
        "signature": made.signature,
    }


def holds(payload: str, nonce: str) -> bool:
    """Whether ``payload``, whatever it is, proves the work for the form with this ``nonce``."""
    proof = _unpacked(payload)
    if proof is None or parse_qs(proof["salt"].partition("?")[2]).get(_PAGE) != [_page(nonce)]:
        return False
    return altcha.verify_solution(proof, _key())[0]


def _unpacked(payload: str) -> altcha.PayloadType | None:
    if not payload or len(payload) > LONGEST:
        return None
    try:
        proof = json.loads(base64.b64decode(payload.encode("ascii"), validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return proof if _is_proof(proof) else None


def _is_proof(proof: Any) -> bool:
    if not isinstance(proof, dict) or proof.get("algorithm") != altcha.SHA256:
        return False
    texts = all(isinstance(proof.get(name), str) for name in ("challenge", "salt", "signature"))
    number = proof.get("number")
    # A bool is an int to Python.
    return texts and type(number) is int and 0 <= number <= MOST_SUMS


def _page(nonce: str) -> str:
    return mac("callback.proof_page", nonce.encode())[:16].hex()


def _key() -> bytes:
    return mac("callback.proof", b"key")
