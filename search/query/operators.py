"""What searchers ask for with marks: "quoted" must-have phrases and -excluded words."""

from __future__ import annotations

import re

LONG = 40  # characters from which a text is prose, in which quotation marks and dashes are only punctuation
MOST = 8  # phrases, and excluded words, that are looked at
_LONGEST = 64  # characters of one of them

# Straight marks are typed on purpose; the others also stand in prose.  Input methods mix up opening and closing.
_STRAIGHT = re.compile(rf'["＂]([^"＂]{{1,{_LONGEST}}})["＂]')
_CURLY = re.compile(
    rf"[“”„‟〝〞]([^“”„‟〝〞]{{1,{_LONGEST}}})[“”„‟〝〞]"
    rf"|「([^「」]{{1,{_LONGEST}}})」|『([^『』]{{1,{_LONGEST}}})』|[‘’]([^‘’]{{1,{_LONGEST}}})[‘’]"
    rf"|(?<![A-Za-z0-9])'([^']{{1,{_LONGEST}}})'(?![A-Za-z0-9])"
)
_QUOTES = "\"＂“”„‟〝〞「」『』‘’"
_MARKS = re.compile(rf"[{_QUOTES}]|(?<![A-Za-z0-9])'|'(?![A-Za-z0-9])")
_MINUS = r"\-－−﹣"
_END = r"\s，。；！？、,;!?"
_EXCLUDED = re.compile(
    rf"(?<!\S)[{_MINUS}](?:[\"＂“”「『]([^\"＂“”「」『』]{{1,{_LONGEST}}})[\"＂“”」』]"
    rf"|([^{_END}{_MINUS}\"＂“”「」『』][^{_END}\"＂“”「」『』]{{0,{_LONGEST}}}))(?=[{_END}]|$)"
)
_NAMED = re.compile(r"[^\W\d_]")  # a letter or a character: what no number or sign has


def split(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(question, phrases, excluded words) of *text*.

    Phrases stay in the question, without their marks; excluded words go.  A text of more than ``LONG`` characters
    is prose: there “ ” only name things, and only excluded words at its very end count.
    """
    question, without = _excluded(text)
    patterns = (_STRAIGHT,) if len(question) > LONG else (_STRAIGHT, _CURLY)
    phrases: list[str] = []
    for pattern in patterns:
        for found in pattern.finditer(question):
            phrase = next(filter(None, found.groups())).strip()
            if re.search(r"\w", phrase):
                phrases.append(phrase)
    if phrases:
        question = _MARKS.sub(" ", question) if len(patterns) > 1 else re.sub('["＂]', " ", question)
    return " ".join(question.split()), tuple(dict.fromkeys(phrases))[:MOST], without


def without_phrase(asked: str, phrase: str) -> str:
    """The question with *phrase* no longer in quotation marks: its words are looked for like any others."""
    quoted = rf"[{_QUOTES}']\s*{re.escape(phrase)}\s*[{_QUOTES}']"
    return re.sub(quoted, lambda _: f" {phrase} ", asked, flags=re.IGNORECASE).strip()


def without_exclusion(asked: str, word: str) -> str:
    """The question without the exclusion (-word) of *word*."""
    excluded = rf"[{_MINUS}]\s*[{_QUOTES}']?\s*{re.escape(word)}\s*[{_QUOTES}']?"
    return re.sub(excluded, " ", asked, flags=re.IGNORECASE).strip()


def _excluded(text: str) -> tuple[str, tuple[str, ...]]:
    """*text* without its excluded words, and these."""
    found = [one for one in _EXCLUDED.finditer(text) if _NAMED.search(one.group())]
    if len(text) > LONG + sum(len(one.group()) for one in found):
        found = _trailing(text, found)
    for one in reversed(found):
        text = f"{text[: one.start()]} {text[one.end() :]}"
    return text, tuple(dict.fromkeys((one[1] or one[2]).strip() for one in found))[:MOST]


def _trailing(text: str, found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Those of *found* after which *text* has nothing but others of them."""
    kept: list[re.Match[str]] = []
    end = len(text)
    for one in reversed(found):
        if text[one.end() : end].strip():
            break
        kept.insert(0, one)
        end = one.start()
    return kept
