"""An encoder in a directory: students trained by the user over another encoder, the base.

``encoder.json`` names the base, which is the embedded encoder or a model of sentence-transformers,
and the students, each with its languages. Over the embedded encoder a directory refers to nothing
outside itself, so it can be moved or copied as a whole; a model has to be where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from searchkbd.encoders.base import Encoder, EncoderError, Vectors, check_batch, settings_of
from searchkbd.encoders.embedded import EmbeddedEncoder, identified
from searchkbd.encoders.student import StudentEncoder
from searchkbd.encoders.tensors import write_atomically
from searchkbd.encoders.use import UniversalSentenceEncoder
from searchkbd.text.languages import UnknownLanguageError, normalize_language

DEFAULT = EmbeddedEncoder.name

FORMAT = 1
"""Raised when an older searchkbd could not read the directory any more."""

DESCRIPTION = "encoder.json"
STUDENT = "student.safetensors"
WORK = ".training"
"""Folder in which a training that is not finished keeps what it needs to go on."""

KABARDIAN = ("kbd", "ady")
"""What a Kabardian student reads; in the embedded encoder its own student does."""

# The sixteen languages of Yang et al. 2019 (Chinese twice), and those of the embedded student.
_EMBEDDED_LANGUAGES = frozenset(
    {*KABARDIAN, "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th",
     "tr", "zh"}
)  # fmt: skip

_VERSION = "searchkbd-directory-1"
_MAX_DESCRIPTION = 1 << 16  # bytes
_MAX_STUDENTS = 32
_AGAIN = "train it again: searchkbd train student, or copy it again from where it came from"


@dataclass(frozen=True)
class StudentFile:
    """A student in the directory: its file, that file's size and SHA-256, what it reads."""

    file: str
    languages: tuple[str, ...]
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, languages: Sequence[str]) -> StudentFile:
        """Describe the file at *path*."""
        return cls(path.name, tuple(languages), path.stat().st_size, file_digest(path))


@dataclass(frozen=True)
class Base:
    """An encoder under students: its name, the identity (hex) of its vector space, and how it is
    given the palochka, if that is said."""

    name: str
    space: str
    palochka: str | None = None

    @classmethod
    def of(cls, encoder: Encoder) -> Base:
        """Return *encoder* as a base, or the base of an encoder in a directory."""
        if isinstance(encoder, DirectoryEncoder):
            return encoder.description.base
        if encoder.name == DEFAULT:
            return cls(DEFAULT, UniversalSentenceEncoder().fingerprint)
        return cls(encoder.name, encoder.fingerprint, settings_of(encoder).get("palochka"))


@dataclass(frozen=True)
class Description:
    """What ``encoder.json`` says of the base and the students, whose vectors are in its space."""

    base: Base
    students: tuple[StudentFile, ...]


def languages_of(encoder: Encoder) -> frozenset[str]:
    """Return the languages that an encoder was made for, as far as is known."""
    if isinstance(encoder, DirectoryEncoder):
        return languages_of(encoder.base) | frozenset(encoder.languages)
    if encoder.name == DEFAULT:
        return _EMBEDDED_LANGUAGES
    # A model of many languages, all of these among them; what else it was trained on, it may tell.
    return (_EMBEDDED_LANGUAGES - set(KABARDIAN)) | frozenset(encoder.files.languages)


class DirectoryEncoder:
    """Texts in the languages of a student go to that student, all others to the base.

    Raises EncoderError, naming the file and what to do, when *directory* holds no encoder, or one
    that is damaged, of another format, or of students of another teacher.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.description = read_description(self.directory)
        self._check_space()
        self._students: dict[str, StudentEncoder] = {}
        for entry in self.description.students:
            student = self._open(entry)
            self._students.update(dict.fromkeys(entry.languages, student))

    @property
    def name(self) -> str:
        """The absolute path: what ``load_encoder`` finds it by."""
        return os.path.abspath(self.directory)

    @property
    def dim(self) -> int:
        """See ``Encoder.dim``."""
        return self.base.dim

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that students read, in the order of ``encoder.json``."""
        return tuple(self._students)

    @cached_property
    def fingerprint(self) -> str:
        """Identity (16 hex digits) of all weights; where the directory is does not count."""
        parts = [_VERSION, self.base.fingerprint]
        parts += sorted(f"{lang} {s.fingerprint}" for lang, s in self._others.items())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``.

        A language that the identifier does not know has to be said: its student reads only texts
        whose language is given.
        """
        batch, codes = check_batch(texts, langs)
        known = identified(batch, codes)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        readers: dict[int, tuple[Encoder, list[int]]] = {}
        for row, lang in enumerate(known):
            reader = self._others.get(lang, self.base)
            readers.setdefault(id(reader), (reader, []))[1].append(row)
        for reader, rows in readers.values():
            out[rows] = reader.encode([batch[row] for row in rows], [known[row] for row in rows])
        return out

    def check(self) -> list[str]:
        """Read the students' files and return what is wrong with them, nothing if all is well."""
        problems = []
        for entry in self.description.students:
            path = self.directory / entry.file
            if file_digest(path) != entry.sha256:
                problems.append(f"{path}: its content is not what was written (checksum); {_AGAIN}")
        return problems

    @cached_property
    def base(self) -> Encoder:
        """What reads the languages of no student."""
        name = self.description.base.name
        if name == DEFAULT:
            # A Kabardian student takes the place of the one that ships, which is then never read.
            return EmbeddedEncoder(self._kabardian)
        from searchkbd.encoders import load_encoder

        try:
            return load_encoder(name, palochka=self.description.base.palochka)
        except EncoderError as error:
            raise EncoderError(f"{self.directory}: its base cannot be used: {error}") from error

    @property
    def _kabardian(self) -> StudentEncoder | None:
        first, *rest = (self._students.get(lang) for lang in KABARDIAN)
        return first if first is not None and all(one is first for one in rest) else None

    @cached_property
    def _others(self) -> dict[str, StudentEncoder]:
        """The students that the base knows nothing of, by language."""
        embedded = self.description.base.name == DEFAULT
        replaced = KABARDIAN if embedded and self._kabardian is not None else ()
        return {lang: one for lang, one in self._students.items() if lang not in replaced}

    def _check_space(self) -> None:
        base = self.description.base
        if Base.of(EmbeddedEncoder() if base.name == DEFAULT else self.base).space != base.space:
            raise EncoderError(
                f"{self.directory / DESCRIPTION}: its students follow another version of the "
                f"encoder {base.name!r}; {_AGAIN}"
            )

    def _open(self, entry: StudentFile) -> StudentEncoder:
        path = self.directory / entry.file
        try:
            size = path.stat().st_size
        except OSError as error:
            raise EncoderError(f"{path}: {error.strerror}; {_AGAIN}") from error
        if size != entry.bytes:
            raise EncoderError(f"{path}: {size} bytes instead of {entry.bytes}; {_AGAIN}")
        student = StudentEncoder(path)
        try:
            _ = student.fingerprint  # opens the file and reads its header
            dim = student.dim
        except EncoderError as error:
            raise EncoderError(f"{path}: damaged ({error}); {_AGAIN}") from error
        embedded = self.description.base.name == DEFAULT
        expected = EmbeddedEncoder.dim if embedded else self.base.dim
        if dim != expected:
            raise EncoderError(f"{path}: {dim} dimensions instead of {expected}")
        return student


