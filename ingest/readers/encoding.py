"""Bytes of a text file to characters: the encodings that Chinese offices use, each checked for sense.

A detector alone mistakes short GBK texts for other East Asian encodings, so each candidate must also read
like Chinese: most of its non-ASCII characters are everyday hanzi (GB 2312 level 1) or Chinese punctuation.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator

from charset_normalizer import from_bytes

from ingest.records import Problem

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_MENDED = "这一行与别处的文字编码不同，已尽量改正，请核对原件。"
_PIECE = re.compile(r"[^\x00-\x7f]{4,}")
_SAMPLE_BYTES = 200_000
_PLAUSIBLE = 0.7
_CHINESE_PUNCTUATION = frozenset(
    "，。、；：？！“”‘’（）《》【】〈〉—…·～￥％＋－／０１２３４５６７８９　■◆●▲△○①②③④⑤"
    "⑥⑦⑧⑨⑩℃㎡×≥≤°〔〕「」『』"
)


def decode(data: bytes) -> tuple[str, list[Problem]]:
    """The text of a file's bytes, and what had to be passed over on the way.

    Tried in order: byte order mark, strict UTF-8, GB18030 (covers GBK and GB 2312), Big5, UTF-16 without a
    mark, the detector's best guess; each but the first two must read like Chinese. When no single encoding
    fits, every line is read by itself and unreadable lines are named in a problem. Never raises.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _with_mark(data, encoding)
    try:
        return _utf8_but_for_a_cut_end(data)
    except UnicodeDecodeError:
        pass
    for encoding in _candidates(data):
        text = _strict(data, encoding)
        if text is not None and _plausibility(text) >= _PLAUSIBLE:
            return _repaired(text) if encoding == "gb18030" else (text, [])
    return _line_by_line(data)


def _with_mark(data: bytes, encoding: str) -> tuple[str, list[Problem]]:
    text = _strict(data, encoding)
    if text is not None:
        return text, []
    text = data.decode(encoding, errors="replace")
    return text.removeprefix("\ufeff"), [
        Problem("文件中有无法识别的字符，已用“�”代替。请用原软件打开核对，另存为 UTF-8 编码后重新导入。")
    ]


def _utf8_but_for_a_cut_end(data: bytes) -> tuple[str, list[Problem]]:
    """Strict UTF-8; one character cut in half at the very end of an interrupted download is forgiven."""
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data" and error.start >= len(data) - 3 and error.start > 0
        if not cut:
            raise
        problem = Problem("文件末尾不完整，最后一个字已略去，请核对原件。")
        return data[: error.start].decode("utf-8"), [problem]


def _candidates(data: bytes) -> Iterator[str]:
    if b"\x00" in data[:_SAMPLE_BYTES]:
        yield from ("utf-16-le", "utf-16-be")
    yield from _CANDIDATES
    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is not None:
        yield best.encoding


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _plausibility(text: str) -> float:
    """Share (0 to 1) of the non-ASCII characters that are everyday hanzi or Chinese punctuation."""
    foreign = [c for c in text[:_SAMPLE_BYTES] if c > "\x7f"]
    if not foreign:
        return 0.0 if "\x00" in text else 1.0
    return sum(_everyday(c) for c in foreign) / len(foreign)


def _everyday(char: str) -> bool:
    if char in _CHINESE_PUNCTUATION:
        return True
    if not "\u4e00" <= char <= "\u9fff":
        return False
    # GB 2312 level 1 (rows 16 to 55, lead bytes B0 to D7) holds the 3,755 most used simplified characters;
    # traditional forms are outside GB 2312, and for them the 5,401 everyday ones of Big5 stand in.
    for encoding, low, high in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)):
        try:
            if low <= char.encode(encoding)[0] <= high:
                return True
        except UnicodeEncodeError:
            continue
    return False


def _repaired(text: str) -> tuple[str, list[Problem]]:
    """GB18030 text with pasted-in UTF-8 pieces read as what they are (GB18030 accepts almost any bytes)."""
    lines = text.split("\n")
    problems = []
    for i, line in enumerate(lines):
        mended = _PIECE.sub(lambda match: _mended(match.group()), line)
        if mended != line:
            lines[i] = mended
            problems.append(Problem(_MENDED, row=str(i + 1)))
    return "\n".join(lines), problems


def _mended(piece: str) -> str:
    """A run of non-ASCII characters, read anew as UTF-8 where that makes better Chinese of it."""
    try:
        again = piece.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return piece
    return again if _plausibility(again) > _plausibility(piece) else piece


def _line_by_line(data: bytes) -> tuple[str, list[Problem]]:
    """Each line in its own encoding; lines in the rarer encoding, or in none, are named."""
    lines = [_line(raw) for raw in data.split(b"\n")]
    used = Counter(encoding for text, encoding in lines if not text.isascii())
    usual = max(("utf-8", "gb18030"), key=lambda encoding: used[encoding])
    problems = [Problem("文件混用了多种文字编码，已逐行识别。建议另存为 UTF-8 编码后重新导入。")]
    for number, (text, encoding) in enumerate(lines, start=1):
        if not encoding:
            problems.append(Problem("这一行的文字编码无法识别，请核对原件后重新录入。", row=str(number)))
        elif encoding != usual and not text.isascii():
            problems.append(Problem(_MENDED, row=str(number)))
    return "\n".join(text for text, _ in lines), problems


def _line(raw: bytes) -> tuple[str, str]:
    """(text, encoding) of one line; the encoding is "" where none fits."""
    for encoding in ("utf-8", "gb18030"):
        text = _strict(raw, encoding)
        if text is not None and (encoding == "utf-8" or _plausibility(text) >= _PLAUSIBLE / 2):
            return text, encoding
    return raw.decode("utf-8", errors="replace"), ""
