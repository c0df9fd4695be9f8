"""Known problems of this machine, of the connection to Xero and of its answers."""

from __future__ import annotations

from xpm_tui.diagnostics.known_problems.problem import XERO_SUPPORT, KnownProblem
from xpm_tui.domain.errors import CaseId

KNOWN_PROBLEMS = (
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
        sign="The message says who, on which machine, and since when.",
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
            "Nothing was changed: without locks two processes could overwrite each other's work.",
            "Keep xpm-tui's files on a local disk: xpm-tui --home DIR, or set XPM_TUI_HOME.",
            "Or mount the file system with locks (NFS: without nolock; rclone and s3fs have none).",
        ),
    ),
    KnownProblem(
        id=CaseId.TERMINAL,
        title="This terminal cannot show the console",
        sign="The console does not start.",
        cause="Input or output is not a terminal, or TERM is dumb.",
        steps=("Over SSH use ssh -t.", "Every action is also a command: xpm-tui --help"),
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
            "See it: xpm-tui schedule show",
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
            'For a SOCKS proxy install the extra: pip install "xpm-tui[socks]"',
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
            "Look in XPM whether it is there.",
            "Then release the run: adopt the record in XPM, send it again, or drop it.",
        ),
    ),
)
