"""How we reach people: one adapter a channel, each with its own promise."""

from intake.channels.base import Board, Carrier
from intake.channels.email import EmailChannel
from intake.channels.in_app import InAppChannel
from intake.channels.text import TextChannel

CHANNELS: dict[str, Board | Carrier] = {
    channel.name: channel for channel in (InAppChannel(), EmailChannel(), TextChannel())
}
