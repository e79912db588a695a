"""kb tune: questions from the library itself, parts that are kept only if they help, files that may break."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store
from search import plugin, query, ranking, tuning, tuning_commands
from search.embedder.fake import FakeEmbedder
from search.embedder.store import EmbeddingCache
from search.engine import Filters
from search.engine.embedded import EmbeddedEngine
from search.passages import VIEWS
from search.tuning import adapter, learning, others, questions, trial, weights
from search.tuning import store as files
from search.tuning.adapter import Adapter
from search.tuning.learning import Learnt

from ..library import without_model

SAID = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"
DONE = "春夏秋冬东西南北金木水火土风云雷电山川草鸟虫鱼牛马羊犬龙蛇兔鼠鸡红橙"


def told_otherwise(count: int) -> list[Case]:
    """Cases whose measures say in words of their own what the demands say: learnable, and found by no word."""
    chance = np.random.default_rng(7)
    pairs = [(SAID[at : at + 2], DONE[at : at + 2]) for at in range(0, len(SAID), 2)]
    cases = []
    for number in range(count):
        chosen = [pairs[at] for at in chance.permutation(len(pairs))[:4]]
        demand, measure = ("".join(words) for words in zip(*chosen, strict=True))
        cases.append(Case(f"c{number:03d}", demand=demand, measure=measure))
    return cases


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    """A library of 220 such cases, set up with the test embedder."""
    chosen = without_model(tmp_path / "told")
    with Store(chosen) as library:
        library.publish(told_otherwise(220), by="test")
    return chosen


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env={"KB_DATA": str(settings.data_dir)}).invoke(tuning_commands.tune, arguments)


def some_tuning() -> Learnt:
    matrix = np.random.default_rng(0).normal(0, 0.1, (64, 64)).astype(np.float32)
    return Learnt({"measure": Adapter(matrix, matrix[0], 0.5)}, {"measure": 1.2}, {"cases": 300})


# —— questions


def test_the_sentence_that_states_the_wish_is_asked() -> None:
    story = "我去年在外地上班，公司替我交了保险。回来以后一直在家照顾老人和小孩子，日子过得还可以。"
    case = Case("x", title="〔姓名1〕", demand=f"{story}现在想把保险关系转回老家来，怎么办手续？", measure="已办")
    found = questions.questions([case], 9)
    assert [one.asks for one in found] == ["demand"]  # a placeholder is no title
    assert "想把保险关系转回老家" in found[0].text and len(found[0].text) <= questions.LONGEST


def test_questions_stop_at_the_limit() -> None:
    cases = [Case(str(at), title="补办出生医学证明", demand="孩子落不了户口") for at in range(9)]
    assert len(questions.questions(cases, 5)) == 5


def test_what_is_said_twice_word_for_word_is_noticed() -> None:
    asked = questions.Question(0, "demand", "证件丢了，怎么补办？")
    assert questions.repeated(asked, Case("x", measure="群众反映“证件丢了,怎么补办”，已答复"))
    assert not questions.repeated(asked, Case("x", measure="已经补发证件"))


def test_cases_of_one_event_are_never_torn_apart() -> None:
    cases = [
        Case("a", title="一件事"),
        Case("b", duplicate_of="a"),
        Case("c", demand="同一句话"),
        Case("d", title="一件事。"),
    ]
    cases += [Case("e", demand="同一句话", duplicate_of="x"), Case("f"), Case("g")]
    group = questions.groups(cases)
    assert group[0] == group[1] == group[3] and group[2] == group[4]
    assert len(set(group.tolist())) == 4
    fold = questions.folds(group)
    assert all(len(set(fold[group == one].tolist())) == 1 for one in set(group.tolist()))


# —— trials


def test_a_trial_scores_as_the_engine_does(settings: Settings, tmp_path: Path) -> None:
    """Reference: the real engine over a real library whose cases lack the hidden fields."""
    task = questions.Task("demand", ("demand",))
    cases = [
        Case(
            f"r{at}",
            title=title,
            demand=f"想问{title}怎么办",
            obstacle=f"{place}窗口说不行",
            measure=f"{place}已联系办结",
        )
        for at, (title, place) in enumerate(
            itertools.product(["社保卡补换", "公积金提取", "户口迁移"], ["城东", "城西"])
        )
    ]
    asked = questions.questions(cases, 99)
    cache = EmbeddingCache(settings, FakeEmbedder())
    found = trial.prepare(task, cases, np.arange(len(cases)), asked, cache.encode_passages)
    assert found is not None
    other = Settings(tmp_path / "hidden", embedding_model="fake")
    with Store(other) as library:
        library.publish([questions.without(case, task.hidden) for case in cases], by="test")
        engine = EmbeddedEngine(other, FakeEmbedder())
        engine.sync(library)
    chosen = ranking.settings()["weights"]
    for at in range(0, len(found.rows), 2):
        understood = query.understand(asked[found.rows[at]].text)
        vectors = FakeEmbedder().encode_queries([understood.meaning])
        total = sum(chosen[name] * found.lexical[name][at] for name in trial.LEXICAL)
        for view in VIEWS:
            one = replace_questions(found, at)
            total = total + chosen[view] * one.dense(view, vectors)[0]
        views = engine.search(replace(understood, synonyms=()), Filters(), ranking.settings()["depth"]).views
        assert dict(ranking.fuse(views)) == pytest.approx(
            {case.id: score for case, score in zip(cases, total, strict=True)}, abs=2e-2
        )


def replace_questions(one: trial.Trial, at: int) -> trial.Trial:
    return replace(one, rows=one.rows[at : at + 1], own=one.own[at : at + 1])


def test_every_second_question_shares_no_word_with_its_case(settings: Settings) -> None:
    cases = [
        Case(f"w{at}", title=f"{name}补办", measure=f"{name}已经补办") for at, name in enumerate(["户口簿", "驾驶证"])
    ]
    asked = questions.questions(cases, 9)
    encode = EmbeddingCache(settings, FakeEmbedder()).encode_passages
    found = trial.prepare(questions.TASKS[0], cases, np.arange(2), asked, encode)
    assert found is not None
    assert found.lexical["words"][0, 0] > found.lexical["words"][0, 1]
    assert found.lexical["words"][1, 1] <= found.lexical["words"][1, 0]


def test_cases_of_one_event_count_as_found() -> None:
    empty: dict[str, np.ndarray] = {}
    one = trial.Trial(4, np.array([0, 1]), [np.array([0, 3]), np.array([1])], empty, empty, empty)
    assert one.ranks(np.array([[1, 2, 3, 9], [5, 4, 3, 2]], np.float32)).tolist() == [1, 2]


ANSWER = "经核实，您反映的路段路灯由市政维护中心管养，因电缆老化短路停电，维护中心已列入本月检修计划，" * 3


def test_the_same_answer_to_other_words_makes_a_pair(settings: Settings) -> None:
    cases = [
        Case("p1", demand="门口的路灯黑了半个月", measure=ANSWER + "请放心。"),
        Case("p2", demand="晚上回家看不见道，老人摔了", measure=ANSWER + "感谢关心。"),
        Case("p3", demand="门口的路灯黑了半个月了", measure=ANSWER),  # p1 once more
        Case("p4", demand="想补办驾驶证", measure="可在车管所补办，带身份证和照片，当场领取新证。" * 6),
        Case("p5", demand="谁来管管", measure="已转办。"),
        Case("p6", demand="何时能修好", measure="已转办。"),
    ]
    encode = EmbeddingCache(settings, FakeEmbedder()).encode_passages
    linked = others.pairs(cases, encode)
    assert sorted(tuple(sorted(pair)) for pair in linked) == [(0, 1), (1, 2)]
    asked = questions.questions(cases, 99)
    found = trial.prepare_others(cases, linked, asked, encode)
    assert found is not None and [asked[row].case for row in found.rows] == [0, 1, 2]
    assert [own.tolist() for own in found.own] == [[1], [0, 2], [1]]
    assert len(set(questions.groups(cases, linked)[:3].tolist())) == 1  # never learnt from and tried on
    assert trial.prepare_others(cases, [], asked, encode) is None


def test_a_barred_case_is_in_nobodys_way() -> None:
    empty: dict[str, np.ndarray] = {}
    one = trial.Trial(3, np.array([0]), [np.array([2])], empty, empty, empty, barred=np.array([0]))
    assert one.ranks(np.array([[9, 1, 5]], np.float32)).tolist() == [1]


def test_what_hides_the_answers_of_others_is_not_switched_on() -> None:
    empty: dict[str, np.ndarray] = {}
    check = trial.Trial(3, np.array([0, 1]), [], empty, empty, empty)
    asked = learning.Asked(np.zeros((2, 4), np.float32), np.array([0, 1]), np.array([0, 1]))
    for after, on in (([2, 1], False), ([1, 1], True)):
        report = {"on": True}
        learning._without_harm(report, asked, [check], [np.array([1, 1])], [np.array(after)])
        assert report["on"] is on


# —— what is learnt


@pytest.fixture
def turned() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(questions, targets, mixing): targets are another mixture of what the questions say; all share a direction."""
    chance = np.random.default_rng(3)
    common = np.eye(32, dtype=np.float32)[0] * 3
    mixing = np.eye(32) + chance.normal(0, 0.25, (32, 32))
    said = chance.normal(0, 0.2, (400, 32))
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (said + common, said @ mixing + common)]
    return unit[0].astype(np.float32), unit[1].astype(np.float32), mixing


