"""What the demo's projects are for: their specifications, and which plans carry them out."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A project of the demo with its specification in Markdown and the ids of its plans."""

    slug: str
    name: str
    description: str
    specification: str
    plans: tuple[str, ...]


_WEB = """\
# Web app

A new customer reaches a **first working sync within ten minutes**, without a call.

## What it must do

1. Ask for the address only, and derive the rest from it.
2. Say in one sentence what is wrong with an address that does not answer.
3. Keep a checklist that still stands where it was after a reload, and on a phone.

## What counts as done

| what | figure |
|---|---|
| median time to first sync | under 10 min |
| sessions that end in the address form | under 15 % |
| invoices that can be exported | all, with tax per line |

## What it does not do

- It imports nothing from the old service; that is a project of its own.
- It sends no e-mail before the first sync.

> Measured with twenty recorded sessions before and after, by the same two people.
"""
_MOBILE = """\
# Field app

Technicians file reports **without a network**. Nothing that was saved is lost, and nothing arrives twice.

## Rules

- A report is accepted when it is on the device's disk, not before.
- Changes leave the device in the order in which they were made; each carries a key of its own.
- Two people may edit the same report. Both sides are kept until somebody decides.

```
saved -> queued -> sent -> confirmed
```

## Open questions

1. How long does a device keep photographs that were delivered?
2. Who decides when two technicians disagree about a meter reading?
"""
_OPERATIONS = """\
# Platform

What everything else stands on: search, webhooks, access.

- **Search** is rebuilt beside the old index. One switch leads to the new one, and one leads back.
- **Webhooks** reach a receiver that was down for an hour, once and in order.
- **Access** to production is known by name and confirmed each quarter.
"""
_WARDS = """\
# Wards

A shift ends with the same seven questions on every ward, and every infusion pump is known.

## How we work

1. Watch before writing. Nurses decide what stays.
2. Two weeks on one ward, then the others.
3. No device without a label and a date.
"""

PROJECTS: Mapping[str, tuple[DemoProject, ...]] = {
    "tidewater": (
        DemoProject("web", "Web app", "What customers see first.", _WEB, ("onboarding-revamp", "billing-export")),
        DemoProject("mobile", "Field app", "Reports from where there is no network.", _MOBILE, ("offline-field-app",)),
        DemoProject("platform", "Platform", "", _OPERATIONS, ("search-index", "webhook-retries", "access-review")),
    ),
    "northlight": (
        DemoProject(
            "wards", "Wards", "Handover and devices.", _WARDS, ("ward-handover", "device-inventory", "visitor-signs")
        ),
    ),
}
