"""Who carries texts to callers: nobody, unless an operator names one."""

from django.conf import settings

from intake.channels.gateways.base import Gateway
from intake.channels.gateways.console import ConsoleGateway
from intake.channels.gateways.http import configured


def chosen() -> Gateway | None:
    """The gateway the settings name; None when texts are off."""
    if settings.TEXT_GATEWAY == "http":
        return configured()
    return ConsoleGateway() if settings.TEXT_GATEWAY == "console" else None