def first(scores: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == np.arange(len(scores))).mean())


def test_a_map_generalises_to_questions_it_never_saw(turned: tuple[np.ndarray, ...]) -> None:
    asked, targets, _ = turned
    learnt = adapter.fit(asked[:300], targets[:300], np.arange(300), targets)
    before, after = first(asked[300:] @ targets[300:].T), first(learnt(asked[300:]) @ targets[300:].T)
    assert after > before + 0.1


def test_scores_stay_on_the_scale_of_plain_cosines(turned: tuple[np.ndarray, ...]) -> None:
    asked, targets, _ = turned
    learnt = adapter.fit(asked[:300], targets[:300], np.arange(300), targets)
    plain = asked[300:] @ targets.T
    mapped = learnt(asked[300:]) @ targets.T + np.array([[learnt.offset(one)] for one in asked[300:]])
    assert mapped.mean(axis=1) == pytest.approx(plain.mean(axis=1), abs=1e-4)
    assert mapped.max(axis=1).mean() == pytest.approx(plain.max(axis=1).mean(), abs=0.02)


def test_the_gradient_agrees_with_differences(turned: tuple[np.ndarray, ...]) -> None:
    asked, targets, _ = (one[:12].astype(np.float64) for one in turned)
    group = np.arange(12) // 2
    matrix = np.random.default_rng(1).normal(0, 0.1, (32, 32))

    def loss(one: np.ndarray) -> float:
        unit = asked + asked @ one.T
        logits = unit / np.linalg.norm(unit, axis=1, keepdims=True) @ targets.T / adapter.TEMPERATURE
        rivals = (group[:, None] != group[None, :]) | np.eye(12, dtype=bool)
        top = logits.max()
        return float(np.mean(np.log((np.exp(logits - top) * rivals).sum(axis=1)) + top - np.diag(logits)))

    slope = adapter._slope(matrix, asked, targets, group)
    step = np.random.default_rng(2).normal(0, 1e-5, matrix.shape)
    assert loss(matrix + step) - loss(matrix - step) == pytest.approx(2 * float((slope * step).sum()), rel=1e-3)


