// Starts every part of a page. Each module has one job and leaves a page that works without it.
import { startAges } from "./ages.js";
import { startCopying } from "./copy.js";
import { startDialogs } from "./dialog.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startMenus } from "./menu.js";
import { startNotices } from "./notices.js";
import { startSelection } from "./selection.js";
import { startTheme } from "./theme.js";
import { startZone } from "./zone.js";

startTheme();
startZone();
startAges();
startMenus();
startDialogs();
startForms();
startNotices();
startCopying();
startSelection();
startKeys();
startLive();
