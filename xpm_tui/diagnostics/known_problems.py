"""All known problems, by id and by search, and the symptoms that only users can see.

The problems of the login are in :mod:`~xpm_tui.diagnostics.login_problems`; those of this machine, of
Xero's replies and of records are here. Users choose symptoms from a list: an error page of Xero never
redirects, and a wrong list looks correct.
"""

from __future__ import annotations

import msgspec

from xpm_tui.diagnostics import login_problems
from xpm_tui.domain.errors import XERO_SUPPORT, CaseId, KnownProblem, NotFound
from xpm_tui.domain.safe_text import visible

ENVIRONMENT_PROBLEMS = (
    KnownProblem(
        id=CaseId.STORE,
        title="The data cannot be read",
        sign="The data is damaged, or was changed by another program.",
        cause="A disk fault, or someone edited its files.",
        steps=(
            "Nothing was overwritten.",
            "See what is wrong: xpm-tui data check",
            "Then: xpm-tui data repair, or xpm-tui data restore FILE",
        ),
    ),
    KnownProblem(
        id=CaseId.LOCKED,
        title="Another process is using the practice",
        sign="The message says who is using it, on which machine, and since when.",
        cause="A run is in progress, perhaps a colleague's or last night's.",
        steps=("Watch it in the console, or with: xpm-tui log --follow", "Stop it with: xpm-tui runs stop"),
    ),
    KnownProblem(
        id=CaseId.DISK,
        title="The disk is full or refuses to write",
        sign="A write failed; no file was partly written.",
        cause="There is no space or no permission, or the disk has a fault.",
        steps=(
            "Free space in the folders that `xpm-tui locate` shows.",
            "Start again: the run continues where it stopped.",
        ),
    ),
    KnownProblem(
        id=CaseId.NO_LOCKS,
        title="The file system does not support locks",
        sign="The message names the folder and says that its file system does not support locks.",
        cause="The folder is on a network or FUSE file system, or in a sandbox, that refuses every lock.",
        steps=(
            "Nothing was changed: without locks, two processes could overwrite each other's work.",
            "Keep xpm-tui's files on a local disk: xpm-tui --home DIR, or set XPM_TUI_HOME.",
            "Or mount the file system with locks (NFS: without nolock; rclone and s3fs have none).",
        ),
    ),
    KnownProblem(
        id=CaseId.TERMINAL,
        title="This terminal cannot show the console",
        sign="The console does not start.",
        cause="Input or output is not a terminal, or TERM is dumb.",
        steps=("Over SSH, use ssh -t.", "Every action is also a command: xpm-tui --help"),
    ),
    KnownProblem(
        id=CaseId.KEYRING,
        title="The keyring does not answer",
        sign="The login could not be saved in the keyring.",
        cause="The keyring is locked or missing, or does not actually save anything.",
        steps=(
            "The login is saved in an encrypted file instead; nothing else changes.",
            "Unlock the keyring and connect again to use it.",
            "For a timer that runs while you are logged out, set XPM_TUI_KEY_FILE and connect again.",
        ),
    ),
    KnownProblem(
        id=CaseId.SETTINGS,
        title="A setting cannot be used",
        sign="The message names the setting, its value and where it is set.",
        cause="A typing error in settings.toml, in an environment variable or in an option.",
        steps=(
            "See every setting with its origin: xpm-tui settings list",
            "Set it again: xpm-tui settings set KEY VALUE, or remove it: xpm-tui settings unset KEY",
            "See where the files are: xpm-tui locate",
        ),
    ),
    KnownProblem(
        id=CaseId.SCHEDULE,
        title="The daily sync does not run",
        sign="Nothing has synced for days, or the doctor says that no timer is installed.",
        cause="It was never installed, it ended when you logged out, or nobody has used the tool for 24 "
        "hours.",
        steps=(
            "See whether it is installed: xpm-tui schedule show",
            "Install it; the login is then tried from the timer's own environment: xpm-tui schedule install",
            "Let it run while you are logged out: loginctl enable-linger",
            "Let it run even if nobody has used the tool: xpm-tui settings set schedule.require_sign_in no",
            "Where neither systemd nor cron can be used, as in a container, let another scheduler run the "
            "command that the doctor shows.",
        ),
    ),
)


