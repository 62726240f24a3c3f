"""A strict fake of Telegram's Bot API server (10.3)."""

from .fake import FakeTelegram

__all__ = ["FakeTelegram"]
