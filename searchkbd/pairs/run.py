"""Preparing pairs from end to end: read, filter, exclude, hold out, mix, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.index.hashing import key_hash
from searchkbd.mining import checks
from searchkbd.mining.rows import check_output, write_rows
from searchkbd.mining.units import language_order, read_units
from searchkbd.pairs import filters
from searchkbd.pairs.alike import Alike
from searchkbd.pairs.card import card
from searchkbd.pairs.filters import code_of
from searchkbd.pairs.near import near_duplicates
from searchkbd.pairs.options import SPLITS, PrepareOptions, name_of
from searchkbd.pairs.output import CARD, STATISTICS, OutputDirectory, check_directory
from searchkbd.pairs.reading import PairReader
from searchkbd.pairs.shares import Share, training_shares
from searchkbd.pairs.splits import PairTexts, hold_out, quotas
from searchkbd.pairs.statistics import SetStatistics, Tokens, repeats, tokens_by
from searchkbd.pairs.table import PairTable
from searchkbd.pairs.texts import text_key
from searchkbd.text.forms import search_key

FORMAT = 1
"""Of statistics.json."""

HELD_OUT = SPLITS[1:]
_LEFT_OUT = -1
_BATCH = 1024


def _unheard(done: int, total: int | None = None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Progress:
    """What is told while pairs are prepared: functions of (done, in all or None)."""

    read: Callable[..., None] = _unheard
    near: Callable[..., None] = _unheard
    texts: Callable[..., None] = _unheard
    held_out: Callable[..., None] = _unheard
    written: Callable[..., None] = _unheard


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was written: ``statistics`` is that of docs/pairs.md; ``shares`` those of the training
    pairs, ``respaced`` the cells in which a tab or a line break became a space."""

    statistics: dict[str, Any]
    shares: list[Share]
    respaced: int


@dataclass(slots=True)
class _Job:
    """What becomes of the pairs of *table*."""

    table: PairTable
    options: PrepareOptions
    reasons: NDArray[np.uint8]
    splits: NDArray[np.int8] = field(init=False)
    """Of each pair: its number in SPLITS, or _LEFT_OUT."""

    def __post_init__(self) -> None:
        self.splits = np.full(len(self.table), _LEFT_OUT, dtype=np.int8)

    def taken(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.reasons == code_of(filters.TAKEN))


def prepare(
    sources: Sequence[str],
    out: str | Path,
    reading: ReadOptions | None = None,
    options: PrepareOptions | None = None,
    *,
    exclude: Sequence[str] = (),
    tokenizer: str | None = None,
    report: str | None = None,
    replace: bool = False,
    command: str = "",
    on_reject: Callable[[Reject], None],
    progress: Progress | None = None,
) -> Prepared:
    """Write the pairs of *sources* to the directory *out*: train.tsv, dev.tsv, test.tsv,
    statistics.json and README.md.

    A source is a file that ``read_corpus`` reads, ``hf:NAME``, or an index directory. *exclude* are
    files whose texts, and copies of them, stand in no pair. *tokenizer* is a model whose tokens are
    counted, *report* the file that lists what was left out, *command* what the files say they were
    made by. The same sources, options and *command* give the same bytes. *out* is there whole or
    not at all. Raises CorpusError when there is nothing to write, or nowhere.
    """
    out, progress, options = Path(out), progress or Progress(), options or PrepareOptions()
    check_directory(out, replace)
    if report is not None:
        check_output(report, [*sources, *exclude], "--report")
    tokens = None
    if tokenizer is not None:
        tokenizer, tokens = tokens_by(tokenizer)
    reader = PairReader(reading or ReadOptions(), options, on_reject=on_reject)
    with PairTable() as table:
        reasons = filters.fill(table, reader.read(sources), options, progress.read)
        job = _Job(table, options, reasons)
        if not len(table):
            raise CorpusError(_nothing(sources, reader))
        _filter(job, progress)
        wanted = _split(job, exclude, reading or ReadOptions(), on_reject, progress)
        shares = _mix(job)
        if not (job.splits == 0).any():
            raise CorpusError(
                f"no pair is left to train on, of {len(table):,}: {_counts(_left_out(job, reader))}"
            )
        with OutputDirectory(out) as directory:
            sets = _write(job, directory, tokens, progress)
            said = _statistics(job, reader, sets, shares, wanted)
            said |= {"tokenizer": tokenizer, "command": command}
            directory.json(STATISTICS, said)
            directory.text(CARD, card(said))
            if report is not None:
                write_rows(report, filters.REPORT_COLUMNS, filters.left_out(table, job.reasons))
        return Prepared(said, shares, directory.respaced)


