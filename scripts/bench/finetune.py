"""What a step of the recipe of LaBSE-kbd's card costs, here measured, on a GPU reckoned.

    python scripts/bench/finetune.py --work finetune-bench

A model of LaBSE's size with random weights (random_labse.py; --model DIR takes another) takes a
few optimiser steps on 16 pairs: MultipleNegativesRankingLoss, scale 20, AdamW, gradients cut to
length 1. Each variant has a process of its own, for its peak of memory, in each of some rounds;
the fastest round counts, since other work can only slow one down. Texts are random pieces, as
many as on the card: its mean and its maximum are those of a log-normal distribution; a batch is
padded to its longest text, a column at a time, as the trainer does.

Floating-point operations of a step, forward and backward (Kaplan et al. 2020, arXiv:2001.08361,
section 2.1; Chowdhery et al. 2022, PaLM, arXiv:2204.02311, appendix B), with N numbers in the L
layers of width d, and T texts of s tokens, padding included; embeddings are looked up for nothing:

    6 · N · T · s  +  12 · L · d · T · s²

An optimiser step reads and writes the state of every number of the model: bytes, not operations.
On a GPU both are reckoned from the peak figures of its maker and added up, or, where that takes
longer than the products, with the time to start the step's operations, which are counted here.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

PAIRS = 3_395_988
BATCH = 16
EPOCHS = 2
STOPPED = 45_000
TOKENS = ((10.33, 50), (13.81, 46))
"""Tokens of sentence_0 and sentence_1 on the card, of its first 1,000 samples: mean and maximum."""
SHORTEST, SAMPLES = 5, 1000

VARIANTS = {
    "the card's: fp32": (),
    "bf16 autocast": ("bf16",),
    "gradient checkpointing": ("checkpointing",),
    "frozen word table": ("frozen",),
    "bf16, frozen word table": ("bf16", "frozen"),
}
WARM = 2
DRAWN = 300
"""Batches over which the operations of a step are averaged for the reckoning."""
OPERATION = 10e-6
"""Seconds that starting one operation takes in eager PyTorch, an assumption of the reckoning."""

FUSED, SEPARATE = 28, 88
"""Bytes that AdamW moves a number: fused reads weight, gradient and two moments and writes three;
operation by operation it is about 22 passes over 4 bytes, cutting the gradient included."""


@dataclass(frozen=True)
class Gpu:
    """Peak of dense 16-bit products in TFLOP/s, memory bandwidth in GB/s, as its maker states."""

    name: str
    tflops: float
    bandwidth: float


GPUS = (
    Gpu("T4 16 GB (fp16)", 65, 320),
    Gpu("RTX 4090 24 GB", 165, 1008),
    Gpu("A100 80 GB SXM", 312, 2039),
    Gpu("H100 SXM", 989, 3350),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    model = options.model or options.work / "model"
    if options.variant:
        print(json.dumps(run(model, options.steps, VARIANTS[options.variant])))
        return
    if not (model / "modules.json").exists():
        from random_labse import make

        make(model)
    peaks: dict[str, float] = {}
    results: dict[str, dict] = {}
    for _ in range(options.rounds):
        for name in VARIANTS:
            for kind, rate in matmul_peaks().items():
                peaks[kind] = max(rate, peaks.get(kind, 0))
            again = [sys.executable, __file__, "--work", options.work, "--model", model,
                     "--steps", str(options.steps), "--variant", name]  # fmt: skip
            done = subprocess.run(again, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            if name not in results or found["step"] < results[name]["step"]:
                results[name] = found
    print(f"matrix products here: fp32 {peaks['fp32']:.0f}, bf16 {peaks['bf16']:.0f} GFLOP/s\n")
    print("| variant | s/step | forward | backward | optimiser | TFLOP | GFLOP/s | of peak | GB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, found in results.items():
        rate = found["flop"] / (found["forward"] + found["backward"]) / 1e9
        share = rate / peaks["bf16" if "bf16" in VARIANTS[name] else "fp32"]
        print(
            f"| {name} | {found['step']:.2f} | {found['forward']:.2f} | {found['backward']:.2f} "
            f"| {found['optimiser']:.2f} | {found['flop'] / 1e12:.2f} | {rate:.0f} "
            f"| {share:.0%} | {found['memory']:.1f} |"
        )
    show_reckoning(next(iter(results.values())))


def run(directory: Path, steps: int, settings: Sequence[str]) -> dict[str, float]:
    """Take steps with one variant; return seconds (medians), operations and gigabytes."""
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from searchkbd.encoders.transformer.files import find_model
    from searchkbd.encoders.transformer.torch_body import load_model, quiet

    with quiet():
        model = load_model(find_model(directory), "cpu").train()
    bert = model.transformers_model
    if "frozen" in settings:
        bert.get_input_embeddings().weight.requires_grad_(False)
    if "checkpointing" in settings:
        bert.gradient_checkpointing_enable({"use_reentrant": False})
    loss = MultipleNegativesRankingLoss(model)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=5e-5, weight_decay=0.0)
    torch.manual_seed(42)
    seconds: dict[str, list[float]] = {name: [] for name in ("forward", "backward", "optimiser")}
    flops, texts = [], batches(model)
    for step in range(WARM + steps):
        features = next(texts)
        shapes = [tuple(one["input_ids"].shape) for one in features]
        flops.append(operations(bert, shapes))
        mixed = torch.autocast("cpu", torch.bfloat16) if "bf16" in settings else nullcontext()
        times = [time.perf_counter()]
        with mixed:
            value = loss(features, None)
        times.append(time.perf_counter())
        value.backward()
        times.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        times.append(time.perf_counter())
        for name, start, end in zip(seconds, times, times[1:], strict=False):
            if step >= WARM:
                seconds[name].append(end - start)
    found = {name: statistics.median(taken) for name, taken in seconds.items()}
    started = count_operations(loss, features)
    usual, tokens = [], []
    for _ in range(DRAWN):
        features = next(texts)
        usual.append(operations(bert, [tuple(one["input_ids"].shape) for one in features]))
        tokens.append([int(one["attention_mask"].sum()) / BATCH for one in features])
    return {
        **found,
        "step": statistics.median(map(sum, zip(*seconds.values(), strict=True))),
        "flop": float(np.mean(flops[WARM:])),
        "usual": float(np.mean(usual)),
        "tokens": np.mean(tokens, axis=0).tolist(),
        "numbers": sum(parameter.numel() for parameter in model.parameters()),
        "table": bert.get_input_embeddings().weight.numel(),
        "operations": started,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def operations(bert, shapes: Sequence[tuple[int, int]]) -> float:
    """Return the floating-point operations of a step over texts of *shapes*, as above."""
    config = bert.config
    numbers = sum(parameter.numel() for parameter in bert.encoder.parameters())
    attention = 12 * config.num_hidden_layers * config.hidden_size
    return float(sum(count * size * (6 * numbers + attention * size) for count, size in shapes))


def count_operations(loss, features) -> int:
    """Return the operations that PyTorch starts for a forward and backward pass."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            views = ("view", "t.", "transpose", "expand", "slice", "select", "detach", "reshape",
                     "permute", "unsqueeze", "squeeze", "alias", "empty", "split")  # fmt: skip
            name = function.name().removeprefix("aten::")
            self.count += not name.lstrip("_").startswith(views)
            return function(*args, **(kwargs or {}))

    with Counter() as counter:
        loss(features, None).backward()
    return counter.count


