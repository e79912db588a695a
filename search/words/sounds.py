"""How words sound: a word written with wrong characters (社宝) sounds like the one that was meant (社保)."""

from __future__ import annotations


def syllables(word: str) -> tuple[str, ...]:
    """The pinyin of *word* without tones, a syllable a character: 社保 → she, bao; what is not Chinese stays."""
    from pypinyin import lazy_pinyin  # its tables take a third of a second to load

    return tuple(lazy_pinyin(word))


def sound(word: str) -> str:
    """The :func:`syllables` of *word* joined without blanks: 社保 → shebao."""
    return "".join(syllables(word))
