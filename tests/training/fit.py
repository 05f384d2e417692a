"""Fit the network that looks at boxes to the views of work/training/; write it where the program finds it.

    python -m tests.training.fit [--epochs 14] [--views FOLDER] [--out FILE]

Needs an environment of its own, see README.md; the program itself does not.
Every seventh sheet is kept back; what the network makes of its boxes is printed at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ballotscan.vision.shapes import AS_DARK, LEAST, MOST, SIZE, pen_of

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "ballotscan" / "vision" / "shapes.onnx"
VIEWS = ROOT / "work" / "training"
KINDS = ("nothing", "choice", "taken_back", "unusual")
FILTERS = (16, 32, 48)
HIDDEN = 64
BATCH = 256
RATE = 2e-3
SEED = 20_261_128

Floats = NDArray[np.float32]


def network() -> keras.Model:
    """Three convolutions and two layers: 100,000 numbers, 0.15 ms a box."""
    given = keras.Input((SIZE, SIZE, 3))
    seen = layers.Conv2D(FILTERS[0], 5, strides=2, padding="same", activation="relu")(given)
    seen = layers.MaxPooling2D()(seen)
    seen = layers.Conv2D(FILTERS[1], 3, padding="same", activation="relu")(seen)
    seen = layers.MaxPooling2D()(seen)
    seen = layers.Conv2D(FILTERS[2], 3, padding="same", activation="relu")(seen)
    seen = layers.Dropout(0.25)(layers.Permute((3, 1, 2))(seen))
    seen = layers.Dense(HIDDEN, activation="relu")(layers.Flatten()(seen))
    return keras.Model(given, layers.Dense(len(KINDS))(layers.Dropout(0.15)(seen)))


def _as_floats(views: NDArray[np.uint8]) -> Floats:
    return views.astype(np.float32) / 100 + np.float32(LEAST)


def pens_of(views: NDArray[np.uint8], seeds: NDArray[np.int64]) -> Floats:
    """How dark the pen of each view's sheet is, as ``shapes`` would tell it, (N,)."""
    pens = np.zeros(len(views), np.float32)
    for seed in np.unique(seeds):
        of_sheet = seeds == seed
        seen = _as_floats(views[of_sheet])
        pens[of_sheet] = pen_of(seen[..., 0] - seen[..., 1])
    return pens


def _given(seen: Floats, pens: Floats) -> Floats:
    """What the network is given, as in ``shapes.pictures`` but with the three pictures last."""
    as_usual = ((seen[..., 0] - seen[..., 1]) * (np.float32(AS_DARK) / pens[:, None, None])).clip(LEAST, MOST)
    return np.concatenate([seen, as_usual[..., None]], axis=-1)


def _varied(views: NDArray[np.uint8], pens: Floats, rng: np.random.Generator) -> Floats:
    """A batch mirrored, shifted by up to two samples, darker or paler and noisier, by chance: other hands,
    pens and scanners, outlines found less well, and pens told less well."""
    seen = _as_floats(views)
    for axis, share in ((2, 0.5), (1, 0.3)):
        turned = rng.random(len(seen)) < share
        seen[turned] = np.flip(seen[turned], axis)
    for axis in (1, 2):
        step = int(rng.integers(-2, 3))
        seen = np.roll(seen, step, axis)
    factor = rng.uniform(0.7, 1.3, (len(seen), 1, 1)).astype(np.float32)
    noise = rng.uniform(0, 0.06, (len(seen), 1, 1)).astype(np.float32)
    # a light pen is seldom scanned with the strongest noise: nothing could be learnt from what drowns in it
    noise *= np.minimum(1, 4 * pens)[:, None, None]
    seen[..., 0] = seen[..., 0] * factor + noise * rng.standard_normal(seen.shape[:3], np.float32)
    told = pens * factor[:, 0, 0] * rng.uniform(0.8, 1.25, len(seen)).astype(np.float32)
    return _given(seen, told)


def _batches(
    views: NDArray[np.uint8], pens: Floats, kinds: NDArray[np.uint8], rng: np.random.Generator
) -> Iterator[tuple[Floats, NDArray[np.uint8]]]:
    order = rng.permutation(len(kinds))
    for first in range(0, len(order) - BATCH + 1, BATCH):
        some = np.sort(order[first : first + BATCH])
        yield _varied(views[some], pens[some], rng), kinds[some]


