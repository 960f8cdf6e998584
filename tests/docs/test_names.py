"""What the pages name exists: files, headings, make targets, commands, folders, addresses."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from tests.docs import pages

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
MAKE = re.compile(r"\bmake ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)")
COMMAND = re.compile(r"manage\.py ([a-z][a-z-]*)((?: [a-z][a-z-]*)*)(.*)")
OPTION = re.compile(r"(--[a-z][a-z-]*)")
PATH = re.compile(r"^(?:portal|resilience|syncqueue|conflicts|tests|templates|static|docs)/[\w./-]*[\w/]$")
PLACE = re.compile(r"^/(?!usr/)(?:[a-z_-]+/?)*$")
each_page = pytest.mark.parametrize("path", pages.PAGES, ids=pages.name)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(pages.prose(text)))
    return {heading.replace(" ", "-") for heading in plain}


def targets() -> set[str]:
    """What the Makefile can make."""
    return set(re.findall(r"^([a-z][a-z-]*):", pages.read("Makefile"), re.MULTILINE))


def test_there_are_pages_to_look_at() -> None:
    """The tests below look at something."""
    assert {"README.md", "docs/states.md", "docs/adr/README.md"} <= {pages.name(page) for page in pages.PAGES}


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    """Every link within the repository leads to a file, and to a heading if it names one."""
    dead = []
    for link in LINK.findall(pages.prose(path.read_text())):
        address, _, anchor = link.partition("#")
        if "://" in address or address.startswith("mailto:"):
            continue
        target = (path.parent / unquote(address)).resolve() if address else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)
    assert not dead


@each_page
def test_make_targets_exist(path: Path) -> None:
    """Every `make …` that a page tells to type is in the Makefile."""
    typed = (words for line in pages.code(path.read_text()) for words in MAKE.findall(line))
    assert not {target for words in typed for target in words.split()} - targets()


@each_page
def test_commands_exist(path: Path) -> None:
    """Every `manage.py …` that a page tells to type exists, with the verbs and options that it is given."""
    wrong = []
    for line in pages.code(path.read_text()):
        for command, verbs, rest in COMMAND.findall(line):
            if command not in get_commands():
                wrong.append(command)
                continue
            known, has_verbs = help_of(command, verbs.split())
            wrong += [f"{command} {word}" for word in OPTION.findall(rest) if word not in known]
            wrong += [f"{command} {verb}" for verb in verbs.split() if has_verbs and verb not in known]
    assert not wrong


def help_of(command: str, words: list[str]) -> tuple[str, bool]:
    """What a command (with the verb among these words) says about itself, and whether it has verbs at all."""
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    text, verbs = (
        parser.format_help(),
        [action.choices for action in parser._actions if isinstance(action.choices, dict)],
    )
    for choices in verbs:
        text += "".join(sub.format_help() for verb, sub in choices.items() if verb in words)
    return text, bool(verbs)


@each_page
def test_files_exist(path: Path) -> None:
    """Every file or folder of ours that a page names is there."""
    named = {text for text in pages.code(path.read_text()) if PATH.match(text)}
    assert not {text for text in named if not (pages.ROOT / text).exists()}


@each_page
def test_addresses_exist(path: Path) -> None:
    """Every page or REST address that is named without a variable part is answered."""
    missing, beside_django = [], pages.read("portal/asgi.py")
    for text in pages.code(path.read_text()):
        if PLACE.match(text) and f'"{text}"' not in beside_django:
            try:
                resolve(text)
            except Resolver404:
                missing.append(text)
    assert not missing


def test_pictures_are_small() -> None:
    """Whoever clones the repository does not wait for its pictures."""
    pictures = list((pages.ROOT / "docs/pictures").iterdir())
    assert pictures
    assert not [pages.name(picture) for picture in pictures if picture.stat().st_size > 250_000]


def test_every_page_of_docs_is_linked_from_the_readme_or_an_index() -> None:
    """A page that nothing leads to is not read."""
    linked = set()
    for page in pages.PAGES:
        for link in LINK.findall(page.read_text()):
            linked.add((page.parent / link.partition("#")[0]).resolve())
    assert not [pages.name(page) for page in pages.PAGES if page not in linked and page.name != "README.md"]
