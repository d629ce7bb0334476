"""The private link of a request: who holds it may look after it, without saying who they are.

It is no proof of anything. The request may have been typed in by somebody else, and the link may
have been found; what it may do is decided in ``actions.own_requests``.
"""

import base64
import binascii
import re
import uuid

from django.core import signing
from django.http import HttpRequest
from django.urls import reverse

from intake.models import Callback

# Sixteen bytes in base64, a colon, a signature: anything else is not looked at.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}", re.ASCII)


def _signer() -> signing.Signer:
    return signing.Signer(salt="intake.callback.manage")


def token_of(callback: Callback) -> str:
    """What the link consists of: a signed id. It does not expire by itself."""
    return _signer().sign(base64.urlsafe_b64encode(callback.pk.bytes).rstrip(b"=").decode())


def url_of(request: HttpRequest, callback: Callback) -> str:
    """The whole address, in the language of the page, to be written down."""
    return request.build_absolute_uri(reverse("manage-link", args=[token_of(callback)]))


def callback_of(token: str) -> Callback | None:
    """The web request of a token that we signed, if it is still stored."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        packed = _signer().unsign(token)
        pk = uuid.UUID(bytes=base64.urlsafe_b64decode(f"{packed}=="))
    except (signing.BadSignature, binascii.Error, ValueError):
        return None
    requested = Callback.objects.filter(source=Callback.Source.WEB)
    return requested.select_related("person").filter(pk=pk).first()
