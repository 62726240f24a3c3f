"""An IMAP server that lies on request; see fake.py."""
from .fake import FakeImap, Fault

__all__ = ["FakeImap", "Fault"]