def batches(model) -> Iterator[list[dict]]:
    """Yield the two columns of batches, as the model takes them.

    Lengths are SHORTEST - 1 + exp(m + s·z) with z of a normal distribution, the same for both
    sides but for a tenth of its variance; m and s so that the mean is the card's, and its
    maximum the expected one of SAMPLES.
    """
    import torch

    highest = statistics.NormalDist().inv_cdf(1 - 1 / SAMPLES)
    rng = np.random.default_rng(0)
    pieces = len(model.tokenizer)
    while True:
        common = rng.standard_normal(BATCH)
        columns = []
        for mean, most in TOKENS:
            over, top = mean - SHORTEST + 1, most - SHORTEST + 1
            # log(top / over) = highest·s - s²/2
            spread = highest - (highest**2 - 2 * np.log(top / over)) ** 0.5
            z = 0.9**0.5 * common + 0.1**0.5 * rng.standard_normal(BATCH)
            lengths = SHORTEST - 1 + np.exp(np.log(over) - spread**2 / 2 + spread * z)
            lengths = np.clip(np.round(lengths), SHORTEST, most).astype(int)
            mask = np.arange(lengths.max()) < lengths[:, None]
            ids = np.where(mask, rng.integers(5, pieces, mask.shape), 0)
            columns.append({
                "input_ids": torch.from_numpy(ids),
                "attention_mask": torch.from_numpy(mask.astype(np.int64)),
            })  # fmt: skip
        yield columns


def matmul_peaks() -> dict[str, float]:
    """Return the best rate of large matrix products on this machine, in GFLOP/s."""
    import torch

    found = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.randn(2048, 2048).to(kind), torch.randn(2048, 2048).to(kind)
        rates = []
        for _ in range(8):
            start = time.perf_counter()
            a @ b
            rates.append(2 * 2048**3 / (time.perf_counter() - start) / 1e9)
        found[name] = max(rates)
    return found


def show_reckoning(measured: dict) -> None:
    """Print what whole training costs on a GPU, from the step that was measured."""
    steps = -(-PAIRS // BATCH) * EPOCHS
    first, second = measured["tokens"]
    started = measured["operations"] * OPERATION
    trained = measured["numbers"] - measured["table"]
    print(f"\n{steps:,} steps; the card's log ends at {STOPPED:,}, {STOPPED / steps:.1%} of them")
    print(f"tokens a pair without padding: {first:.2f} + {second:.2f}")
    usual = measured["usual"]
    print(f"{usual / 1e12:.3f} TFLOP a step, {usual * steps / 1e18:.2f} EFLOP in all")
    print(f"{measured['operations']:,} operations a step, {started * 1e3:.0f} ms to start them\n")
    print("| GPU | products at 20 % | at 40 % | AdamW, fused | operation by operation "
          "| frozen table, fused | in all | to the card's stop |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for gpu in GPUS:
        fused, separate = (
            measured["numbers"] * size / gpu.bandwidth / 1e9 for size in (FUSED, SEPARATE)
        )
        frozen = trained * FUSED / gpu.bandwidth / 1e9
        slow, fast = (usual / (gpu.tflops * 1e12 * share) for share in (0.2, 0.4))
        # The processor starts operations while the GPU works on earlier ones.
        least, most = max(fast, started) + fused, max(slow, started) + separate
        times = " | ".join(f"{one * 1e3:.1f} ms" for one in (slow, fast, fused, separate, frozen))
        hours = " | ".join(
            f"{least * count / 3600:.1f}–{most * count / 3600:.1f} h" for count in (steps, STOPPED)
        )
        print(f"| {gpu.name} | {times} | {hours} |")


if __name__ == "__main__":
    main()