WIRE_PROBLEMS = (
    KnownProblem(
        id=CaseId.NO_NETWORK,
        title="Xero cannot be reached",
        sign="There is no connection, or the name of Xero's server is not found.",
        cause="The network is down, a firewall blocks the connection, or the name service (DNS) does not "
        "answer.",
        steps=(
            "Check whether other web pages open on this machine.",
            "This machine must reach login.xero.com, identity.xero.com and api.xero.com on port 443.",
            "Try again: nothing was written, and a run continues where it stopped.",
        ),
    ),
    KnownProblem(
        id=CaseId.PROXY,
        title="A proxy is in the way",
        sign="A proxy refuses or cannot be reached, or HTTPS_PROXY or ALL_PROXY cannot be used.",
        cause="The variable names a proxy that refuses Xero, or is not the address of a proxy.",
        steps=(
            "See what is set, and what is wrong with it: xpm-tui doctor",
            "Ask your network administrator to allow the three Xero hosts, or unset the variable.",
            'For a SOCKS proxy, install the extra: pip install "xpm-tui[socks]"',
        ),
    ),
    KnownProblem(
        id=CaseId.TLS,
        title="The certificate is not from Xero",
        sign="The certificate cannot be verified, or SSL_CERT_FILE or SSL_CERT_DIR cannot be used.",
        cause="A device on the network inspects TLS connections, or this machine's certificates are old.",
        steps=(
            "Ask your network administrator to exclude the three Xero hosts from TLS inspection.",
            "Or set SSL_CERT_FILE to the file with your company's certificate.",
            "Verification cannot be switched off: your clients' data would be exposed.",
        ),
    ),
    KnownProblem(
        id=CaseId.CLOCK,
        title="This machine's clock is wrong",
        sign="Xero's time and this machine's time differ by minutes.",
        cause="The clock was not set. Logins then seem to be expired, or never expire.",
        steps=("Switch on time synchronisation (timedatectl set-ntp true).",),
    ),
    KnownProblem(
        id=CaseId.XERO_DOWN,
        title="Xero has problems",
        sign="Xero answers 500, 502 or 503, again and again.",
        cause="An outage at Xero.",
        steps=("Check status.xero.com.", "Try again later: a run continues where it stopped."),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.BAD_REPLY,
        title="Xero's reply cannot be read",
        sign="Xero's reply is a web page instead of data, incomplete or broken XML, or has an "
        "unexpected encoding.",
        cause="A gateway or proxy answered in Xero's place, or the reply was cut off on the way.",
        steps=("Try again.", "If the problem persists, run the doctor and send its bundle."),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.RATE_LIMITED,
        title="Too many calls",
        sign='A sync waits, or stopped with "rate limit".',
        cause="Xero allows an app 60 calls a minute and 5 at a time; other tools that use the same app "
        "count, too.",
        steps=(
            "Wait: the calls continue automatically.",
            "Stop other tools that use the same app at the same time.",
        ),
    ),
    KnownProblem(
        id=CaseId.DAY_LIMIT,
        title="The day's calls are used up",
        sign="The message says when calls are possible again.",
        cause="Xero allows 5,000 or 1,000 calls in 24 hours for each app and practice.",
        steps=(
            "Continue at the time that is shown; a run resumes where it stopped.",
            "Each plan shows how many calls it needs before it starts.",
        ),
    ),
    KnownProblem(
        id=CaseId.OK_BUT_ERROR,
        title="XPM refused the request",
        sign="XPM answered with an error message.",
        cause="XPM does not accept a value, or a record no longer exists.",
        steps=("Read XPM's message beside the record.", "Correct the value, then retry that record."),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.UNKNOWN_OUTCOME,
        title="The outcome of a write is unknown",
        sign="A record is held because the reply to a write was lost.",
        cause="The connection broke after the write was sent.",
        steps=(
            "Wait: the next sync looks in XPM before it does anything else.",
            "If it is still held, decide what to do: xpm-tui runs release",
        ),
    ),
    KnownProblem(
        id=CaseId.CREATE_LAG,
        title="XPM does not show the new record yet",
        sign="A new record is held although XPM may have created it.",
        cause="XPM can take minutes to show what was just created.",
        steps=(
            "Check whether the record is in XPM.",
            "Then release the run: adopt the record in XPM, send it again, or drop it.",
        ),
    ),
)


RECORD_PROBLEMS = (
    KnownProblem(
        id=CaseId.WRONG_PRACTICE,
        title="It is the wrong practice",
        sign="The clients are not the ones you expect, or the practice has a different name from before.",
        cause="Another practice was chosen on Xero's page.",
        steps=(
            "Do not sync. Nothing is written before you confirm.",
            "Connect again and choose the right one.",
            "Add a second practice as a practice of its own: xpm-tui practices add NAME",
        ),
    ),
    KnownProblem(
        id=CaseId.CLIENT_MISSING,
        title="An XPM client does not arrive",
        sign="The client is in XPM, but cannot be found here.",
        cause="XPM did not report its last change.",
        steps=(
            "Compare everything once: xpm-tui sync --full",
            "Or change one character of the client in XPM, save, and sync.",
        ),
    ),
    KnownProblem(
        id=CaseId.EMPTY_LIST,
        title="XPM sends no clients",
        sign="The list is empty although clients are linked.",
        cause="The person who connected has lost the permission to see clients, or this is another practice.",
        steps=(
            "Nothing was changed.",
            "Sign in to XPM as that person and check whether you see clients.",
            "Connect again as someone who sees all clients.",
        ),
    ),
    KnownProblem(
        id=CaseId.HELD,
        title="A run or a record needs your decision",
        sign="It is shown as held, with the number and the limit, or with the open decision.",
        cause="More would change than usual, a field was edited on both sides, or only you can choose.",
        steps=(
            "See why: xpm-tui runs show last",
            "See which clients need your decision: xpm-tui clients review",
            "If the numbers are right: xpm-tui runs release. If not, nothing was written: correct "
            "what is wrong and make a new plan.",
        ),
    ),
    KnownProblem(
        id=CaseId.POLICY_CHANGED,
        title="The direction, what to sync or the fields changed after the plan was made",
        sign="The plan is refused.",
        cause="The plan that you reviewed is no longer what would be applied.",
        steps=("Make a new plan and review it: xpm-tui plan",),
    ),
    KnownProblem(
        id=CaseId.PRACTICE_CHANGED,
        title="The practice changed after the plan was made",
        sign="The plan is refused.",
        cause="Another practice has been connected since then.",
        steps=("Make sure that the practice in the header is the right one.", "Make a new plan."),
    ),
    KnownProblem(
        id=CaseId.STATE_CODE,
        title="XPM does not know the state code",
        sign='A job was created, then XPM reported "Invalid state code".',
        cause="States are set by their Interface Code, not by the name that lists show.",
        steps=(
            "In XPM, open Admin > Job states and read the Interface Code.",
            "Set it here, or leave it empty for XPM's first state.",
            "Invoices attach only to jobs in a state of the Standard type.",
        ),
    ),
)


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """A symptom that a user can choose as what they see.

    ``key`` is for scripts, ``words`` for users; it leads to a known problem, or to ``advice`` if nothing
    is wrong.
    """

    key: str
    words: str
    case: CaseId | None = None
    advice: str = ""


