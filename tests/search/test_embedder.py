"""Embedders and the cache of embeddings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from kb.config import Settings
from kb.errors import Fault
from search.embedder import Embedder, Vectors, open_embedder
from search.embedder.fake import FakeEmbedder
from search.embedder.packaged import PackagedEmbedder
from search.embedder.store import EmbeddingCache


class Counting(FakeEmbedder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return super().encode_passages(texts)


@pytest.fixture(scope="module")
def packaged() -> Embedder:
    return PackagedEmbedder()


def test_packaged_model_tells_meaning_without_common_words(packaged: Embedder) -> None:
    query = packaged.encode_queries(["婚前买的房，想把媳妇也写到本子上"])
    near, far = packaged.encode_passages(["不动产权证书增加配偶为共有人", "申请开通夜间公交线路"])
    assert query.shape == (1, packaged.dim) and query.dtype == np.float32
    assert query[0] @ near > query[0] @ far


def test_packaged_model_gives_a_text_one_vector_in_any_company(packaged: Embedder) -> None:
    alone = packaged.encode_passages(["补办身份证"])
    among = packaged.encode_passages(["好" * 900, "补办身份证", ""])
    assert np.array_equal(alone[0], among[1])
    assert np.allclose(np.linalg.norm(among, axis=1), 1, atol=1e-5)


def test_packaged_model_takes_odd_text(packaged: Embedder) -> None:
    assert np.isfinite(packaged.encode_queries(["\0", "\ud800办事", "😀" * 3000, "a" * 100_000])).all()


def test_packaged_model_does_not_import_torch() -> None:
    code = (
        "import sys, json; from search.embedder.packaged import PackagedEmbedder;"
        "PackagedEmbedder().encode_queries(['办事']);"
        "print(json.dumps([m for m in ('torch', 'transformers') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_broken_model_files_are_explained(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(Fault, match="模型无法加载"):
        PackagedEmbedder(tmp_path)


class Stub:
    """Stands for a sentence-transformers model: its import takes seconds, its weights a network."""

    def __init__(self, model: str, device: str, model_kwargs: dict[str, str]) -> None:
        if model == "missing":
            raise OSError("no such model")

    def get_embedding_dimension(self) -> int:
        return FakeEmbedder.dim

    def encode_query(self, texts: list[str], **_: object) -> Vectors:
        return FakeEmbedder().encode_queries([f"问 {text}" for text in texts])

    def encode_document(self, texts: list[str], **_: object) -> Vectors:
        return FakeEmbedder().encode_passages(texts)


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    setattr(module, "SentenceTransformer", Stub)  # noqa: B010
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


def test_any_other_name_is_a_sentence_transformers_model(tmp_path: Path, stubbed: None) -> None:
    embedder = open_embedder(Settings(tmp_path, embedding_model="some/model"))
    assert embedder.fingerprint.startswith("sentence-transformers-model-")
    assert embedder.encode_passages([]).shape == (0, embedder.dim)
    query, passage = embedder.encode_queries(["办事\ud800"])[0], embedder.encode_passages(["办事"])[0]
    assert not np.array_equal(query, passage)


def test_unknown_model_is_explained(tmp_path: Path, stubbed: None) -> None:
    with pytest.raises(Fault, match="kb.toml"):
        open_embedder(Settings(tmp_path, embedding_model="missing"))


def test_fake_embedder_brings_similar_texts_together() -> None:
    one, two, three = FakeEmbedder().encode_passages(["公积金异地提取", "公积金怎么提取", "小区电梯坏了"])
    assert one @ two > one @ three


def test_unchanged_text_is_embedded_once(settings: Settings) -> None:
    embedder = Counting()
    first = EmbeddingCache(settings, embedder).encode_passages(["办事", "落户", "办事"])
    again = EmbeddingCache(settings, embedder).encode_passages(["落户", "办事"])
    assert embedder.asked == ["办事", "落户"]
    assert np.array_equal(first[[1, 0]], again)


def test_cache_keeps_models_apart(settings: Settings) -> None:
    EmbeddingCache(settings, Counting()).encode_passages(["办事"])
    other = Counting()
    other.fingerprint = "another"
    EmbeddingCache(settings, other).encode_passages(["办事"])
    assert other.asked == ["办事"]


def test_broken_cache_is_thrown_away(settings: Settings) -> None:
    cache = EmbeddingCache(settings, Counting())
    cache.path.parent.mkdir(parents=True)
    cache.path.write_bytes(b"this is not a database" * 100)
    assert cache.encode_passages(["办事"]).shape == (1, cache.embedder.dim)


def test_cache_holds_no_text(settings: Settings) -> None:
    cache = EmbeddingCache(settings, Counting())
    cache.encode_passages(["不可外传的一句话"])
    assert all("不可外传".encode() not in path.read_bytes() for path in cache.path.parent.iterdir())


def test_progress_reaches_the_number_of_texts(settings: Settings) -> None:
    done: list[int] = []
    EmbeddingCache(settings, Counting()).encode_passages(["一", "二", "一"], done.append)
    assert sum(done) == 3
