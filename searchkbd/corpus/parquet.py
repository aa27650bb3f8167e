"""Parquet files, batch by batch: the columns of a table, or of a data set that is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from searchkbd.corpus.columns import LayoutError, layout_of
from searchkbd.corpus.cut import NO_SIMILARITY, Cut, similarity_column
from searchkbd.corpus.decompress import STDIN
from searchkbd.corpus.machine import machine_translated
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

Shards = Callable[[], Iterator[tuple[str, RowReader]]]
"""Gives the files of one data set, each with the reader of its rows; may be called twice."""

_Row = Callable[[int, Sequence[object]], Sequence["Sentence | Reject"]]
_BATCH = 1024
_BUFFER = 1 << 20


def read_parquet(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the rows of the file *path*.

    The columns are those of a table, or of a data set of
    :func:`searchkbd.corpus.machine.machine_translated`. Raises CorpusError when pyarrow is
    missing, the file is not Parquet, or its columns do not say where the texts are.
    """
    if path == STDIN:
        raise CorpusError("Parquet is read from its end; give the file by its name")
    return read_shards(lambda: iter([(path, rows)]), path, options)


def read_shards(shards: Shards, name: str, options: ReadOptions) -> Iterator[Sentence | Reject]:
    """Yield the rows of all *shards* of the data set *name*, cut as one."""
    cut = None
    if options.cuts:
        needed = options.percentile is not None
        cut = Cut(name, options, _similarities(shards) if needed else ())
    for path, rows in shards():
        with _opened(path) as file:
            yield from _read(file, path, options, rows, cut)
    if cut:
        cut.tell()


def _similarities(shards: Shards) -> np.ndarray:
    """Return all similarities; of the files, that one column is read."""
    import numpy as np

    out = [np.empty(0)]
    for path, _ in shards():
        with _opened(path) as file:
            column = similarity_column(file.schema_arrow.names, path)
            for group in range(file.num_row_groups):
                for batch in _batches(file, group, [column]):
                    if not isinstance(batch, str):
                        values = _numbers(batch.column(0))
                        out.append(values[~np.isnan(values)])
    return np.concatenate(out)


def _opened(path: str) -> pq.ParquetFile:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise CorpusError(
            f"{path} is read with pyarrow; install it: pip install 'searchkbd[parquet]'"
        ) from None
    try:
        # With a buffer, of a group of rows no more is held than that.
        return pq.ParquetFile(path, buffer_size=_BUFFER)
    except FileNotFoundError:
        raise CorpusError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} is a directory; name the files in it") from None
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(
            f"{path} is damaged, or no Parquet file ({_short(error)}); fetch it again"
        ) from None


def _read(
    file: pq.ParquetFile, path: str, options: ReadOptions, rows: RowReader, cut: Cut | None
) -> Iterator[Sentence | Reject]:
    import pyarrow as pa

    names = file.schema_arrow.names
    column = similarity_column(names, path) if cut else ""
    columns, read = _columns(names, path, options, rows)
    first = 1  # row of the group, and of the batch
    for group in range(file.num_row_groups):
        number = first
        first += file.metadata.row_group(group).num_rows
        for batch in _batches(file, group, [*columns, *({column} - {"", *columns})]):
            if isinstance(batch, str):
                reason = f"unreadable: rows {number} to {first - 1}: {batch}"
                yield rows.reject(number, reason, "")
                break
            chosen = range(batch.num_rows)
            if cut:
                values = _numbers(batch.column(column))
                for at in (values != values).nonzero()[0].tolist():
                    cells = [_values(batch.column(name).slice(at, 1))[0] for name in columns]
                    yield rows.reject(number + at, NO_SIMILARITY, "\t".join(map(_text, cells)))
                below = _in_precision_of(batch.column(column), cut.below)
                cut.left_out += int((values < below).sum())
                chosen = (values >= below).nonzero()[0].tolist()
                batch, count = batch.take(pa.array(chosen, pa.int64())), batch.num_rows
            else:
                count = batch.num_rows
            cells = [_values(batch.column(name)) for name in columns]
            for at, row in zip(chosen, zip(*cells, strict=True), strict=True):
                yield from read(number + at, row)
            number += count


def _columns(
    names: list[str], path: str, options: ReadOptions, rows: RowReader
) -> tuple[list[str], _Row]:
    """Return which columns are needed, and the function that reads a row of them."""
    known = None if options.columns else machine_translated(names, options, rows)
    if known:
        return known.columns, known.read
    try:
        layout = layout_of(names, options)
    except LayoutError as error:
        raise CorpusError(f"{path}: {error}") from None

    def read(number: int, row: Sequence[object]) -> Sequence[Sentence | Reject]:
        cells = list(map(_text, row))
        return rows.read(layout, number, "\t".join(cells), cells)

    return names, read


def _batches(
    file: pq.ParquetFile, group: int, columns: list[str]
) -> Iterator[pa.RecordBatch | str]:
    """Yield a group of rows in batches; last, if it cannot be read to its end, the reason."""
    import pyarrow as pa

    try:
        yield from file.iter_batches(_BATCH, row_groups=[group], columns=columns)
    except (pa.ArrowException, OSError) as error:
        yield _short(error)


def _numbers(column: pa.Array) -> np.ndarray:
    """Return a column as float64, NaN where there is no number."""
    import numpy as np
    import pyarrow as pa

    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowException:  # text, and some of it no number
        return np.array([_number(value) for value in _values(column)])
    return numbers.to_numpy(zero_copy_only=False)


def _in_precision_of(column: pa.Array, value: float) -> float:
    """Return *value* as the column would hold it: 0.9 in single precision is less than 0.9."""
    import numpy as np
    import pyarrow as pa

    return float(np.float32(value)) if column.type == pa.float32() else value


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _values(column: pa.Array) -> list[object]:
    import pyarrow as pa

    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        # Halves of surrogate pairs, which no text may have, stand for what is not UTF-8.
        return [
            None if value is None else value.decode("utf-8", "surrogateescape")
            for value in column.cast(pa.large_binary()).to_pylist()
        ]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
