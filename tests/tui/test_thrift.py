"""Fewer bytes, the same picture: a terminal shows the same for the thrifty text as for the plain one."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from xpm_tui.tui.thrift import thrifty

STYLES = [
    Style.parse(text)
    for text in (
        "", "bold", "bold red", "#8b95a1 on #15181c", "#d6dbe1 on #15181c", "underline", "reverse #39414b",
        "bold underline #d6dbe1 on #31465c", "default on default", "dim", "bright_red on blue", "on #15181c",
    )
]  # fmt: skip
PIECES = st.lists(
    st.tuples(st.sampled_from(["a", "bc ", "   ", "株", "\x1b[3;4H", "\r\n"]), st.sampled_from(STYLES)),
    max_size=30,
)


def written(pieces: list[tuple[str, Style]], colours: ColorSystem) -> str:
    """What Rich sends for the pieces; cursor moves go out bare, as Textual does it."""
    return "".join(
        text if text.strip(" ")[:1] in ("\x1b", "\r") else style.render(text, color_system=colours)
        for text, style in pieces
    )


def seen(data: str) -> tuple[list[tuple[str, str]], str]:
    """Every letter and move with the look it is shown in, and the look that is left at the end."""
    shown, look = [], dict.fromkeys(("ink", "paper"), "") | {"extras": ""}
    for codes, text in re.findall(r"\x1b\[([0-9;]*)m|(\x1b\[[0-9;]*H|[^\x1b])", data):
        if text:
            drawn = dict(look)
            if text == " " and not look["extras"]:
                drawn["ink"] = ""
            shown.append((text, "" if text[0] in "\x1b\r\n" else str(drawn)))
            continue
        parts = (codes or "0").split(";")
        while parts:
            part = parts.pop(0)
            if part == "0":
                look = {"ink": "", "paper": "", "extras": ""}
            elif part in ("38", "48"):
                kind = parts.pop(0)
                colour = ";".join([kind, *(parts.pop(0) for _ in range(1 if kind == "5" else 3))])
                look["ink" if part == "38" else "paper"] = colour
            elif part in ("39", "49"):
                look["ink" if part == "39" else "paper"] = ""
            elif len(part) > 1:
                look["ink" if part[-2] in "39" else "paper"] = part
            else:
                look["extras"] = "".join(sorted({*look["extras"], part}))
    return shown, str(look)


@given(PIECES, st.sampled_from([ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR]))
def test_the_picture_is_the_same(pieces: list[tuple[str, Style]], colours: ColorSystem) -> None:
    data = written(pieces, colours)
    assert seen(thrifty(data)) == seen(data)


@given(PIECES)
@example([("a", Style.parse("#8b95a1 on #15181c")), ("   ", Style())])
def test_it_is_never_longer(pieces: list[tuple[str, Style]]) -> None:
    data = written(pieces, ColorSystem.EIGHT_BIT)
    assert len(thrifty(data)) <= len(data)


def test_links_and_modes_pass_through() -> None:
    link = Style(link="https://example.com", color="red")
    data = link.render("a", color_system=ColorSystem.EIGHT_BIT) + "b"
    assert "\x1b]8;" in thrifty(data)
    assert "https://example.com" in thrifty(data)
    modes = "\x1b[?1049h\x1b[?25l\x1b[?2026$p\x1b]52;c;YQ==\a"
    assert thrifty(modes) == modes
