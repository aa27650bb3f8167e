"""From the best student to an encoder directory: student, model card, ``encoder.json``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from searchkbd.encoders.base import Encoder
from searchkbd.encoders.directory import (
    DESCRIPTION,
    KABARDIAN,
    STUDENT,
    WORK,
    Base,
    Description,
    DirectoryEncoder,
    StudentFile,
    languages_of,
    write_description,
)
from searchkbd.encoders.tensors import write_atomically
from searchkbd.errors import SearchkbdError
from searchkbd.text.languages import NAMES
from searchkbd.training.config import StudentConfig
from searchkbd.training.run import Trained

CARD = "README.md"

_OURS = (DESCRIPTION, STUDENT, CARD, WORK)


class OutputError(SearchkbdError):
    """The directory cannot be trained into."""


@dataclass(frozen=True)
class DataFile:
    """A file of pairs: its name, the sentences that were read from it, its SHA-256, its use."""

    name: str
    use: str
    sentences: int
    sha256: str


@dataclass(frozen=True)
class Recipe:
    """What the model card tells of how a student was made."""

    lang: str
    teacher: str
    teacher_fingerprint: str
    config: StudentConfig
    data: tuple[DataFile, ...]
    pairs: int
    command: str


def languages_read(lang: str) -> tuple[str, ...]:
    """Return the languages that a student of *lang* is given: Adyghe goes with Kabardian."""
    return KABARDIAN if lang == "kbd" else (lang,)


def teaching_languages(teacher: Encoder, lang: str) -> frozenset[str]:
    """Return the languages of which translations can teach a student of *lang*."""
    return languages_of(teacher) - set(languages_read(lang))


def check_output(out: Path, restart: bool) -> None:
    """Refuse a directory that holds other things, or a finished encoder unless *restart*."""
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out}: a file, not a directory; choose another --out")
    names = sorted(path.name for path in out.iterdir())
    finished, begun = DESCRIPTION in names, WORK in names
    if names and not finished and not begun:
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise OutputError(
            f"{out}: holds other things ({shown}) and no encoder; choose an empty directory"
        )
    if finished and not begun and not restart:
        raise OutputError(
            f"{out}: already holds an encoder; train another in its place with --restart, "
            "or choose another --out"
        )


def release(out: Path, trained: Trained, teacher: Encoder, recipe: Recipe) -> Description:
    """Put the encoder into *out*, ``encoder.json`` last, and remove what only training needed.

    Students of a *teacher* that is a directory itself are copied, so that *out* needs nothing
    outside itself; where a language has two students the new one reads it.
    """
    own = languages_read(recipe.lang)
    _place(trained.student, out / STUDENT)
    students = [StudentFile.of(out / STUDENT, own)]
    if isinstance(teacher, DirectoryEncoder):
        students += _inherited(teacher, out, own)
    description = Description(Base.of(teacher), tuple(students))
    write_atomically(out / CARD, card(trained, recipe, description).encode())
    write_description(out, description)
    named = {student.file for student in students}
    for path in out.glob("student-*.safetensors"):  # of an encoder that was here before
        if path.name not in named:
            path.unlink()
    shutil.rmtree(out / WORK)
    return description


def _inherited(teacher: DirectoryEncoder, out: Path, own: Sequence[str]) -> list[StudentFile]:
    students = []
    for entry in teacher.description.students:
        langs = tuple(lang for lang in entry.languages if lang not in own)
        if langs:
            path = out / f"student-{'-'.join(langs)}.safetensors"
            _place(teacher.directory / entry.file, path)
            students.append(StudentFile.of(path, langs))
    return students


def _place(source: Path, target: Path) -> None:
    """Copy *source* to *target* atomically."""
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(source, temporary)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)


def card(trained: Trained, recipe: Recipe, description: Description) -> str:
    """Return the model card, in Markdown; it names no place on this machine and no date."""
    config = ", ".join(f"{name} {value}" for name, value in asdict(recipe.config).items())
    name = NAMES.get(recipe.lang, recipe.lang)
    known = recipe.lang in NAMES
    student, *others = description.students
    inherited = "".join(
        f"\n* **Also here**: `{one.file}`, for {', '.join(one.languages)}, from the teacher."
        for one in others
    )
    data = "\n".join(
        f"| {one.name} | {one.use} | {one.sentences:,} | `{one.sha256}` |" for one in recipe.data
    )
    figures = "\n".join(
        f"| {one.direction} | {trained.dev_counts[_other(one.direction, recipe.lang)]:,} "
        f"| {one.accuracy} |"
        for one in trained.figures
    )
    course = "\n".join(
        f"| {one.step:,} | {one.loss:.3f} | {one.accuracy:.3f} | {one.cosine:.3f} |"
        for one in trained.evaluations
    )
    early = " (training stopped early)" if trained.stopped == "patience" else ""
    say_it = "" if known else (
        f"\n* **Say the language**: texts in {recipe.lang} are not identified by themselves; "
        f"say `--from {recipe.lang}` to a search."
    )  # fmt: skip
    return f"""\
# A student of {name} for searchkbd

Reads {name} (`{recipe.lang}`) into the vectors of its teacher, so that its sentences can be
compared with those of the teacher's languages. Use it with `--encoder DIR`, in a build and after.

* **Reads**: {', '.join(student.languages)}; every other language is read by the teacher.{say_it}
* **Teacher**: {recipe.teacher} (`{recipe.teacher_fingerprint}`).
* **File**: `{student.file}`, {student.bytes:,} bytes, {trained.features:,} features,
  SHA-256 `{student.sha256}`.{inherited}
* **How it was made**: `{recipe.command}`, {trained.texts:,} texts (with those joined from
  several) out of {recipe.pairs:,} pairs; the best of {trained.evaluations[-1].step:,} steps is
  step {trained.best.step:,}{early}.
* **Settings**: {config}.
* **Licence**: that of the data below has to be kept; the weights are made of it.

## Data

| file | for | sentences | SHA-256 |
|---|---|---|---|
{data}

## Figures

Accuracy@1 / accuracy@10 of finding the translation among the development pairs, none of whose
texts was trained on, by the file as it is. The best step was chosen by them, so they flatter.

| direction | pairs | @1 / @10 |
|---|---|---|
{figures}

## Course

| step | loss | dev accuracy@1 | dev cosine |
|---|---|---|---|
{course}
"""


def _other(direction: str, lang: str) -> str:
    first, second = direction.split("→")
    return second if first == lang else first
