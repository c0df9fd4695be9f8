"""Trouble on this machine.

Trouble on the way to Xero and in its answers.
"""

from __future__ import annotations

from xpm_tui.diagnostics.known_problems.problem import XERO_SUPPORT, Case
from xpm_tui.domain.errors import CaseId

CASES = (
    Case(
        id=CaseId.STORE,
        title="The data cannot be read",
        sign="The data is damaged, or was changed by another program.",
        cause="A disk fault, or somebody edited its files.",
        steps=(
            "Nothing was overwritten.",
            "Look what is the matter: xpm-tui data check",
            "Then: xpm-tui data repair, or xpm-tui data restore FILE",
        ),
    ),
    Case(
        id=CaseId.LOCKED,
        title="Another process has the practice",
        sign="It says who, on which machine, since when.",
        cause="A run is going on, perhaps a colleague's or last night's.",
        steps=("Watch it in the console, or with: xpm-tui log --follow", "Stop it with: xpm-tui runs stop"),
    ),
    Case(
        id=CaseId.DISK,
        title="The disk is full or refuses to write",
        sign="A write failed; nothing was half-written.",
        cause="No space, no permission, or a fault of the disk.",
        steps=("Make space where xpm-tui locate points to.", "Start again: the run goes on where it was."),
    ),
    Case(
        id=CaseId.NO_LOCKS,
        title="The file system does not support locks",
        sign="A sentence names the folder and says that its file system does not support locks.",
        cause="The folder is on a network or FUSE file system, or in a sandbox, that refuses every lock.",
        steps=(
            "Nothing was changed: without locks two processes could overwrite each other's work.",
            "Keep xpm-tui's files on a local disk: xpm-tui --home DIR, or set XPM_TUI_HOME.",
            "Or mount the file system with locks (NFS: without nolock; rclone and s3fs have none).",
        ),
    ),
    Case(
        id=CaseId.TERMINAL,
        title="This is no terminal for a full screen",
        sign="The console does not start.",
        cause="Input or output is not a terminal, or TERM is dumb.",
        steps=("Over SSH use ssh -t.", "Every action is also a command: xpm-tui --help"),
    ),
    Case(
        id=CaseId.KEYRING,
        title="The keyring does not answer",
        sign="Tokens could not be kept in the keyring.",
        cause="It is locked, missing, or only pretends to store.",
        steps=(
            "Tokens are kept in an encrypted file instead; nothing else changes.",
            "Unlock the keyring and connect again to use it.",
            "For a timer that runs while you are logged out, set XPM_TUI_KEY_FILE and connect again.",
        ),
    ),
    Case(
        id=CaseId.SETTINGS,
        title="A setting cannot be used",
        sign="A sentence names the setting, its value and where it stands.",
        cause="A typing error in settings.toml, in an environment variable or in an option.",
        steps=(
            "See every setting with its origin: xpm-tui settings list",
            "Set it again: xpm-tui settings set KEY VALUE, or take it out: xpm-tui settings unset KEY",
            "Where the files are: xpm-tui locate",
        ),
    ),
    Case(
        id=CaseId.SCHEDULE,
        title="The daily run does not run",
        sign="Nothing has synced for days, or the doctor says that no timer is installed.",
        cause="It was never installed, logging out ended it, or nobody used the tool for 24 hours.",
        steps=(
            "See it: xpm-tui schedule show",
            "Install it; the login is then tried from the timer's own environment: xpm-tui schedule install",
            "Let it run while you are logged out: loginctl enable-linger",
            "Let it run also when nobody signed in: xpm-tui settings set schedule.require_sign_in no",
        ),
    ),
)


