"""Articles as plain text: each style of write-up, news and letter gives its cases and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest import readers
from ingest.records import Record

ARTICLES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("articles.yml").read_text("utf-8"))


def _values(text: str, folder: Path) -> list[Record]:
    path = folder / "稿件.txt"
    path.write_text(text, encoding="utf-8")
    reading = readers.read(path)
    assert not reading.rejected
    return reading.records


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article["name"])
def test_article_gives_its_cases_and_nothing_else(article: dict[str, Any], tmp_path: Path) -> None:
    records = _values(article["text"], tmp_path)
    assert len(records) == len(article["cases"])
    for record, expected in zip(records, article["cases"], strict=True):
        for name, words in expected.items():
            value = record.values.get(name, "")
            if isinstance(words, str) and words.startswith("="):
                assert value == words[1:], name
            else:
                for word in [words] if isinstance(words, str) else words:
                    assert word in value, (name, record.values)
    told = "\n".join(value for record in records for value in record.values.values())
    for word in article.get("absent", []):
        assert word not in told
