"""Words, bigrams, folding and passages."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import words


def texts(text: str) -> list[str]:
    return [word.text for word in words.words(text)]


@pytest.mark.parametrize("term", ["办不成事", "一件事一次办", "不动产权证", "容缺受理", "跨省通办"])
def test_terms_of_government_service_stay_whole(term: str) -> None:
    assert term in texts(f"请问{term}怎么办理")


def test_long_terms_are_also_found_by_their_parts() -> None:
    assert {"不动产权证书", "不动产权证", "不动产", "产权证"} <= set(texts("不动产权证书"))


def test_traditional_and_full_width_are_folded() -> None:
    assert texts("不動產權證ＡＢＣ") == texts("不动产权证abc")


@given(st.text())
@settings(deadline=None)
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(words.fold(text)) == len(text)


@given(st.text(alphabet=st.characters(codec=None)))
@settings(deadline=None)
def test_words_stand_where_they_say(text: str) -> None:
    folded = words.fold(text)
    assert all(
        folded[word.start : word.end] == word.text for word in words.words(text) if "〔" not in word.text
    )


@pytest.mark.parametrize(
    "text", ["国办发〔2023〕29号", "国办发[2023]29号", "国办发（2023） 第29号", "根据国办发【2023】029号文件"]
)
def test_document_numbers_have_one_spelling(text: str) -> None:
    assert [found.text for found in words.document_numbers(text)] == ["国办发〔2023〕29号"]
    assert "国办发〔2023〕29号" in texts(text)


def test_placeholders_say_nothing() -> None:
    assert texts("〔姓名1〕来窗口") == texts("来窗口")
    assert words.bigrams("〔手机号2〕窗口") == ["窗口"]


def test_bigrams_do_not_cross_punctuation() -> None:
    assert words.bigrams("社保，卡 12ab") == ["社保", "卡", "12ab"]


@given(st.text(alphabet="办事。，\n a好"), st.integers(10, 60))
@settings(deadline=None)
def test_passages_are_in_order_and_not_too_long(text: str, longest: int) -> None:
    pieces = words.passages(text, longest)
    assert all(end - start <= longest for start, end in pieces)
    assert all(first[1] <= second[0] for first, second in zip(pieces, pieces[1:], strict=False))


@given(st.text(alphabet="办事。，好"))
@settings(deadline=None)
def test_passages_lose_no_word(text: str) -> None:
    kept = "".join(text[start:end] for start, end in words.passages(text, 20))
    assert sorted(kept.translate({ord("。"): None, ord("，"): None})) == sorted(
        text.translate({ord("。"): None, ord("，"): None})
    )


def test_loading_is_quiet() -> None:
    code = "from search import words; words.words('办不成事')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


def test_stop_words_do_not_hide_negation() -> None:
    assert not {"不", "没", "无", "未", "难"} & words.stopwords()


@pytest.mark.parametrize(
    ("text", "longest", "cut"),
    [
        ("人脸识别过不去", 30, "人脸识别过不去"),
        ("两家互相等，谁也不肯先收件", 10, "两家互相等"),
        ("老人要做人脸识别才行", 8, "老人要做…"),
        ("办理的人脸识别才行", 6, "办理…"),
        ("老人〔姓名1〕刷脸过不去", 6, "老人…"),
        ("x" * 40, 10, "x" * 9 + "…"),
    ],
)
def test_a_text_that_is_too_long_is_cut_where_a_clause_or_a_word_ends(text: str, longest: int, cut: str) -> None:
    assert words.cut(text, longest, 4) == cut
