"""Where the time of encoding goes, step by step, on one thread.

python scripts/bench/encode_profile.py --data ../shared/data

Processor time, the least of several rounds: it hardly changes when the machine has other load.
For the teacher the time is shown too that its matrix products would take at the rate of one large
product, the machine's peak.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(1, str(Path(__file__).resolve().parent))

from encode_rate import read_rows  # noqa: E402

from searchkbd.encoders import features  # noqa: E402
from searchkbd.encoders.student import StudentEncoder, lookup  # noqa: E402
from searchkbd.encoders.sums import interleave, sum_packed, sum_rows  # noqa: E402
from searchkbd.encoders.threads import one_thread  # noqa: E402
from searchkbd.encoders.use import UniversalSentenceEncoder, _clean  # noqa: E402
from searchkbd.encoders.use_weights import ORDERS  # noqa: E402

Steps = list[tuple[str, float]]
"""Names of steps and their seconds."""


def least(call: Callable[[], object], rounds: int = 7) -> float:
    """Return the least processor seconds of *call*."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def student_steps(texts: list[str]) -> Steps:
    """Take the steps of ``StudentEncoder._encode`` one by one."""
    weights = StudentEncoder()._weights
    keys = features.model_keys(texts)
    split = features.split_words(keys)
    words = sorted(split.words, key=len)
    found = features.key_features(words)
    at, known = lookup(weights.features, found.ids)
    scales = weights.scales[at] * known
    table = sum_packed(weights.rows, scales, at, found.offsets)
    click.echo(
        f"{len(split.ids) / len(texts):.1f} words a text, {len(words) / len(texts):.1f} of them "
        f"different in the batch, {len(at) / len(words):.0f} features each"
    )
    return [
        ("fold spellings", least(lambda: features.model_keys(texts))),
        ("split into different words", least(lambda: features.split_words(keys))),
        ("hash words and n-grams", least(lambda: features.key_features(words))),
        ("look the features up", least(lambda: lookup(weights.features, found.ids))),
        ("unpack rows, sum by word",
         least(lambda: sum_packed(weights.rows, scales, at, found.offsets))),
        ("sum by text",
         least(lambda: interleave(sum_rows(table, split.ids, split.offsets)))),
    ]  # fmt: skip


def teacher_steps(texts: list[str]) -> Steps:
    """Take the steps of ``UniversalSentenceEncoder.encode`` one by one."""
    encoder = UniversalSentenceEncoder()
    encoder.encode(texts)  # many texts: the library tokenises
    batch = [_clean(text) for text in texts]
    parts = [pieces for _, pieces in encoder._micro_batches(texts)]
    net, head = encoder._net, encoder.head
    unique = [np.unique(np.concatenate(part).astype(np.intp)) for part in parts]
    pooled = [net.pool(part) for part in parts]
    count, different = sum(len(p) for part in parts for p in part), sum(map(len, unique))
    width = 256
    products = {
        "read": different * (512 * len(ORDERS) * width + sum(ORDERS) * width**2),
        "convolve": count * sum(ORDERS) * width**2,
        "head": len(texts) * sum(array.size for array in head.arrays().values()),
    }
    size = 2048
    square = np.random.default_rng(0).random((size, size), dtype=np.float32)
    peak = 2 * size**3 / least(lambda: square @ square)
    ideal = 2 * sum(products.values()) / peak
    click.echo(
        f"{count / len(texts):.1f} pieces a text, {different / count:.0%} of them read; "
        f"{2 * sum(products.values()) / len(texts) / 1e6:.0f} Mflop a text; one thread's peak "
        f"is {peak / 1e9:.0f} Gflop/s, at which these take {ideal / len(texts) * 1e6:.0f} us"
    )
    read = least(lambda: [net._read(each) for each in unique])
    pool = least(lambda: [net.pool(part) for part in parts])
    return [
        ("tokenise", least(lambda: encoder._tokenizer.encode(batch))),
        ("read different pieces", read),
        ("convolve, norm and sum", pool - read),
        ("head", least(lambda: [head(*each) for each in pooled])),
    ]


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--count", default=2048, show_default=True, help="Sentences a language.")
def main(data: Path, count: int) -> None:
    for lang in ("kbd", "ru", "en", "fr", "tr"):
        texts, _ = read_rows(data / "corpus" / "large.tsv", lang, count)
        characters = sum(map(len, texts)) / len(texts)
        click.echo(f"\n{lang}, {len(texts)} sentences of {characters:.0f} characters")
        with one_thread():
            steps = student_steps(texts) if lang == "kbd" else teacher_steps(texts)
        whole = sum(seconds for _, seconds in steps)
        click.echo("| step | us a sentence | share |\n|---|---|---|")
        for name, seconds in [*steps, ("all", whole)]:
            click.echo(f"| {name} | {1e6 * seconds / len(texts):.1f} | {seconds / whole:.0%} |")


if __name__ == "__main__":
    main()