WIRE_CASES = (
    Case(
        id=CaseId.NO_NETWORK,
        title="Xero cannot be reached",
        sign="No connection, or the name of Xero's server is not found.",
        cause="The network is down, a firewall is in between, or the name service does not answer.",
        steps=(
            "Look whether other pages open from this machine.",
            "This machine must reach login.xero.com, identity.xero.com and api.xero.com on port 443.",
            "Try again: nothing was written, and a run goes on where it was.",
        ),
    ),
    Case(
        id=CaseId.PROXY,
        title="A proxy is in the way",
        sign="A proxy refuses or cannot be reached, or HTTPS_PROXY or ALL_PROXY cannot be used.",
        cause="The variable points to a proxy that refuses Xero, or is no address of a proxy.",
        steps=(
            "See what is set, and what is wrong with it: xpm-tui doctor",
            "Ask your network's keeper to let the three Xero hosts through, or unset the variable.",
            'For a SOCKS proxy install the extra: pip install "xpm-tui[socks]"',
        ),
    ),
    Case(
        id=CaseId.TLS,
        title="The certificate is not Xero's",
        sign="The certificate cannot be verified, or SSL_CERT_FILE or SSL_CERT_DIR cannot be used.",
        cause="A device on the way opens TLS (inspection), or this machine's certificates are old.",
        steps=(
            "Ask your network's keeper to leave the three Xero hosts out of TLS inspection.",
            "Or point SSL_CERT_FILE to the file with your company's certificate.",
            "Verification cannot be switched off: tax clients' data would travel in the open.",
        ),
    ),
    Case(
        id=CaseId.CLOCK,
        title="This machine's clock is wrong",
        sign="Xero's time and this machine's differ by minutes.",
        cause="The clock was not set; logins then look expired, or never do.",
        steps=("Switch on time synchronisation (timedatectl set-ntp true).",),
    ),
    Case(
        id=CaseId.XERO_DOWN,
        title="Xero has problems",
        sign="Xero answers 500, 502 or 503, again and again.",
        cause="An outage at Xero.",
        steps=("Look at status.xero.com.", "Try again later: a run goes on where it was."),
        support=XERO_SUPPORT,
    ),
    Case(
        id=CaseId.BAD_REPLY,
        title="The answer cannot be read",
        sign="A page instead of data, cut or broken XML, another encoding.",
        cause="A gateway or proxy answered in Xero's place, or the answer was cut on the way.",
        steps=("Try again.", "If it stays, run the doctor and send its bundle."),
        support=XERO_SUPPORT,
    ),
    Case(
        id=CaseId.RATE_LIMITED,
        title="Too many calls",
        sign='Sync waits, or stopped with "rate limit".',
        cause="Xero lets an app ask 60 times a minute and 5 at once; other tools with the same "
        "app count too.",
        steps=("Wait: calls go on by themselves.", "Leave out what runs at the same time with this app."),
    ),
    Case(
        id=CaseId.DAY_LIMIT,
        title="The day's calls are used up",
        sign="It says when it can go on; nothing sleeps through it.",
        cause="Xero allows 5,000 or 1,000 calls in 24 hours, for each app and practice.",
        steps=(
            "Go on at the time that is shown; a run resumes where it stopped.",
            "Plans show how many calls they take before they start.",
        ),
    ),
    Case(
        id=CaseId.OK_BUT_ERROR,
        title="XPM refused the request",
        sign="XPM answered, and its answer is an error in its own words.",
        cause="A value that XPM does not take, or a record that is no longer there.",
        steps=("Read XPM's words beside the record.", "Correct the value, then retry that record."),
        support=XERO_SUPPORT,
    ),
    Case(
        id=CaseId.UNKNOWN_OUTCOME,
        title="Nobody knows yet whether it was written",
        sign="A record is held: the answer to a write was lost.",
        cause="The connection broke after the write was sent.",
        steps=(
            "Wait: the next run looks in XPM before it does anything else.",
            "If it stays held, say what to do: xpm-tui runs release",
        ),
    ),
    Case(
        id=CaseId.CREATE_LAG,
        title="XPM does not show the new record yet",
        sign="A creation is held although XPM may have taken it.",
        cause="XPM can take minutes to show what was just created.",
        steps=(
            "Look in XPM whether it is there.",
            "Then release the run: adopt this one, send again, or drop.",
        ),
    ),
)
