"""Errors of the CRM's API, as the vendor describes them."""

from ..wire import Answer


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(answer.status)
        self.answer = answer


def problem(status, detail, title="Bad Request", **more):
    return Answer(status, {"title": title, "type": f"https://httpstatus.es/{status}", "status": status, "detail": detail,
                           **more}, type="application/problem+json")


def invalid(*errors):
    """errors: (index of the element, path, sentence)"""
    return problem(400, "Request validation failed", **{"validation-errors": [
        {"request_id": str(i), "errors": [{"code": "InvalidValue", "path": path, "detail": detail}]}
        for i, path, detail in errors]})


def chat_error(status, text):
    return Answer(status, {"error_code": status, "error_type": "INVALID_REQUEST", "error_description": text})
