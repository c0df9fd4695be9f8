"""What each letter means, wherever it is obeyed: one sense, in every area and on every screen.

A key of an act or a screen is one of the deeds of its letter. Whoever binds a letter to another deed chooses
another letter, or finds that the deed is of this sense and adds it here.
"""

from __future__ import annotations

from typing import NamedTuple


class Sense(NamedTuple):
    """What a letter says to a person, and the deeds it stands for: names of acts, and actions of screens."""

    means: str
    deeds: frozenset[str]


def _sense(means: str, deeds: str) -> Sense:
    return Sense(means, frozenset(deeds.split()))


SENSES: dict[str, Sense] = {
    "a": _sense(
        "accept, apply, import or release what is shown, resume",
        "team.accept templates.accept proposals.accept apply release resume run runs.release",
    ),
    "A": _sense("all of it again", "all"),
    "b": _sense("bundle for support", "bundle"),
    "c": _sense("connect", "connect"),
    "C": _sense("create in XPM", "team.create"),
    "d": _sense("deploy", "jobs.deploy"),
    "D": _sense("create a job again that XPM no longer has", "jobs.redeploy"),
    "e": _sense("edit", "clients.edit team.edit services.edit jobs.edit folder"),
    "E": _sense("edit the rules of a service", "templates.rules"),
    "f": _sense("freeze", "clients.freeze freeze"),
    "F": _sense("the form of a file: encoding, spreadsheet, names", "encoding flavour names"),
    "g": _sense("go to an area", "go"),
    "G": _sense("go to the last line", "last tail"),
    "h": _sense("what you see happen", "seen"),
    "i": _sense("ignore or skip it", "clients.ignore jobs.skip ignore"),
    "I": _sense("import a file, or see what came in", "import.clients import.proposals take inbox.list"),
    "j": _sense("down", "move scroll"),
    "k": _sense("up", "move scroll"),
    "l": _sense("least level of the log", "level pane"),
    "m": _sense("link it: choose its XPM record", "clients.link team.link templates.link map"),
    "M": _sense("months: the jobs to come", "jobs.forecast"),
    "n": _sense("new", "clients.new team.new services.new proposals.new plan new"),
    "N": _sense("next term", "proposals.rollover"),
    "o": _sense("show the address in XPM", "clients.address jobs.address"),
    "p": _sense("bring in from XPM", "clients.pick team.pick"),
    "P": _sense("the rules that are followed", "policy templates.defaults"),
    "r": _sense("review who or what needs attention", "clients.review jobs.audit people"),
    "R": _sense("delete what was created by mistake", "clients.delete team.delete services.delete"),
    "s": _sense("sync", "sync clients.sync"),
    "S": _sense("all sure ones", "sure"),
    "t": _sense("try again", "jobs.retry retry again"),
    "T": _sense("take over from Ignition", "proposals.take"),
    "u": _sense("undo", "undo clients.undo team.undo templates.undo"),
    "v": _sense(
        "view details, or another view",
        "proposals.list plan scope turn leave review way_out values",
    ),
    "w": _sense("write a file", "write export apply"),
    "W": _sense("differences and conflicts", "conflicts differences proposals.changes"),
    "x": _sense("stop", "runs.stop stop"),
    "X": _sense("export for Ignition", "export.clients"),
    "y": _sense("copy", "clients.copy team.copy templates.copy jobs.copy copy"),
    "0": _sense("no job", "templates.no_job"),
    **{str(digit): _sense(f"filter {digit} of a list", "filter") for digit in range(1, 10)},
    "f2": _sense("one up, or one back", "up_folder step"),
    "f3": _sense("one on", "step"),
    "f4": _sense("clear the text", "clear"),
    "f5": _sense("all that are clear", "all"),
    "f6": _sense("no job", "no_job"),
    "f8": _sense("save the screen for support", "save_screen"),
    "f9": _sense("the practices", "practices.list"),
    "f10": _sense("confirm or save", "submit save"),
}

SETTLED: dict[tuple[str, str], str] = {
    ("n", "step"): "in the bulk review: the next client",
    ("p", "step"): "in the bulk review: back to the one before",
    ("y", "answer"): "in a question: yes",
    ("n", "answer"): "in a question: no",
    ("n", "leave"): "in a question: no",
}
"""The deeds that the review and every question settle for their letters, against the sense of these."""