def _filter(job: _Job, progress: Progress) -> None:
    table, options, reasons = job.table, job.options, job.reasons
    if options.mix:
        named = [langs in options.mix for langs in table.langs]
        others = ~np.array(named)[table.column("stratum")]
        reasons[others & (reasons == code_of(filters.TAKEN))] = code_of(filters.MIX)
    if checks.LENGTH in options.drop:
        filters.flag_lengths(table, reasons)
    filters.flag_duplicates(table, reasons)
    if options.near is not None:
        rows = filters.preferred(table, reasons)
        near = near_duplicates(table, rows, options.near / 100, progress.near)
        reasons[near] = code_of(filters.NEAR)
    if options.per_target is not None:
        filters.flag_repeated(table, reasons, options.per_target)


def _split(
    job: _Job,
    exclude: Sequence[str],
    reading: ReadOptions,
    on_reject: Callable[[Reject], None],
    progress: Progress,
) -> dict[str, list[int]]:
    """Leave out what is excluded and hold pairs out; return what was wanted of each stratum."""
    table, options = job.table, job.options
    rows = job.taken()
    first, second, places = table.numbered(rows)
    strata = table.column("stratum")[rows].astype(np.int64)
    held = bool(options.dev.value or options.test.value)
    with ExitStack() as stack:
        near = None
        if options.apart < 100 and len(rows) and (exclude or held):
            keys = _counted(table.keys(places), len(places), progress.texts)
            alike = stack.enter_context(Alike(keys, options.apart / 100))

            def near(texts: Sequence[int]) -> Iterator[Sequence[int]]:
                return alike.to(list(table.keys(places[texts])))

        if exclude:
            unwanted = _excluded_keys(exclude, reading, on_reject)
            gone = np.isin(table.hashes(places), [key_hash(key) for key in unwanted])
            if near is not None:
                for found in alike.to(unwanted):
                    gone[found] = True
            out = gone[first] | gone[second]
            job.reasons[rows[out]] = code_of(filters.EXCLUDED)
            rows, first, second, strata = (a[~out] for a in (rows, first, second, strata))
        counts = np.bincount(strata, minlength=len(table.langs)).tolist()
        wanted = [amount.of(len(rows)) for amount in (options.dev, options.test)]
        if len(rows) and sum(wanted) >= len(rows):
            raise CorpusError(
                f"--dev and --test want {sum(wanted):,} of {len(rows):,} pairs, which leaves none "
                "to train on; hold fewer out"
            )
        asked = [quotas(count, counts) for count in wanted]
        pairs = PairTexts(first, second, len(places), strata, len(table.langs))
        job.splits[rows] = hold_out(pairs, asked, near, options.seed, progress.held_out)
    return {split: list(one.quotas) for split, one in zip(HELD_OUT, asked, strict=True)}


def _counted(keys: Iterator[str], total: int, progress: Callable[..., None]) -> Iterator[str]:
    for done, key in enumerate(keys):
        if done % _BATCH == 0:
            progress(done, total)
        yield key


def _excluded_keys(
    files: Sequence[str], reading: ReadOptions, on_reject: Callable[[Reject], None]
) -> list[str]:
    # What is cut by similarity is a source; test sets are taken whole.
    whole = ReadOptions(
        lang=reading.lang, langs=reading.langs, columns=reading.columns, repair=reading.repair
    )
    units = read_units(files, whole, on_reject=on_reject)
    keys = {text_key(search_key(sentence.text)) for unit in units for sentence in unit}
    return sorted(keys)


def _mix(job: _Job) -> list[Share]:
    """Leave out what the shares leave out of the training pairs."""
    table, options = job.table, job.options
    strata = table.column("stratum")
    train = np.flatnonzero(job.splits == 0)
    rows = {
        langs: train[strata[train] == stratum] for stratum, langs in enumerate(table.langs)
    }
    shares = training_shares({langs: len(own) for langs, own in rows.items()}, options)
    for number, share in enumerate(shares):
        own = rows.get(share.langs, train[:0])
        rest = np.random.default_rng([options.seed, 3, number]).permutation(own)[share.pairs :]
        job.splits[rest] = _LEFT_OUT
        job.reasons[rest] = code_of(filters.MIX)
    return shares


