"""Everyday speech in plain words."""

from __future__ import annotations

import pytest

from search.query.speech import FILE, plain


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("冇得房产证咋个办", "没有房产证"),
        ("请问一下我娃儿要上学没得户口啷个办", "我孩子要上学没有户口"),
        ("点样申请居住证呀", "怎么申请居住证"),
        ("细伢子上户口有么子要求", "孩子上户口有什么要求"),
        ("为啥公积金提不出来嘞", "为什么公积金提不出来"),
        ("驾照丢了补办中不中", "驾照丢了补办"),
        ("异地就医报销得不得行", "异地就医报销"),
        ("那个，就是说，我跟你讲，营业执照办不下来，咋整啊", "营业执照办不下来"),
        ("老师您好，社保断缴了还能补不", "社保断缴了还能补"),
        ("麻烦问下，残疾证怎么弄？", "残疾证？"),
        ("您好！急急急！营业执照注销", "营业执照注销"),
        ("唔该，社保卡唔见咗", "社保卡不见了"),
    ],
)
def test_dialect_fillers_and_tails(said: str, meant: str) -> None:
    assert plain(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "娃哈哈公司注册",  # 娃 within another word
        "网吧许可证",  # 吧
        "怎么办理居住证",  # a tail only at the end
        "那个证明开不出来",
        "办不成事反映窗口",
        "领导干部个人事项报告",
        "老师资格认定",
        "哈尔滨市落户",
        "没有房产证能不能落户",
        "如何是好",
        "怎么办",  # nothing would be left
        "您好",
    ],
)
def test_what_is_left_alone(said: str) -> None:
    assert plain(said) == said


def test_quoted_phrases_are_left_alone() -> None:
    assert plain("请问咋整材料", ["咋整"]) == "咋整材料"


STORY = (
    "各位领导好，本人家住东风村三组，大老远坐了两个小时车来，孩子要上小学，学校说要居住证满一年，"
    "可是房东不肯给我备案租房合同，居住证就办不下来，气死我了，还有没有王法，请领导帮忙解决，谢谢"
)


def test_a_long_story_is_reduced_to_what_is_wanted_and_what_stands_in_the_way() -> None:
    assert plain(STORY) == "孩子要上小学，学校说要居住证满一年，可是房东不肯给我备案租房合同，居住证就办不下来"


def test_age_and_origin_often_decide_a_matter_and_stay() -> None:
    said = "我今年65岁，是外地来的，身体不好，窗口说系统查不到我的缴费记录不给办退休，气死我了，拜托了"
    assert plain(said) == "我今年65岁，是外地来的，窗口说系统查不到我的缴费记录不给办退休"


def test_a_long_story_without_asides_is_kept_whole() -> None:
    said = "爸妈给我买了套房子，写的我哥的名字，我哥现在欠债跑了，法院给封了，我想过户过不了，房产局让我找我哥"
    assert plain(said) == said


def test_a_story_of_asides_only_is_kept_whole() -> None:
    said = "我气死了，你们什么态度，还为人民服务，大老远跑来，坐了三个小时车，等了一上午，气人，太难了，老百姓真难"
    assert plain(said) == said


def test_of_a_very_long_story_the_clauses_around_the_obstacle_are_kept() -> None:
    talk = "那天隔壁邻居也在旁边看着，大家站在那里聊起了别的，小区门口的花开得很好，"
    said = f"{talk}{talk}{talk}我爸的养老金停发了，系统提示生存认证没有做，他在外地住院，{talk}{talk}{talk}"
    assert len(plain(said)) <= len(said)
    assert "我爸的养老金停发了，系统提示生存认证没有做，他在外地住院" in plain(said)
    obstacles = "窗口说材料不全不给办，" * 12
    left = plain(f"孩子要上学，{talk}{obstacles}{talk}")
    assert left.startswith("孩子要上学") and "窗口说材料不全不给办" in left and "聊起了别的" not in left


def test_a_clause_with_a_quoted_phrase_is_kept() -> None:
    assert "气死我了" in plain(STORY, ["气死我了"])


def test_the_list_says_where_it_comes_from() -> None:
    assert FILE.read_text(encoding="utf-8").startswith("# ")
