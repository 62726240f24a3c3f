"""Errors of the Graph API: their HTTP status, and their form in an answer and in a webhook."""

import itertools

# code: (HTTP status, title, details)
ERRORS = {
    1: (500, "An unknown error occurred", "Please retry your request later"),
    2: (503, "Service temporarily unavailable", "Temporary due to downtime or due to being overloaded."),
    3: (403, "Capability or permissions issue", ""),
    4: (400, "Application request limit reached", ""),
    10: (403, "Application does not have permission for this action", ""),
    33: (400, "Parameter value is not valid", "The business phone number has been deleted."),
    100: (400, "Invalid parameter", ""),
    190: (401, "Invalid OAuth access token.", ""),
    200: (403, "You do not have the necessary permissions required to send messages on behalf of this WhatsApp Business "
               "Account", ""),
    368: (403, "Temporarily blocked for policies violations", ""),
    80007: (400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130403: (400, "User blocked by the business", "The user is on the block list of this business number."),
    130429: (400, "Rate limit hit", "Cloud API message throughput has been reached."),
    130472: (400, "User's number is part of an experiment", "Failed to send message because this user's phone number is "
                                                            "part of an experiment"),
    130497: (400, "Business account is restricted from messaging users in this country.", ""),
    131000: (500, "Something went wrong", "Message failed to send due to an unknown error."),
    131005: (403, "Access denied", ""),
    131008: (400, "Required parameter is missing", ""),
    131009: (400, "Parameter value is not valid", ""),
    131016: (500, "Service unavailable", "A service is temporarily unavailable."),
    131021: (400, "Recipient cannot be sender", "Sender and recipient phone number is the same."),
    131026: (400, "Message undeliverable", "Message Undeliverable."),
    131030: (400, "Recipient phone number not in allowed list", ""),
    131031: (403, "Business Account locked", "The WhatsApp Business Account associated with the app has been "
                                             "restricted or disabled for violating a platform policy"),
    131037: (400, "WhatsApp provided number needs display name approval before message can be sent.", ""),
    131042: (400, "Business eligibility payment issue", "Message failed to send because there were one or more errors "
                                                        "related to your payment method."),
    131045: (500, "Incorrect certificate", "Message failed to send due to a phone number registration error."),
    131047: (400, "Re-engagement message", "Message failed to send because more than 24 hours have passed since the "
                                           "customer last replied to this number."),
    131048: (400, "Spam rate limit hit", "Message failed to send because there are restrictions on how many messages "
                                         "can be sent from this phone number."),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement.", ""),
    131050: (400, "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on "
                  "WhatsApp from your business.", ""),
    131051: (400, "Message type unknown", "Message type is currently not supported."),
    131052: (400, "Media download error", "Unable to download the media sent by the user."),
    131053: (400, "Media upload error", "Unable to upload the media used in the message."),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit",
             "Message failed to send because there were too many messages sent from this phone number to the same "
             "phone number in a short period of time."),
    131057: (500, "Account in maintenance mode", ""),
    131060: (400, "This message is currently unavailable.", ""),
    131062: (400, "Business-scoped User ID (BSUID) recipients are not supported for this message.", ""),
    132000: (400, "Number of parameters does not match the expected number of params", ""),
    132001: (404, "Template name does not exist in the translation", ""),
    132005: (400, "Translated text too long", ""),
    132007: (400, "Template format character policy violated", ""),
    132012: (400, "Parameter format does not match format in the created template", ""),
    132015: (400, "Template is paused", "Template is paused due to low quality so it cannot be sent in a template "
                                        "message."),
    132016: (400, "Template is disabled", "Template has been paused too many times due to low quality and is now "
                                          "permanently disabled."),
    132018: (400, "There was an issue with the parameters in your template", ""),
    133005: (400, "Two step verification PIN Mismatch", ""),
    133010: (400, "Account not registered", "Phone number not registered on the WhatsApp Business Platform."),
    137000: (400, "Identity key hash mismatch", ""),
    2593109: (400, "History sync is turned off by the business from the WhatsApp Business App", ""),
}
_trace = itertools.count(1)


def title(code):
    return ERRORS.get(code, (400, "Error", ""))[1]


def trace():
    return f"A{next(_trace):09d}fakeTrace"


class ApiError(Exception):
    """details: what exactly is wrong. words: said instead of "(#code) title"."""

    def __init__(self, code, details=None, words=None, subcode=None, status=None, kind="OAuthException"):
        known = ERRORS.get(code, (400, "Error", ""))
        super().__init__(f"{code} {details or words or known[1]}")
        self.code, self.subcode, self.kind, self.words = code, subcode, kind, words
        self.status = status or known[0]
        self.details = details if details is not None else known[2]

    def body(self):
        error = {"message": self.words or f"(#{self.code}) {title(self.code)}", "type": self.kind, "code": self.code}
        if self.details and not self.words:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = trace()
        return {"error": error}


def in_webhook(code, details=None):
    """The same as an element of "errors"."""
    known = ERRORS.get(code, (400, "Error", ""))
    return {"code": code, "title": known[1], "message": known[1],
            "error_data": {"details": details or known[2] or known[1]},
            "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"}


# --- those that are said often ---


def bad(text):
    return ApiError(100, words=f"(#100) {text}")


def missing(text):
    return ApiError(131008, text)


def invalid(text):
    return ApiError(131009, text)


def no_object(method, node):
    """The answer to ids that are wrong, and to those that the token may not see."""
    return ApiError(100, words=f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot "
                               "be loaded due to missing permissions, or does not support this operation. Please read the "
                               "Graph API documentation at https://developers.facebook.com/docs/graph-api",
                    subcode=33, kind="GraphMethodException")
