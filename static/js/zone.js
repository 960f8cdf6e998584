// Tells the server the reader's time zone, so that the next page writes its times in it.
import { keep, kept } from "./cookies.js";

export function startZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && kept("breakwater_zone") !== zone) keep("breakwater_zone", zone);
}
