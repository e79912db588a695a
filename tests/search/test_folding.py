"""Near-identical cases become one result; what is new in a case keeps it apart."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kb.model import Case
from search.folding import fold
from search.words.formulas import essence

LETTER = (
    "我家小区的二次供水泵房噪音很大，夜里老人睡不着，物业让找供水公司，供水公司又让找开发商，"
    "跑了3个月没有一家肯接手，请问到底由哪个部门负责检修？"
)
REPLY = (
    "经现场查看，泵房已移交供水公司管理，由供水公司更换减震垫并加装隔音门，预计10个工作日内完工，"
    "完工后由街道会同环保部门进行噪声检测。"
)
OTHER_REPLY = "该泵房尚未移交，仍属开发商保修范围，住建部门已约谈开发商，责令其限期整改，逾期将动用维修资金。"
FIRST = Case("c1", title="泵房噪音扰民无人管", demand=LETTER, measure=REPLY, outcome="办成")


def test_a_re_report_with_the_same_answer_folds() -> None:
    again = replace(
        FIRST,
        id="c2",
        title="再次反映泵房噪音扰民",
        demand="您好！" + LETTER.replace("3个月", "5个月").replace("很大", "特别大"),
        measure="〔姓名1〕您好，来信收悉。" + REPLY.replace("10个", "15个") + "感谢您的理解与支持！",
    )
    assert fold([FIRST, again]) == [[0, 1]]


def test_the_same_question_with_another_answer_does_not_fold() -> None:
    assert fold([FIRST, replace(FIRST, id="c2", measure=OTHER_REPLY)]) == [[0], [1]]
    linked = replace(FIRST, id="c2", measure=OTHER_REPLY, duplicate_of="c1")
    assert fold([FIRST, linked]) == [[0], [1]]


def test_an_answer_that_says_no_is_another_answer() -> None:
    refused = replace(FIRST, id="c2", measure=REPLY.replace("已移交", "未移交"))
    assert fold([FIRST, refused]) == [[0], [1]]


def test_cases_with_different_outcomes_do_not_fold() -> None:
    assert fold([FIRST, replace(FIRST, id="c2", outcome="依法不能办已释因")]) == [[0], [1]]
    assert fold([FIRST, replace(FIRST, id="c2", outcome="依法不能办已释因", duplicate_of="c1")]) == [[0], [1]]


def test_an_unknown_outcome_contradicts_none_but_joins_only_one_side() -> None:
    unknown, partly = replace(FIRST, id="c2", outcome=""), replace(FIRST, id="c3", outcome="部分办成")
    assert fold([FIRST, unknown, partly]) == [[0, 1], [2]]


def test_a_case_without_an_answer_folds_into_one_with_an_answer() -> None:
    assert fold([FIRST, replace(FIRST, id="c2", measure="")]) == [[0, 1]]


def test_an_unanswered_case_does_not_join_two_different_answers() -> None:
    unanswered = replace(FIRST, id="c2", measure="")
    assert fold([unanswered, FIRST, replace(FIRST, id="c3", measure=OTHER_REPLY)]) == [[0, 1], [2]]


def test_a_short_title_in_common_is_not_enough() -> None:
    one = Case("c1", title="咨询落户", measure="按投靠落户办理，当日办结。")
    assert fold([one, Case("c2", title="咨询落户")]) == [[0], [1]]


def test_one_event_told_in_other_words_folds_through_its_link() -> None:
    told = Case(
        "c2", title="供水设备夜间扰民", demand="居民投诉地下设备间震动，多头管理。",
        measure="区里牵头开会，明确水务企业负责降噪改造。", outcome="办成", duplicate_of="c1",
    )  # fmt: skip
    assert fold([FIRST, told]) == [[0, 1]]
    assert fold([FIRST, replace(told, duplicate_of="")]) == [[0], [1]]


def test_duplicates_of_a_case_that_was_not_found_fold_together() -> None:
    one = Case("c2", demand="夜里设备间震动明显，无人处理。", measure="已换减震垫。", duplicate_of="c9")
    other = Case("c3", demand="机房声音影响孩子上网课。", measure="加装隔音门。", duplicate_of="c9")
    assert fold([one, FIRST, other]) == [[0, 2], [1]]


def test_a_chain_of_duplicates_leads_to_its_first_case() -> None:
    second = Case("c2", title="设备间震动", demand="夜里设备间震动明显，无人处理。", duplicate_of="c1")
    third = Case("c3", title="小区机房扰民", demand="机房声音影响孩子上网课。", duplicate_of="c2")
    assert fold([third, FIRST, second]) == [[0, 1, 2]]
    looping = [replace(second, duplicate_of="c3"), third]
    assert sorted(place for group in fold(looping) for place in group) == [0, 1]


def test_small_steps_do_not_join_unlike_ends() -> None:
    names = ("门禁", "外墙", "车棚", "绿化", "路灯", "电梯", "水管", "消防", "垃圾", "燃气")
    parts = [f"{name}坏了半年，住户为{name}多次交涉没有结果，{name}由谁来修。" for name in names]
    steps = [Case(f"c{at}", demand="".join(parts[at : at + 6]), measure=REPLY) for at in range(5)]
    assert fold([steps[0], steps[1]]) == [[0, 1]] and fold([steps[0], steps[4]]) == [[0], [1]]
    groups = fold(steps)
    assert all(max(group) - min(group) < 4 for group in groups) and len(groups) > 1


def test_formulas_placeholders_and_digits_say_nothing() -> None:
    assert essence("您好！〔姓名1〕的來信收悉，電梯停用2年。感谢支持！") == "的电梯停用年"


_WORDS = st.text(alphabet=st.sampled_from("供水泵房噪音不未1〔姓名1〕\ud800a"), max_size=30)
_CASES = st.lists(st.tuples(_WORDS, _WORDS, st.sampled_from(["", "办成", "部分办成"]), st.integers(0, 6)), max_size=7)


@given(_CASES)
def test_every_case_is_in_one_group_in_the_order_given(rows: list[tuple[str, str, str, int]]) -> None:
    cases = [
        Case(f"c{at}", demand=demand, measure=measure, outcome=outcome, duplicate_of=f"c{link}" if link else "")
        for at, (demand, measure, outcome, link) in enumerate(rows)
    ]
    groups = fold(cases)
    assert sorted(place for group in groups for place in group) == list(range(len(cases)))
    assert groups == sorted(groups) and all(group == sorted(group) for group in groups)
    assert all(len({cases[place].outcome for place in group} - {""}) <= 1 for group in groups)
