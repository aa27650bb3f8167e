"""What the pages that ask the index have in common: languages to choose, answers, problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from markupsafe import Markup

from searchkbd.api import MAX_QUERY_CHARS, Index, has_words
from searchkbd.corpus.machine import is_machine
from searchkbd.search.hit import Translation
from searchkbd.server.pages.marking import highlighted
from searchkbd.service.deadline import TooSlowError
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import LANGUAGES, UnknownLanguageError, normalize_language

_Value = TypeVar("_Value")

_CHIPS = 8  # languages offered at once; others unfold
_TRANSLATIONS = 12  # shown with a sentence; its own page has all


class ProblemError(ValueError):
    """A question that cannot be answered as it is; *key* is the label that says so.

    *detail* is what else is known, in English.
    """

    def __init__(self, key: str, detail: str = "", **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail
        self.values = values


@dataclass(frozen=True, slots=True)
class Answer(Generic[_Value]):
    """What an index said: its languages, and a value, or the problem there was."""

    languages: Mapping[str, int]
    value: _Value | None = None
    problem: ProblemError | None = None

    @property
    def status(self) -> int:
        return 422 if self.problem else 200


@dataclass(frozen=True, slots=True)
class Choice:
    """A language in a form; an empty code is any language."""

    code: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """The languages of a form: those shown, and ``more`` that unfold."""

    shown: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()

    @property
    def unfolded(self) -> bool:
        return any(choice.chosen for choice in self.more)


@dataclass(frozen=True, slots=True)
class ShownText:
    """A sentence as it is shown; ``html`` is its text with what matched marked."""

    id: str
    lang: str
    text: str
    html: Markup
    machine: bool


async def asked(
    run: Callable[[Callable[[Index], Answer[_Value]]], Awaitable[Answer[_Value]]],
    ask: Callable[[Index], _Value | None],
) -> Answer[_Value]:
    """Return what *ask* says of the index that *run* (``Service.quick``, ``slow``) lends it.

    What the index says against the question is a problem to show, not an error.
    """

    def answer(index: Index) -> Answer[_Value]:
        languages = index.languages
        try:
            return Answer(languages, ask(index))
        except ProblemError as problem:
            return Answer(languages, problem=problem)
        except TooSlowError as error:
            return Answer(languages, problem=ProblemError("errors.slow", str(error)))
        except ValueError as error:
            return Answer(languages, problem=ProblemError("errors.query", str(error)))

    return await run(answer)


def checked(text: str) -> str:
    """Return the query *text* as it is looked for. Raises ProblemError when it cannot be."""
    text = stored_form(text)
    if len(text) > MAX_QUERY_CHARS:
        raise ProblemError("errors.long", count=len(text), most=MAX_QUERY_CHARS)
    if not has_words(text):
        raise ProblemError("errors.no_words")
    return text


def bounded(text: str, usual: int, most: int) -> int:
    """Return the number from 1 to *most* in an address: what is none, or out of bounds, is not
    worth an error."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual
    return max(1, min(number, most))


def known_language(code: str) -> str:
    """Return the code of a language. Raises ProblemError where it is none."""
    try:
        return normalize_language(code)
    except UnknownLanguageError as error:
        raise ProblemError("errors.language", str(error)) from None


def choices(
    chosen: Collection[str],
    present: Iterable[str],
    *,
    always: Sequence[str] = (),
    any_language: bool = True,
) -> Choices:
    """Return the languages to choose among: the five first, then others as *present* has them.

    *always* are offered whether or not the index has them, as is what is *chosen*.
    """
    offered = dict.fromkeys([*always, *present, *chosen])
    offered.pop("", None)
    ours = [code for code in LANGUAGES if code in offered]
    ordered = ours + [code for code in offered if code not in LANGUAGES]
    shown = [Choice(code, code in chosen) for code in ordered]
    first = max(len(ours), min(len(ordered), _CHIPS))
    front = (Choice("", not any(chosen)),) if any_language else ()
    return Choices((*front, *shown[:first]), tuple(shown[first:]))


def shown_translations(
    query: str, translations: Sequence[Translation]
) -> tuple[ShownText, ...]:
    """Return *translations*, the first of many, as they are shown."""
    return tuple(
        ShownText(
            each.id, each.lang, each.text, highlighted(query, each.text), is_machine(each.origin)
        )
        for each in translations[:_TRANSLATIONS]
    )
