"""A stand-in for WhatsApp's Cloud API (Graph API and webhooks): strict about the protocol, and it fails on demand."""

from .fake import FakeWhatsApp

__all__ = ["FakeWhatsApp"]
