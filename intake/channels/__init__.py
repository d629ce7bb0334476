"""How we reach people: one adapter a channel, each with its own promise.

The order matters: the sweep takes in-app first, so the desk never waits for a mail server.
"""

from intake.channels.base import Channel
from intake.channels.email import EmailChannel
from intake.channels.in_app import InAppChannel

CHANNELS: dict[str, Channel] = {
    channel.name: channel for channel in (InAppChannel(), EmailChannel())
}
