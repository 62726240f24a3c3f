"""A stand-in for Kommo (amoCRM): its API v4 and its service of chats (amojo), strict about both."""

from .fake import FakeKommo

__all__ = ["FakeKommo"]