def test_weights_move_within_their_family_and_their_cap() -> None:
    chance = np.random.default_rng(0)
    gaps = chance.normal([2.0, 0.0, 0.0, 1.0], 1.0, (500, 4))
    start = np.array([1.0, 1.0, 0.5, 0.25])
    found = weights.fit(gaps, start, [[0, 1], [2, 3]])
    assert found[0] > 1.1 and found[1] < 0.9 and found[3] > 0.25
    assert found[0] * found[1] == pytest.approx(1.0) and found[2] * found[3] == pytest.approx(0.125)
    assert np.all(found <= start * weights.CAP + 1e-9) and np.all(found >= start / weights.CAP - 1e-9)


def test_a_view_without_rival_of_its_family_keeps_its_weight() -> None:
    gaps = np.abs(np.random.default_rng(0).normal(2, 1, (100, 3)))
    gaps[:, 1] = 0  # not there
    assert weights.fit(gaps, np.array([1.0, 0.5, 0.25]), [[0, 1], [2]]) == pytest.approx([1.0, 0.5, 0.25])


def test_a_library_that_can_be_learnt_from_is_searched_better(told: Settings) -> None:
    with Store(told) as library:
        learnt = learning.learn(library, EmbeddingCache(told, FakeEmbedder()), lambda message: None)
    gain = learnt.figures["adapter"]["MRR@10"]
    assert set(learnt.adapters) == {"measure"}
    assert gain["difference"]["low"] > 0.1 and gain["after"] > gain["before"]
    assert learnt.figures["questions"] == 220


