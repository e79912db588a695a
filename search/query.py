"""What a typed question is made of."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from . import words

LONGEST = 1000  # characters that are looked at
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Query:
    """A question as the engines see it.

    ``text`` is what was typed, without control characters, lone surrogates and superfluous blanks;
    ``words`` and ``pairs`` are its distinct content words and character bigrams; ``number`` is set when the
    whole question is one number of a case or of a document.
    """

    text: str
    words: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    number: str = ""
    cut: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.pairs and not self.words


def understand(typed: str) -> Query:
    """Takes a question apart; never fails, whatever was typed."""
    text = _SPACES.sub(" ", "".join(_plain(char) for char in typed[: 4 * LONGEST])).strip()
    cut = len(typed) > 4 * LONGEST or len(text) > LONGEST
    text = text[:LONGEST]
    found = words.content_words(text) or words.words(text)
    return Query(
        text,
        tuple(dict.fromkeys(word.text for word in found)),
        tuple(dict.fromkeys(words.bigrams(text))),
        number(text),
        cut,
    )


def number(text: str) -> str:
    """*text* in the form under which numbers are kept, or empty if it does not look like one number.

    Document numbers get one spelling; other numbers lose blanks and get half-width capitals.
    """
    found = words.document_numbers(text)
    rest = words.fold(text).strip("《》“”\"'()[]，。,. ")
    if len(found) == 1 and found[0].end - found[0].start >= len(rest):
        return found[0].text
    plain = _SPACES.sub("", rest).upper()
    return plain if len(plain) <= 64 and any(char.isdigit() for char in plain) else ""


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cs", "Cn"):
        return ""
    return " " if category in ("Cc", "Cf", "Zl", "Zp") else char
