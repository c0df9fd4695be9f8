"""Output of the command line: data to stdout, messages to stderr, and questions on a terminal.

Data is one JSON object per line in ASCII, or tables and lines of plain text. The answer of every verb that
opens the store includes the condition of the practice: a sentence on stderr, JSON fields, and exit code 8 if
it is damaged. ``tests/cli/test_condition.py`` runs all of them on damaged stores.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from msgspec.structs import replace

from xpm_tui.cli import json_answers
from xpm_tui.commands.command import AccountContext, Command, Result
from xpm_tui.commands.effects import READING_CALL, AdmittedCall
from xpm_tui.commands.tables import render, render_rows
from xpm_tui.domain.errors import AppError, StoreUnreadable
from xpm_tui.domain.safe_text import visible, visible_lines
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import asyncio
    import shutil

    from xpm_tui.application import condition
    from xpm_tui.application import practice as application_practice
    from xpm_tui.diagnostics import error_presenter
    from xpm_tui.domain import formatting
    from xpm_tui.store import manifest

if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition


MAY_SUCCEED = ("data.check", "data.repair", "data.restore", "doctor")
"""Commands that may succeed on a damaged store: they look for the damage, or repair it."""

ON_HOME = ("data.check", "data.repair", "data.compact", "data.backup", "data.restore", "doctor", "cases.seen",
           "status")  # fmt: skip
"""Commands that open no practice but read its store."""

_DAMAGED = StoreUnreadable.exit_code


@contextmanager
def condition_on_error(find: Callable[[], tuple[Condition, ...]]) -> Iterator[None]:
    """Attach the condition of the practice to an error that ends the verb."""
    try:
        yield
    except Exception as error:
        _attach(error, find())
        raise


def with_condition(command: Command[Any], result: Result, found: tuple[Condition, ...]) -> Result:
    """Return the result of a verb with the condition of its practice.

    With a damaged store only commands that deal with the damage can succeed.
    """
    if not _is_damaged(found) or (command.name in MAY_SUCCEED and result.error is None):
        return replace(result, conditions=found)
    error = result.error or _damage_error(found)
    error.exit_code = _DAMAGED
    return replace(result, conditions=found, error=error)


def account_condition(command: Command[Any], place: AccountContext) -> tuple[Condition, ...]:
    """Return the condition of a store that was read by a command without an open practice."""
    if command.name not in ON_HOME:
        return ()
    try:
        with application_practice.open_practice(
            place.home, place.practice or None, person=place.person, read_only=True, lenient=True
        ) as practice:
            return condition.conditions(practice)
    except AppError as error:
        return error_condition(error)


def error_condition(error: BaseException) -> tuple[Condition, ...]:
    """Return the condition of a store that could not be opened."""
    if not isinstance(error, StoreUnreadable):
        return ()
    return (condition.damaged(error),) if isinstance(error, manifest.StoreDamaged) else ()


def attached_conditions(error: BaseException) -> tuple[Condition, ...]:
    """Return the condition attached to an error: that of its practice, or of a store too damaged to open."""
    found: tuple[Condition, ...] = getattr(error, "conditions", ())
    if not found and isinstance(error, Exception):
        found = error_condition(error)
        _attach(error, found)
    return found


def condition_data(found: Sequence[Condition]) -> dict[str, Any]:
    """Return ``condition`` (the worst) and ``conditions`` (all, the worst first) for JSON."""
    if not found:
        return {}
    listed = [{"state": each.state, "message": each.message} for each in found]
    return {"condition": listed[0], "conditions": listed}


def condition_sentences(
    found: Sequence[Condition], error: AppError | None
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the conditions for stderr as sentences, except *sound*: those before the error, and after it.

    A condition that begins with the message of ``error`` is left out: the error's own hint says what to do.
    The worst condition comes first on stderr, so where the error is about it, the others follow the error.
    """
    message = error.message if error is not None else ""
    shown = [each.message for each in found if each.message]
    others = [each for each in shown if not (message and each.startswith(message))]
    return ((), others) if shown[:1] != others[:1] else (others, ())


def _attach(error: Exception, found: tuple[Condition, ...]) -> None:
    error.conditions = found  # type: ignore[attr-defined]
    if isinstance(error, AppError) and _is_damaged(found):
        error.exit_code = _DAMAGED
        if error.message in found[0].message:
            error.message = found[0].message


def _is_damaged(found: Sequence[Condition]) -> bool:
    return any(each.state == "damaged" for each in found)


def _damage_error(found: Sequence[Condition]) -> AppError:
    worst = next(each for each in found if each.state == "damaged")
    return StoreUnreadable(worst.message, hint=manifest.REPAIR_HINT)


def outcome_pieces(result: Result, fields: Sequence[str] = ()) -> Iterator[str]:
    """Yield the JSON of :func:`outcome` in pieces, so that a long list is never one text.

    ``fields`` are those to write, besides those that every answer has; all if it is empty.
    """
    rows = result.items if isinstance(result.items, json_answers.JsonRows) else None
    with nullcontext() if rows is None else closing(rows):
        yield from _outcome_pieces(result, rows, fields)