BROWSER: tuple[Symptom, ...] = (
    Symptom(
        key="waiting",
        words="A page from Xero that asks me to sign in, or to press Allow access",
        advice="Finish there within five minutes. If it took longer, start again and open the new address.",
    ),
    Symptom(
        key="localhost",
        words="“localhost refused to connect”, or a blank page",
        advice="That is normal over SSH: copy the whole address from the browser's address bar and paste "
        "it here. Or use the ssh command that is shown and start again.",
    ),
    Symptom(
        key="no-access",
        words='"You don\'t have access to connect any Xero Practice Manager…"',
        case=CaseId.NO_PERMISSION,
    ),
    Symptom(key="ticked", words="The same, but the box is ticked in XPM", case=CaseId.STALE_PERMISSION),
    Symptom(key="no-box", words="The same, but there is no such box in XPM", case=CaseId.NO_PRIVILEGE_BOX),
    Symptom(
        key="scope", words='"Invalid scope for client" or "invalid_scope"', case=CaseId.SCOPE_NOT_ATTACHED
    ),
    Symptom(key="app", words='"Invalid redirect_uri" or "Unknown client"', case=CaseId.UNKNOWN_APP),
    Symptom(key="nothing", words="Nothing opens, or it closes at once", case=CaseId.NOTHING_OPENS),
    Symptom(key="other-error", words="Another error from Xero", case=CaseId.OTHER_XERO_ERROR),
)
"""The symptoms while waiting for a browser, in the order in which they are offered."""

ELSEWHERE: tuple[Symptom, ...] = (
    Symptom(key="other-clients", words="Clients that are not ours", case=CaseId.WRONG_PRACTICE),
    Symptom(
        key="second-stopped", words="One practice works, another one stopped", case=CaseId.SECOND_PRACTICE
    ),
    Symptom(
        key="all-stopped",
        words="Every practice has had to sign in again since the same day",
        case=CaseId.MASS_OUTAGE,
    ),
    Symptom(key="missing-client", words="A client is in XPM, but not here", case=CaseId.CLIENT_MISSING),
)
"""The symptoms outside a browser that no probe can see."""

SYMPTOMS = (*BROWSER, *ELSEWHERE)


KNOWN_PROBLEMS: dict[CaseId, KnownProblem] = {
    case.id: case
    for case in (
        *login_problems.KNOWN_PROBLEMS,
        *WIRE_PROBLEMS,
        *RECORD_PROBLEMS,
        *ENVIRONMENT_PROBLEMS,
    )
}


def find_problem(id: str | CaseId) -> KnownProblem | None:  # noqa: A002
    """Return the known problem of an id (``T1``, ``day-limit``); None for an unknown one."""
    try:
        return KNOWN_PROBLEMS.get(CaseId(id))
    except ValueError:
        return None


def search_problems(text: str) -> tuple[KnownProblem, ...]:
    """Return the known problems that contain every word of ``text``; matches in their symptom come first."""
    words = [word.strip('",.:;').casefold() for word in text.split()]

    def contains_words(*texts: str) -> bool:
        folded = " ".join(texts).casefold()
        return all(word in folded for word in words)

    found = [
        each
        for each in KNOWN_PROBLEMS.values()
        if contains_words(each.id, each.title, each.sign, each.cause, *each.steps, *each.old_screens)
    ]
    return tuple(sorted(found, key=lambda each: not contains_words(each.sign)))


def find_symptom(key: str) -> Symptom:
    """Return the symptom with this key; raises ``NotFound``."""
    found = next((each for each in SYMPTOMS if each.key == key.strip().casefold()), None)
    if found is None:
        raise NotFound(
            f"{visible(key, 40)} is not one of the answers.",
            hint=f"The answers are: {', '.join(each.key for each in SYMPTOMS)}.",
        )
    return found