def fit(views: NDArray[np.uint8], pens: Floats, kinds: NDArray[np.uint8], epochs: int) -> keras.Model:
    """The fitted network; prints the mean loss of every epoch."""
    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    model = network()
    steps = epochs * (len(kinds) // BATCH)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for epoch in range(1, epochs + 1):
        losses = [float(model.train_on_batch(*batch)) for batch in _batches(views, pens, kinds, rng)]
        sys.stdout.write(f"epoch {epoch}: {np.mean(losses[-200:]):.4f}\n")
        sys.stdout.flush()
    return model


def to_onnx(model: keras.Model) -> Any:
    """The network as OpenCV reads it: pictures (N, 3, SIZE, SIZE) in, shares (N, 4) out."""
    weights = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    names = ("conv1", "conv2", "conv3", "dense1", "dense2")
    values = []
    for name, (kernel, bias) in zip(names, weights, strict=True):
        turned = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel
        values.append(numpy_helper.from_array(np.ascontiguousarray(turned), f"{name}_w"))
        values.append(numpy_helper.from_array(bias, f"{name}_b"))

    def convolve(at: int, given: str, made: str, **how: Any) -> list[Any]:
        return [
            helper.make_node("Conv", [given, f"conv{at}_w", f"conv{at}_b"], [f"sum{at}"], **how),
            helper.make_node("Relu", [f"sum{at}"], [made]),
        ]

    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        *convolve(1, "seen", "a1", kernel_shape=[5, 5], strides=[2, 2], pads=[1, 1, 2, 2]),
        helper.make_node("MaxPool", ["a1"], ["b1"], **pool),
        *convolve(2, "b1", "a2", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["a2"], ["b2"], **pool),
        *convolve(3, "b2", "a3", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["a3"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "dense1_w", "dense1_b"], ["sum4"]),
        helper.make_node("Relu", ["sum4"], ["a4"]),
        helper.make_node("Gemm", ["a4", "dense2_w", "dense2_b"], ["sum5"]),
        helper.make_node("Softmax", ["sum5"], ["shares"], axis=1),
    ]
    given = helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])
    made = helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n", len(KINDS)])
    graph = helper.make_graph(nodes, "shapes", [given], [made], values)
    written = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    written.ir_version = 8  # what OpenCV 4.10 reads
    onnx.checker.check_model(written)
    return written


def report(shares: Floats, kinds: NDArray[np.uint8]) -> Iterator[str]:
    """What the network makes of boxes it was not fitted to."""
    found = shares.argmax(axis=1)
    for kind, name in enumerate(KINDS):
        counts = [int(((kinds == kind) & (found == other)).sum()) for other in range(len(KINDS))]
        yield f"{name}: " + ", ".join(f"{each} {count}" for each, count in zip(KINDS, counts, strict=True))
    for least in (0.5, 0.9, 0.98, 0.999):
        chosen, nothing = shares[:, 1] >= least, shares[:, 0] >= least
        yield (
            f"from {least}: {int((chosen & (kinds == 0)).sum())} of {int((kinds == 0).sum())} nothing taken"
            f" for a choice, {int((nothing & (kinds == 1)).sum())} of {int((kinds == 1).sum())} choices taken"
            f" for nothing; {(chosen & (kinds == 1)).sum() / max((kinds == 1).sum(), 1):.3f} of choices told"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.training.fit")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--views", type=Path, default=VIEWS)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    shards = [np.load(path) for path in sorted(given.views.glob("views-???????.npz"))]
    views, kinds, seeds = (
        np.concatenate([each[name] for each in shards]) for name in ("seen", "kinds", "seeds")
    )
    kept_back = seeds % 7 == 0
    sys.stdout.write(f"{len(kinds)} boxes of {len(set(seeds))} sheets: {np.bincount(kinds).tolist()}\n")
    pens = pens_of(views, seeds)
    model = fit(views[~kept_back], pens[~kept_back], kinds[~kept_back], given.epochs)
    onnx.save(to_onnx(model), given.out)
    logits = model.predict(_given(_as_floats(views[kept_back]), pens[kept_back]), batch_size=1024, verbose=0)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    sys.stdout.writelines(f"{line}\n" for line in report(shares, kinds[kept_back]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