def read_description(directory: Path) -> Description:
    """Return what ``encoder.json`` in *directory* says, checked; raises EncoderError."""
    path = directory / DESCRIPTION
    if not directory.is_dir():
        what = "a file, not the directory of an encoder" if directory.exists() else "not there"
        raise EncoderError(f"{directory}: {what}")
    if not path.exists():
        if (directory / WORK).is_dir():
            raise EncoderError(
                f"{directory}: its training is not finished; run the same searchkbd train command "
                "again to go on with it"
            )
        raise EncoderError(
            f"{directory}: no encoder (it has no {DESCRIPTION}); "
            f"make one with: searchkbd train student --pairs FILE --out {directory}"
        )
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_DESCRIPTION + 1)
        if len(raw) > _MAX_DESCRIPTION:
            raise ValueError(f"more than {_MAX_DESCRIPTION} bytes")
        return _description(json.loads(raw))
    except OSError as error:
        raise EncoderError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: damaged ({error}); {_AGAIN}") from error


def write_description(directory: Path, description: Description) -> None:
    """Write ``encoder.json`` atomically."""
    shape = {
        "format": FORMAT,
        "base": {name: value for name, value in asdict(description.base).items() if value},
        "students": [asdict(student) for student in description.students],
    }
    text = json.dumps(shape, ensure_ascii=False, indent=2) + "\n"
    write_atomically(directory / DESCRIPTION, text.encode())


def file_digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _description(shape: object) -> Description:
    """Return *shape*, parsed JSON, as a description; raises ValueError for anything else."""
    if not isinstance(shape, dict):
        raise ValueError("not a JSON object")
    if shape.get("format") != FORMAT:
        raise ValueError(f"format {shape.get('format')!r}, this searchkbd reads {FORMAT}")
    base = _field(shape, "base", dict)
    students = tuple(map(_student, _field(shape, "students", list)))
    if not 1 <= len(students) <= _MAX_STUDENTS:
        raise ValueError(f"{len(students)} students")
    langs = [lang for student in students for lang in student.languages]
    if len(set(langs)) < len(langs):
        raise ValueError("two students for one language")
    palochka = base.get("palochka")
    if palochka is not None and not isinstance(palochka, str):
        raise ValueError("'palochka' is no str")
    name, space = _field(base, "name", str), _field(base, "space", str)
    return Description(Base(name, space, palochka), students)


def _student(shape: object) -> StudentFile:
    if not isinstance(shape, dict):
        raise ValueError("a student is not a JSON object")
    file, langs = _field(shape, "file", str), _field(shape, "languages", list)
    # A name, not a path: the directory must not lead to a file elsewhere.
    if not file or file.startswith(".") or {"/", "\\", "\0"} & set(file):
        raise ValueError(f"{file!r} is not the name of a student's file")
    if not langs or not all(isinstance(lang, str) and _is_code(lang) for lang in langs):
        raise ValueError(f"the languages of {file} are not language codes")
    return StudentFile(
        file, tuple(langs), _field(shape, "bytes", int), _field(shape, "sha256", str)
    )


def _is_code(lang: str) -> bool:
    try:
        return normalize_language(lang) == lang
    except UnknownLanguageError:
        return False


def _field(shape: dict, name: str, kind: type):
    value = shape.get(name)
    if not isinstance(value, kind):
        raise ValueError(f"{name!r} is missing or no {kind.__name__}")
    return value
