"""The sentences that the page's scripts say; `{places}` are filled there."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "theme_system": _("Theme: as the system"),
    "theme_light": _("Theme: light"),
    "theme_dark": _("Theme: dark"),
    "escape_again": _("Press Escape again to close. What you typed is lost."),
    "escape_kept": _("Press Escape again to close. Your choices are kept as a draft."),
    "no_such_choice": _("This cannot be chosen here."),
    "all_decided": _("All is decided on this page."),
    "not_kept": _("Your choices could not be kept. They are still on this screen."),
    "copied": _("Copied."),
    "close": _("Close"),
    "show": _("Show"),
    "failed_request": _("That did not work. Nothing was changed; load the page again."),
    "no_connection": _("Breakwater cannot be reached. Nothing was changed."),
    "live": _("Live"),
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