def _outcome_pieces(
    result: Result, rows: json_answers.JsonRows | None, fields: Sequence[str]
) -> Iterator[str]:
    document = outcome(result if rows is None else replace(result, items=()))
    if fields:
        document = json_answers.choose_answer_fields(document, fields)
        if rows and all(row == "{}" for row in rows):  # no field of an item was chosen
            del document["items"]
    if rows is not None and "count" not in result.data:
        document["count"] = len(rows)
    start = "{"
    for key, value in document.items():
        yield f"{start}{json_answers.dumps(key)}: "
        start = ", "
        if key != "items" or rows is None:
            yield json_answers.dumps(value)
            continue
        yield "["
        yield from (row if not at else f", {row}" for at, row in enumerate(rows))
        yield "]"
    yield "}"


def outcome(result: Result) -> dict[str, Any]:
    """Return the JSON object of a result, or the last one of a stream: ``ok``, then data or ``error``."""
    answer: dict[str, Any] = {"ok": result.error is None, **_without_ok(result.data)}
    if result.items is not None:
        answer["items"] = list(result.items)
        answer.setdefault("count", len(answer["items"]))
    answer |= condition_data(result.conditions)
    if result.error is not None:
        answer["error"] = error_presenter.present(result.error).data()
    return answer


def lines(result: Result, *, linear: bool = False) -> Iterator[str]:
    """Yield the lines of a result for users, safe to show."""
    if result.table is not None and linear:
        yield from render_rows(result.table)
    elif result.table is not None:
        width = shutil.get_terminal_size((80, 24)).columns if _terminal(sys.stdout) else None
        yield from render(result.table, width)
    for line in result.text_lines():
        yield visible(line, _LONGEST_LINE)


