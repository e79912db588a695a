"""Encodings of text files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.encoding import decode

TEXT = "窗口工作人员为群众办理不动产登记，2023年共受理诉求12件。\n“办不成事”反映窗口"


ENCODINGS = ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_usual_encodings(encoding: str) -> None:
    text, problems = decode(TEXT.encode(encoding))
    assert text == TEXT
    assert problems == []


def test_traditional_characters_in_big5() -> None:
    text = "辦事大廳的窗口為市民解決不動產登記的難題，歡迎反映。"
    assert decode(text.encode("big5"))[0] == text


def test_character_cut_at_the_end_is_forgiven() -> None:
    text, problems = decode("群众诉求".encode()[:-1])
    assert text == "群众诉"
    assert len(problems) == 1


def test_utf8_pasted_into_gbk_is_mended_and_named() -> None:
    for pasted in ("居住证签注过期", "居住证换发"):  # an odd and an even number of bytes
        data = "日期,诉求\n1,".encode("gbk") + pasted.encode() + "\n2,社保卡补办".encode("gbk")
        text, problems = decode(data)
        assert text == f"日期,诉求\n1,{pasted}\n2,社保卡补办"
        assert "2" in [problem.row for problem in problems]


@given(st.binary(max_size=200))
def test_any_bytes_give_text(data: bytes) -> None:
    text, problems = decode(data)
    assert isinstance(text, str)
    assert all(problem.message for problem in problems)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=50))
def test_utf8_is_never_taken_for_anything_else(text: str) -> None:
    assert decode(text.encode()) == (text, [])
