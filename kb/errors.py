"""The kinds of error that people see, each with the HTTP status that says the same."""

from __future__ import annotations


class Fault(Exception):
    """Something the user can put right. The message is Chinese, says what to do and holds no personal data."""

    status = 400


class NotSignedIn(Fault):
    """Nobody has said who they are."""

    status = 401


class Refused(Fault):
    """This account may not do that."""

    status = 403


class Missing(Fault):
    """There is no such thing, or none that this account may see: the two are told apart to nobody."""

    status = 404


class WrongMethod(Fault):
    """A page that is only for reading was sent something."""

    status = 405


class Conflict(Fault):
    """The thing has changed since it was looked at, or is not in a state that allows this."""

    status = 409


class TooLarge(Fault):
    """More was sent than is taken."""

    status = 413


class TooOften(Fault):
    """Tried too often; later it works again."""

    status = 429