def _without_ok(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data, with its lazy lists evaluated."""
    return {
        key: list(value) if isinstance(value, Iterator) else value
        for key, value in data.items()
        if key not in ("ok", "error")
    }


_LONGEST_LINE = 100_000
"""The most characters of a line that are read or shown; an OAuth redirect address is far shorter."""

_PROGRESS_SECONDS = 0.2
"""Seconds between two lines of progress."""

_SILENT_SECONDS = 2.0
"""Seconds without a line after which a terminal shows that the command is still working."""


class OutputClosed(Exception):
    """The reader of our output has closed it."""


class TerminalDialogue:
    """A command's dialogue over the standard streams; a call that outlives its terminal continues without.

    With ``linear``, for screen readers, lines on a terminal end between words, and nothing is drawn again.
    """

    def __init__(
        self,
        *,
        json: bool,
        quiet: bool = False,
        call: AdmittedCall = READING_CALL,
        fields: Sequence[str] = (),
        linear: bool = False,
    ) -> None:
        self.call = call
        self.linear = linear
        self.task: asyncio.Task[Any] | None = None
        self._fields = fields
        self._json = json
        self._quiet = quiet
        self._typed = b""
        self._lock = threading.Lock()
        self._reading = False
        self._waiter: tuple[asyncio.AbstractEventLoop, Callable[[bytes | None], None]] | None = None
        self._question: str | None = None
        """The question that waits for its answer, on the line of the cursor."""
        self._writing = threading.RLock()
        self._shown = 0
        self._shown_at = 0.0
        self._written_at = 0.0

    @property
    def interactive(self) -> bool:
        """Whether a question can be seen and answered."""
        return not self._json and all(_terminal(s) for s in (sys.stdin, sys.stdout, sys.stderr))

    def say(self, sentence: str) -> None:
        """Write a line to stderr. A question that waits for its answer is asked again below it."""
        question = (self._question or "") if _terminal(sys.stderr) else ""
        self._prompt("\n" if question else "")
        self._lines(sys.stderr, visible_lines(sentence))
        self._prompt(question)

    def _lines(self, stream: TextIO, *text: str) -> None:
        """Write a text that is safe to show; in linear mode, its lines end between words."""
        if not (self.linear and _terminal(stream)):
            return self._write(stream, *text)
        for line in "".join(text).split("\n"):
            # What has no blanks is an address, which must be copied as a whole.
            width = shutil.get_terminal_size().columns - 1 if " " in line.strip() else 2 * len(line) + 1
            for start, end in formatting.rows(line, width):
                self._write(stream, line[start:end].strip() if start else line[:end])

    @property
    def _shows_progress(self) -> bool:
        return not self._json and not self._quiet and not self.linear and _terminal(sys.stderr)

    def progress(self, sentence: str) -> None:
        """Write a line to stderr that the next one replaces; only on a terminal, at a readable rate."""
        now = time.monotonic()
        if not self._shows_progress or now - self._shown_at < _PROGRESS_SECONDS:
            return
        text = visible(sentence, shutil.get_terminal_size((80, 24)).columns - 1)
        with self._writing:
            hidden = " " * max(0, self._shown - len(text))
            self._shown, self._shown_at = 0, now
            self._write(sys.stderr, f"\r{text}{hidden}", end="")
            self._shown = len(text)

    @contextmanager
    def elapsed(self, title: str) -> Iterator[None]:
        """Show how long a command has been working if it has been silent for a while or is being stopped.

        A thread does it, because the work may keep the event loop busy.
        """
        if not self._shows_progress:
            yield
            return
        began, ended = time.monotonic(), threading.Event()

        def show() -> None:
            while not ended.wait(_PROGRESS_SECONDS):
                now, written = time.monotonic(), self._written_at
                stops = self.task is not None and self.task.cancelling() > 0
                if stops or (self._question is None and now - max(began, written) >= _SILENT_SECONDS):
                    self.progress(f"{'Stopping' if stops else title}: {now - began:.0f} s ...")
                    self._written_at = written

        thread = threading.Thread(target=show, name="elapsed", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._write(sys.stderr, end="")

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Write an item of a stream to stdout: as JSON, or ``line``, which may be empty for no output."""
        if self._json:
            chosen = json_answers.choose_fields(item, self._fields)
            if chosen:
                self._write(sys.stdout, json_answers.dumps(chosen))
        elif line:
            self._lines(sys.stdout, visible(line, _LONGEST_LINE))

    def data(self, *text: str) -> None:
        """Write a line of the outcome, which is already safe to show, to stdout; it may come in pieces."""
        self._lines(sys.stdout, *text)

    def file(self, text: str) -> None:
        """Write the text of a file to stdout: unchanged, or on a terminal with control characters visible."""
        if _terminal(sys.stdout):
            rows = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
            text = "".join(visible(row, _LONGEST_LINE) + "\n" for row in rows)
        self._write(sys.stdout, text, end="")

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask yes or no on the terminal; return None without one, ``default`` for an empty line."""
        if not self.interactive:
            return None
        while True:
            typed = await self._ask(f"{question} [{'Y/n' if default else 'y/N'}] ")
            if typed is None:
                return None
            answer = typed.strip().casefold()
            if not answer:
                return default
            if answer in ("y", "yes"):
                return True
            if answer in ("n", "no"):
                return False
            self.say("Please answer y or n.")

    async def line(self, prompt: str) -> str | None:
        """Return a line from stdin without its end; None at the end of the input."""
        return await self._ask(prompt if prompt.endswith((" ", "\n")) or not prompt else prompt + " ")

    async def _ask(self, question: str) -> str | None:
        """Show a question and read a line. If none is typed, the next message starts on a line of its own."""
        self._prompt(question)
        self._question, line = question, None
        try:
            line = await self._read()
        finally:
            self._question = None
            if line is None and question:
                self._prompt("\n")
        return line

    def _prompt(self, text: str) -> None:
        if not self._json and text:
            self._write(sys.stderr, visible_lines(text), end="")

    def _write(self, stream: TextIO | None, *text: str, end: str = "\n") -> None:
        if stream is None:
            return
        try:
            with self._writing:
                self._written_at = time.monotonic()
                if self._shown:
                    shown, self._shown = self._shown, 0
                    self._write(sys.stderr, "\r" + " " * shown + "\r", end="")
                stream.writelines((*text, end))
                stream.flush()
        except (OSError, ValueError) as error:
            redirect_to_null(stream)
            if stream is sys.stdout and not self.call.effect.outlives:
                raise OutputClosed from error

    async def _read(self) -> str | None:
        """Read raw bytes in a daemon thread, because an unanswered read must not delay the exit.

        There is one thread at a time: the read of a cancelled question is used by the next one.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | None] = loop.create_future()

        def set_answer(found: bytes | None) -> None:
            if not answer.done():
                answer.set_result(found)

        def read() -> None:
            found = self._next_line()
            with self._lock:
                self._reading = False
                waiter = self._waiter
            # The loop is closed if the wait was cancelled meanwhile.
            if waiter is not None and not waiter[0].is_closed():
                waiter[0].call_soon_threadsafe(waiter[1], found)

        with self._lock:
            self._waiter = (loop, set_answer)
            begin, self._reading = not self._reading, True
        if begin:
            threading.Thread(target=read, name="stdin", daemon=True).start()
        found = await answer
        return None if found is None else found.decode("utf-8", "replace").rstrip("\r\n")

    def _next_line(self) -> bytes | None:
        while b"\n" not in self._typed and len(self._typed) < _LONGEST_LINE:
            try:
                more = os.read(0, 65_536)
            except OSError:
                more = b""
            if not more:
                break
            self._typed += more
        head, found, rest = self._typed.partition(b"\n")
        self._typed = rest
        return head if head or found else None


def redirect_to_null(stream: TextIO) -> None:
    """Redirect a broken stream to the null device, so that nothing fails again on exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass


def _terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
