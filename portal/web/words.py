"""The sentences that the page's scripts say; `{places}` are filled there."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "theme_system": _("Theme: as the system"),
    "theme_light": _("Theme: light"),
    "theme_dark": _("Theme: dark"),
    "escape_again": _("Press Escape again to close. What you typed is lost."),
    "escape_unkept": _("Not everything is kept yet. Press Escape again to close all the same."),
    "no_such_choice": _("This cannot be chosen here."),
    "all_decided": _("All is decided on this page."),
    "nothing_to_undo": _("There is no choice to take back on this page."),
    "saving": _("Saving…"),
    "not_saved": _("Not saved: {why}"),
    "why_no_connection": _("Breakwater cannot be reached. It is tried again."),
    "why_signed_out": _("you are signed out."),
    "why_refused": _("Breakwater answered {status}."),
    "sign_in": _("Sign in"),
    "copied": _("Copied."),
    "close": _("Close"),
    "show": _("Show"),
    "failed_request": _("That did not work. Nothing was changed; load the page again."),
    "no_connection": _("Breakwater cannot be reached. Nothing was changed."),
    "live": _("Live"),
    "live_socket": _("Live by WebSocket"),
    "polling": _("Polling"),
    "signed_out": _("Signed out"),
    "why_live": _("Changes come by themselves, over one stream for all tabs of this browser. Press to pause (p)."),
    "why_socket": _(
        "Something on the way holds streams back, so that changes come over a WebSocket. Press to pause (p)."
    ),
    "why_polling": _(
        "Neither a stream nor a WebSocket gets through. This browser asks every 30 s, and when you look. Press to pause (p)."
    ),
    "why_reconnecting": _("The stream broke off and is tried again: try {n}. Press to pause (p)."),
    "why_offline": _("Breakwater cannot be reached. It is tried again until it answers."),
    "why_out": _("You are signed out, or somebody else is signed in in this browser. Load the page again."),
    "why_paused": _("Figures stand still in this tab. Press to go on and catch up (p)."),
    "ago": _("{age} ago"),
    "paused": _("Paused"),
    "news": _("{n} new"),
    "reconnecting": _("Reconnecting"),
    "offline": _("Offline"),
    "data_from": _("data from {time}"),
    "new_item": _("{n} new item"),
    "new_items": _("{n} new items"),
    "done": _("{n} delivered or done"),
}
