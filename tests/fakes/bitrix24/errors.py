"""Errors as the vendor's documentation words them."""


class Refused(Exception):
    def __init__(self, status, code, text="", **more):
        super().__init__(f"{code}: {text}")
        self.status, self.body = status, {"error": code, "error_description": text, **more}


def argument(text):
    return Refused(400, "ERROR_ARGUMENT", text)


def not_found(text="Not found."):
    return Refused(400, "NOT_FOUND", text)


def invented(what):
    """The real server ignores what it does not know; we want to hear of it."""
    return Refused(400, "ERROR_ARGUMENT", f"the fake does not know {what}")