def test_without_gain_nothing_changes(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    texts = ["".join(chance.choice(list(SAID + DONE), 8)) for _ in range(420)]
    chosen = without_model(tmp_path / "noise")
    with Store(chosen) as library:
        library.publish(
            [Case(f"n{at:03d}", demand=texts[2 * at], measure=texts[2 * at + 1]) for at in range(210)], by="t"
        )
    done = run(chosen)
    assert done.exit_code == 0 and "检索保持原样" in done.stdout
    assert "不启用" in done.stdout and tuning.load(chosen, FakeEmbedder.fingerprint) is None


def test_cases_that_say_one_thing_in_all_fields_teach_nothing(tmp_path: Path) -> None:
    chosen = Settings(tmp_path / "same", embedding_model="fake")
    with Store(chosen) as library:
        library.publish(
            [Case(f"s{at:03d}", demand=f"第{at}件事没办成", measure=f"第{at}件事没办成") for at in range(200)], by="t"
        )
        with pytest.raises(Fault, match="同一句话"):
            learning.learn(library, EmbeddingCache(chosen, FakeEmbedder()), lambda message: None)


# —— files


def test_what_is_saved_is_loaded(settings: Settings) -> None:
    learnt = some_tuning()
    files.save(settings, "model-1", 3, learnt)
    found = tuning.load(settings, "model-1")
    vector = np.eye(64, dtype=np.float32)[1]
    assert found is not None
    assert found.query_vector(vector, "measure") == pytest.approx(learnt.adapters["measure"](vector))
    assert found.query_vector(vector, "title") is vector and found.offset(vector, "title") == 0.0
    assert found.offset(vector, "measure") == pytest.approx(learnt.adapters["measure"].offset(vector))
    assert found.weights == {**ranking.settings()["weights"], "measure": 1.2}
    files.save(settings, "model-1", 4, Learnt({}, {"title": 0.6}, {}))
    again = tuning.load(settings, "model-1")
    assert again is not None and not again.adapters and again.weights["title"] == 0.6
    assert len(list((settings.index_dir / "tuning").iterdir())) == 2  # no file of maps is left behind


def test_off_and_on(settings: Settings) -> None:
    with pytest.raises(Fault, match="还没有调优"):
        files.switch(settings, False)
    files.save(settings, "model-1", 3, some_tuning())
    files.switch(settings, False)
    assert tuning.load(settings, "model-1") is None and not files.problem(settings, "model-1")
    files.switch(settings, True)
    assert tuning.load(settings, "model-1") is not None


def foreign(settings: Settings) -> None:
    entry = files.described(settings)
    (settings.index_dir / "tuning" / "tuning.json").write_text(json.dumps({**entry, "base": {"words": 9.0}}), "utf-8")


def maps_cut(settings: Settings) -> None:
    (path,) = (settings.index_dir / "tuning").glob("*.npz")
    path.write_bytes(path.read_bytes()[:-9])


def maps_gone(settings: Settings) -> None:
    (path,) = (settings.index_dir / "tuning").glob("*.npz")
    path.unlink()


def no_json(settings: Settings) -> None:
    (settings.index_dir / "tuning" / "tuning.json").write_bytes(b"\xff\x00{")


def list_json(settings: Settings) -> None:
    (settings.index_dir / "tuning" / "tuning.json").write_text("[1]", "utf-8")


def fields_gone(settings: Settings) -> None:
    entry = files.described(settings)
    kept = {key: entry[key] for key in ("schema", "embedder", "base", "active")}
    (settings.index_dir / "tuning" / "tuning.json").write_text(json.dumps(kept), "utf-8")


@pytest.mark.parametrize("damage", [foreign, maps_cut, maps_gone, no_json, list_json, fields_gone])
def test_broken_or_foreign_files_are_ignored_and_told(settings: Settings, damage: object) -> None:
    files.save(settings, "model-1", 3, some_tuning())
    assert callable(damage)
    damage(settings)
    (check,) = tuning.checks(settings, "model-1")
    assert tuning.load(settings, "model-1") is None
    assert not check.ok and "kb tune" in check.message


def test_another_model_is_foreign(settings: Settings) -> None:
    files.save(settings, "model-1", 3, some_tuning())
    assert tuning.load(settings, "model-2") is None
    assert "另一向量模型" in next(iter(tuning.checks(settings, "model-2"))).message


def test_doctor_is_silent_about_a_library_never_tuned(settings: Settings) -> None:
    assert not list(tuning.checks(settings, "model-1"))


# —— the command


def test_a_small_library_is_told_so(settings: Settings, store: Store) -> None:
    done = run(settings)
    assert isinstance(done.exception, Fault) and "只有 5 件" in str(done.exception) and "200" in str(done.exception)


def test_from_trial_run_to_off_and_on(told: Settings) -> None:
    tried = json.loads(run(told, "--dry-run", "--json").stdout)
    assert tried["state"] == "dry_run" and tried["figures"]["adapter"]["on"]
    assert "还没有调优" in run(told, "--status").stdout
    assert "已启用" in run(told).stdout
    assert tuning.load(told, FakeEmbedder.fingerprint) is not None
    assert "kb tune --on" in run(told, "--off").stdout
    assert tuning.load(told, FakeEmbedder.fingerprint) is None
    assert json.loads(run(told, "--on", "--json").stdout)["state"] == "active"
    lines = {check.name: check for check in plugin.kb_health_checks(told)}
    assert lines[files.NAME].ok and "220 件" in lines[files.NAME].message


def test_wrong_usage(told: Settings) -> None:
    assert run(told, "--dry-run", "--off").exit_code == 2
