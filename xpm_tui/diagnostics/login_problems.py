"""Known problems of the login: permission, consent, the app at Xero, tokens."""

from __future__ import annotations

from xpm_tui.domain.errors import XERO_SUPPORT, CaseId, KnownProblem

OLD_PERMISSION = (
    "In XPM, as an administrator, open Business > Settings > Staff.",
    "Open the staff record of the person who connects.",
    'Scroll down to "API Access Privileges", tick "Authorise 3rd Party Full Access", save.',
)
NEW_PERMISSION = (
    "In XPM, as an administrator, open Practice settings > Staff.",
    "Open the person who makes the connection > Permissions > Advanced (or Practice administration).",
    'Switch on "Connect third-party add-ons" and save.',
)
_THEN = (
    "Try again: connect.",
    "If the box is already ticked: xpm-tui cases show T2. If there is no such box: xpm-tui cases show T3",
)

KNOWN_PROBLEMS = (
    KnownProblem(
        id=CaseId.NOT_CONNECTED,
        title="This practice is not connected to Xero",
        sign="There is no login here yet, or it was removed with: xpm-tui disconnect",
        cause="Nobody has connected this practice yet, or another practice is the current one.",
        steps=(
            "See which practices there are: xpm-tui practices list",
            "See what a connection needs, and what it costs: xpm-tui connect --check",
            "Connect this one: xpm-tui connect (or xpm-tui, which opens the wizard).",
        ),
    ),
    KnownProblem(
        id=CaseId.NO_PERMISSION,
        title="The person is not allowed to connect add-ons",
        sign="Xero's page says \"You don't have access to connect any Xero Practice Manager accounts\", "
        "or the login has access to no practice.",
        cause="Third-party access is not ticked for the person who signs in.",
        steps=(*NEW_PERMISSION, *_THEN),
        old_screens=(*OLD_PERMISSION, *_THEN),
    ),
    KnownProblem(
        id=CaseId.STALE_PERMISSION,
        title="The box is ticked, but Xero still refuses access",
        sign="Xero's page says \"You don't have access to connect any Xero Practice Manager accounts\" "
        "although the box is ticked.",
        cause="If an administrator has only just ticked it, XPM may still use the old state for a while.",
        steps=(
            "In XPM, open Practice settings > Staff > the person > Permissions > Advanced.",
            'Untick: switch "Connect third-party add-ons" off and save.',
            "Tick: switch it on again and save.",
            "Try again: connect.",
        ),
        old_screens=(
            "In XPM, open the person's record under Business > Settings > Staff.",
            'Untick "Authorise 3rd Party Full Access" and save.',
            "Tick it again and save.",
            "Try again: connect.",
        ),
    ),
    KnownProblem(
        id=CaseId.NO_PRIVILEGE_BOX,
        title="The permission is not on the person's record",
        sign='Neither "Connect third-party add-ons" nor "Authorise 3rd Party Full Access" can be found.',
        cause="The person is not an administrator, or the record was not saved after they became one.",
        steps=(
            "Open the person's record in XPM.",
            'Tick "Administrator", save, and load the page again.',
            "Now the permission shows under Permissions > Advanced: switch it on and save.",
            "Connect again.",
        ),
        old_screens=(
            "In XPM, open Business > Settings > Staff and the person's record.",
            'Tick "Administrator", save, and load the page again.',
            'Now "API Access Privileges" shows at the bottom: tick "Authorise 3rd Party Full Access", save.',
            "Connect again.",
        ),
    ),
    KnownProblem(
        id=CaseId.OTHER_XERO_ERROR,
        title="Another error page from Xero",
        sign="The browser shows an error from Xero that is not in this list.",
        cause="The error comes from Xero; it cannot be solved here.",
        steps=(
            "Take a screenshot of the page, with its error code, and note the time.",
            "Follow the instructions on the page.",
            "If the problem persists, contact Xero support with the screenshot.",
        ),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.NOTHING_OPENS,
        title="Nothing opens in the browser",
        sign="No page appears, or it closes at once, and no answer comes back within five minutes.",
        cause="The browser is on another machine, or it blocks the page as a pop-up.",
        steps=(
            "Allow pop-ups for login.xero.com in that browser, or switch off the extension that blocks them.",
            "Copy the whole address that is shown and open it in any browser.",
            "Sign in to XPM in that browser first.",
            "When the browser ends on a page that cannot be reached, copy its address and paste it here.",
        ),
    ),
    KnownProblem(
        id=CaseId.NEEDS_RECONNECT,
        title="Xero no longer accepts the login",
        sign="A sync says that a login is needed; new clients do not arrive.",
        cause="The login expired (after 60 days without use) or was revoked, or the person who connected "
        "has left or was disabled. If all practices stopped on the same day: T12.",
        steps=(
            "Connect again, ideally as an administrator who will stay: the login depends on that "
            "person's account.",
            "Nothing is lost: links, settings and the log stay as they are.",
        ),
    ),
    KnownProblem(
        id=CaseId.CONNECTING_PERSON,
        title="The person who connected has left, or is not a team member",
        sign="Status, Overview and Team say that the person is not in XPM's staff list, or not "
        "linked to a team member.",
        cause="The connection depends on that person's record in XPM: once it is disabled or "
        "removed, the login ends (T6). A record under another name or e-mail is not recognised.",
        steps=(
            "See who it is: xpm-tui status, and who is in XPM: xpm-tui team list",
            "If the person left: have an administrator who will stay connect again before the "
            "login ends. Links, settings and the log are kept: xpm-tui connect",
            "If the person is still there under another name or e-mail: correct it in XPM, or "
            "leave it as it is.",
            "If the person is not linked: add them to the team, or link the team member: xpm-tui team pick",
        ),
    ),
    KnownProblem(
        id=CaseId.SECOND_PRACTICE,
        title="A second practice is connected",
        sign="The login has access to several practices; or one practice works and another one has "
        "stopped since.",
        cause="Each practice has its own connection, data and folder here.",
        steps=(
            "If there are several to choose from: xpm-tui connect --tenant ID, with the id from the list.",
            "See which practices have a folder here: xpm-tui practices list",
            "Add the second one as a practice of its own: xpm-tui practices add NAME, then connect it.",
        ),
    ),
    KnownProblem(
        id=CaseId.DISCONNECTED,
        title="The practice is disconnected",
        sign="XPM answers that access is forbidden, or the list of connections lacks the practice.",
        cause="Someone disconnected it here or removed it in XPM (Connected apps), or Xero ended the "
        "connection.",
        steps=(
            "See which it is: xpm-tui doctor. If the practice is connected, the permission is missing: "
            "xpm-tui cases show T1",
            "See in the log whether it was disconnected here: xpm-tui log --find disconnected",
            "In XPM, check under Practice settings > Connected apps whether this app is listed.",
            "Connect again. Links and settings are kept.",
        ),
        old_screens=(
            "See which it is: xpm-tui doctor. If the practice is connected, the permission is missing: "
            "xpm-tui cases show T1",
            "See in the log whether it was disconnected here: xpm-tui log --find disconnected",
            "In XPM, check under Business > Connections > Connection Management > Third Party Connections.",
            "Connect again. Links and settings are kept.",
        ),
    ),
    KnownProblem(
        id=CaseId.MASS_OUTAGE,
        title="All logins stopped on one day",
        sign="Every practice has had to sign in again since the same day, or Xero refuses to renew "
        "logins that it renewed for months.",
        cause="Xero changed how apps sign in; it announces such dates to app developers. If only one "
        "login stopped, see T6: the person left or revoked it, or it expired.",
        steps=(
            "Check whether every login is affected: xpm-tui doctor compares those on this machine; "
            "check a colleague's machine, too.",
            "Connect each practice again: xpm-tui connect",
            "If that fails, look for a newer version of xpm-tui.",
            "Look for an announcement with that date at developer.xero.com.",
        ),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.CANCELLED,
        title="Consent was cancelled",
        sign='The browser came back with "access denied".',
        cause="Cancel was pressed on Xero's page, or this login has access to no practice.",
        steps=(
            "Connect again and press Allow access.",
            "If the page offers no practice, the permission in XPM is missing: xpm-tui cases show T1",
        ),
    ),
    KnownProblem(
        id=CaseId.SCOPE_NOT_ATTACHED,
        title="The app does not have XPM's scopes",
        sign='Xero\'s page says "unauthorized_client: Invalid scope for client", or "invalid_scope".',
        cause="Xero has not attached these Practice Manager scopes to the app yet.",
        steps=(
            "Ask Xero for them: developer.xero.com > your app > Practice Manager, self-assessment, approval.",
            "Or ask only for scopes that the app has: xpm-tui settings set xero.scopes PRESET "
            "(standard, granular, broad, both, read_only). With granular, the lists of job "
            "templates and categories cannot be read: name those by UUID.",
            "Connect again: xpm-tui connect",
        ),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.SCOPE_MISSING,
        title="The login does not have the scope for this list",
        sign="One kind of list (often job templates and categories) is refused; the rest works.",
        cause="According to Xero's specification, job templates and categories need practicemanager.read "
        "or practicemanager.",
        steps=(
            "Ask for it: xpm-tui settings set xero.scopes standard, then: xpm-tui connect",
            "If Xero's page then shows an error, the scope is not attached to your app: ask Xero for it. "
            "Until then: xpm-tui settings set xero.scopes granular",
            "To continue without it: link templates by UUID (xpm-tui templates link SERVICE UUID), "
            "and set the category by UUID (xpm-tui settings set jobs.default_category UUID).",
        ),
    ),
    KnownProblem(
        id=CaseId.API_NOT_OPEN,
        title="Xero refuses the call although the login has the scope",
        sign="A list is refused with HTTP 401 (AuthorizationUnsuccessful), and `xpm-tui doctor` shows that "
        "the scope for it was granted.",
        cause="Xero does not say why. Possible causes: the app's developer tier does not include the "
        "Practice Manager API (it is part of the Advanced tier; integrations for one's own practice are "
        "exempt), or Xero has not approved the app for it.",
        steps=(
            "Look at the app's tier at developer.xero.com > your app. The Practice Manager API needs the "
            "Advanced tier, or Xero's confirmation that an integration for your own practice is exempt.",
            "Ask Xero whether the app is approved for Practice Manager: developer.xero.com > your app > "
            "Practice Manager, self-assessment, approval.",
            "Then connect again: xpm-tui connect",
        ),
        support=XERO_SUPPORT,
    ),
    KnownProblem(
        id=CaseId.UNKNOWN_APP,
        title="Xero does not know the app",
        sign='Xero\'s page or answer says "unknown client", "invalid_client" or "Invalid redirect_uri".',
        cause="The client id is mistyped, the app is disabled, or it has a different redirect address.",
        steps=(
            "Compare the client id with the one at developer.xero.com: xpm-tui settings get xero.client_id",
            "The app's redirect address must be exactly http://localhost:PORT/callback; the port is "
            "the setting xero.redirect_port.",
            "A web app also needs its secret; a mobile or desktop app must have none.",
        ),
    ),
    KnownProblem(
        id=CaseId.STATE_MISMATCH,
        title="The reply belongs to another attempt",
        sign="The pasted address is refused because its state does not match.",
        cause="It comes from an earlier attempt, another window, or another person.",
        steps=("Start again, and paste the address from the window that this attempt opened.",),
    ),
)
