"""Passwords: which are taken, how they are kept (argon2id), and whether one is right."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from ..errors import Fault
from .limits import limits

if TYPE_CHECKING:
    from argon2 import PasswordHasher


@cache
def hasher() -> PasswordHasher:
    """Argon2id with the library's own parameters (RFC 9106, low-memory profile)."""
    from argon2 import PasswordHasher

    return PasswordHasher()


def hashed(password: str, account_id: str = "") -> str:
    """What is kept of a new password. Raises Fault if it is too short, too long, common, or the login name."""
    rule = limits()["password"]
    text = _normal(password)
    if not rule["least"] <= len(text) <= rule["most"]:
        raise Fault(f"密码至少 {rule['least']} 个字符，至多 {rule['most']} 个")
    if text.lower() in {common.lower() for common in rule["common"]} or text.lower() == account_id.lower():
        raise Fault("这个密码太容易猜到，请换一个，比如几个不相干的词连起来")
    return hasher().hash(text)


def verify(kept: str, password: str) -> bool:
    """Whether `password` is the one that was `kept`. Without any (unknown name, no password) it takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError

    decoy = _decoy()  # made before it is known whether it is needed
    if len(password) > limits()["password"]["most"]:
        password, kept = "", ""
    try:
        return hasher().verify(kept or decoy, _normal(password)) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether `kept` was made with parameters that are no longer the library's."""
    return hasher().check_needs_rehash(kept)


@cache
def _decoy() -> str:
    return hasher().hash("nobody's password")


def _normal(password: str) -> str:
    """One form for what keyboards and input methods write in several (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