def _write(
    job: _Job, directory: OutputDirectory, tokens: Tokens | None, progress: Progress
) -> dict[tuple[str, int], SetStatistics]:
    """Write the pairs; return what those of each split and stratum are like."""
    table = job.table
    machine = table.column("machine")
    sets: dict[tuple[str, int], SetStatistics] = {}
    done, total = 0, int((job.splits != _LEFT_OUT).sum())

    def rows(number: int, split: str) -> Iterator[dict[str, str]]:
        nonlocal done
        own = np.flatnonzero(job.splits == number)
        waiting: dict[int, list[dict]] = {}
        for at in own.tolist():
            row = table.rows[at] | {"machine": int(machine[at])}
            stratum = row["stratum"]
            lang_a, lang_b = table.langs[stratum]
            yield {
                "lang_a": lang_a, "lang_b": lang_b, "text_a": row["a"], "text_b": row["b"],
                "group": row["group"], "origin": row["origin"],
            }  # fmt: skip
            waiting.setdefault(stratum, []).append(row)
            if len(waiting[stratum]) == _BATCH:
                add(split, stratum, waiting.pop(stratum))
            done += 1
            if done % _BATCH == 0:
                progress.written(done, total)
        for stratum, batch in waiting.items():
            add(split, stratum, batch)

    def add(split: str, stratum: int, batch: list[dict]) -> None:
        if (split, stratum) not in sets:
            sets[split, stratum] = SetStatistics(table.langs[stratum], tokens)
        sets[split, stratum].add(batch, sum(row["machine"] for row in batch))

    for number, split in enumerate(SPLITS):
        directory.pairs(split, rows(number, split))
    return sets


def _statistics(
    job: _Job,
    reader: PairReader,
    sets: dict[tuple[str, int], SetStatistics],
    shares: list[Share],
    wanted: dict[str, list[int]],
) -> dict[str, Any]:
    table = job.table
    strata, texts = table.column("stratum"), [table.column(name) for name in ("text_a", "text_b")]
    stratum_of = {langs: stratum for stratum, langs in enumerate(table.langs)}

    def shape(share: Share) -> dict[str, Any]:
        stratum = stratum_of.get(share.langs, len(stratum_of))  # asked for and never seen
        found = {}
        for number, split in enumerate(SPLITS):
            if (split, stratum) in sets:
                own = (job.splits == number) & (strata == stratum)
                found[split] = sets[split, stratum].shape(*(column[own] for column in texts))
        return {
            "name": name_of(share.langs),
            "languages": list(share.langs),
            "share": {
                "available": share.available, "asked": round(share.asked, 6),
                "got": round(share.got, 6), "met": share.is_met,
            },
            "wanted": {split: sum(wanted[split][stratum : stratum + 1]) for split in HELD_OUT},
            "splits": found,
        }  # fmt: skip

    shapes = [shape(share) for share in sorted(shares, key=_place)]
    train = job.splits == 0
    return {
        "format": FORMAT,
        "read": len(table) + reader.skipped.total(),
        "left_out": _left_out(job, reader),
        "splits": {split: int((job.splits == n).sum()) for n, split in enumerate(SPLITS)},
        "wanted": {split: sum(wanted[split]) for split in HELD_OUT},
        "repeated": repeats(*(column[train] for column in texts)),
        "sets": [one for one in shapes if one["splits"] or one["share"]["asked"]],
        "sources": [
            {"name": one.name, "kind": one.kind, "sha256": one.sha256} for one in reader.sources
        ],
    }  # fmt: skip


def _place(share: Share) -> list[tuple[int, str]]:
    return [language_order(lang) for lang in share.langs]


def _left_out(job: _Job, reader: PairReader) -> dict[str, int]:
    counts = np.bincount(job.reasons, minlength=len(filters.REASONS)).tolist()
    listed = dict(zip(filters.REASONS[1:], counts[1:], strict=True))
    return {reason: count for reason, count in {**reader.skipped, **listed}.items() if count}


def _counts(left_out: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in left_out.items())


def _nothing(sources: Sequence[str], reader: PairReader) -> str:
    if reader.skipped:
        return f"{', '.join(sources)}: no pair is taken: {_counts(dict(reader.skipped))}"
    return (
        f"{', '.join(sources)}: no pairs; translations must stand in one row, or share their "
        "group, in two languages"
    )
