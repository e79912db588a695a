"""The one kind of error that people see."""

from __future__ import annotations


class Fault(Exception):
    """Something the user can put right. The message is Chinese, says what to do and holds no personal data."""
