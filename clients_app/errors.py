"""What a verb refuses, and why, in words that say what to do and never repeat the input.

The doors translate: the API to RFC 9457 problem documents, the admin to messages on the form.
"""

from django.utils.functional import Promise

Text = str | Promise


class Refused(Exception):
    """Base of all refusals. `code` is for programs, `message` for people."""

    code = "refused"
    status = 400

    def __init__(self, message: Text, *, code: str | None = None) -> None:
        super().__init__(code or self.code)
        self.message = message
        self.code = code or self.code


class Denied(Refused):
    """The role does not grant this at all; says nothing about whether the thing exists."""

    code = "denied"
    status = 403


class Unconfirmed(Refused):
    """The second factor was given too long ago for a deed like this."""

    code = "second_factor_required"
    status = 403


class Hidden(Refused):
    """Not there, or not yours: the same answer, because existence itself is confidential."""

    code = "not_found"
    status = 404


class Invalid(Refused):
    """A value cannot be accepted. `field` is the name of the verb's argument."""

    code = "invalid"

    def __init__(self, field: str, message: Text, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class Conflict(Refused):
    """The thing is not in a state that allows this."""

    code = "conflict"
    status = 409


class Unavailable(Refused):
    """What is needed to decide is out of reach, so the answer is no."""

    code = "unavailable"
    status = 503


class Stale(Refused):
    """Somebody changed it after the caller read it; `current` is the version to read again."""

    code = "stale"
    status = 412

    def __init__(self, message: Text, *, current: int) -> None:
        super().__init__(message)
        self.current = current
