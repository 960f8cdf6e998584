"""The JSON editor for merges by hand: the built module on a page of the portal, under its content security policy."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from portal.kit import jsontext
from portal.kit.errors import Invalid
from portal.web import editor
from tests.web.conftest import Visitor

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "static" / editor.MODULE
LOCK = json.loads((ROOT / "package-lock.json").read_text())["packages"]
PLAN = json.dumps({"title": "Harbour wall", "steps": [{"id": "a/b", "done": False}]}, indent=2)
OPEN = """async ([text, attributes, options]) => {
  const field = document.createElement("div");
  field.className = "field";
  field.innerHTML = '<label for="document">Document</label>'
    + '<textarea id="document" name="document" required></textarea><button class="btn">After</button>';
  const textarea = field.querySelector("textarea");
  textarea.value = text;
  for (const [name, value] of Object.entries(attributes)) textarea.setAttribute(name, value);
  const form = document.createElement("form");
  form.append(field);
  document.getElementById("content").prepend(form);
  window.broken = [];
  document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
  window.heard = { changes: [], faults: [] };
  const { edit } = await import(textarea.dataset.editor);
  window.editor = edit(textarea, {
    onChange: (value) => window.heard.changes.push(value),
    onFault: (faults) => window.heard.faults.push(faults),
    ...options,
  });
  window.editor.focus();
}"""
REFUSED = [
    ("", "Line 1: A value is missing"),
    ('{"a": NaN}', "A value is missing or not known here"),
    ("{a: 1}", "A name in double quotes is expected here."),
    ('{"a" 1}', "A colon is expected here"),
    ('{\n"a": [1, 2', "Line 2: This bracket is never closed."),
    ("[1, 2] 3", "The document ends before this"),
    ('{"a": 1, "\\u0061": 2}', "The name a appears twice in this object."),
    ("[" * 101 + "]" * 101, "This is nested deeper than 100 levels."),
    ('["a\n"]', "This text has no closing quote on its line."),
    ('["a\tb"]', "A control character may not stand in a text."),
    ('["\\x"]', "JSON does not know this escape."),
    ("[01]", "This is not a number as JSON writes it."),
    ("[1e999]", "This number is too large."),
    ('["\\ud800"]', "A text may not contain half of a surrogate pair."),
    ('["\\u0000"]', "A text may not contain the NUL character."),
]
browser = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Opened:
    """A page with an open editor on it."""

    def __init__(self, visitor: Visitor, text: str, options: dict[str, Any]) -> None:
        assert BUILT.exists(), "The editor is not built: run `make editor`."
        self.visitor = visitor
        self.page: Page = visitor.open("/profile")
        self.page.evaluate(OPEN, [text, editor.attributes(), options])
        self.text: Locator = self.page.get_by_role("textbox", name="Document")
        self.after: Locator = self.page.get_by_role("button", name="After")

    @property
    def value(self) -> str:
        """What the form would send."""
        return str(self.page.evaluate("document.getElementById('document').value"))

    def fault(self, words: str) -> Locator:
        """The entry of the list of faults that says these words."""
        return self.page.get_by_role("button", name=words)


Open = Callable[..., Opened]


@pytest.fixture
def opened(visit: Callable[..., Visitor]) -> Iterator[Open]:
    """Opens an editor: opened(text, scheme="dark", readOnly=True). Afterwards nothing may have been refused or complained about."""
    opens: list[Opened] = []

    def start(text: str = PLAN, *, scheme: str = "light", width: int = 1440, **options: Any) -> Opened:
        opens.append(Opened(visit(scheme=scheme, width=width), text, options))
        return opens[-1]

    yield start
    for one in opens:
        assert one.page.evaluate("window.broken") == []
        assert one.visitor.complaints == []


class TestInTheBrowser:
    """What a person meets."""

    pytestmark = browser

    def test_the_form_sends_what_was_typed(self, opened: Open) -> None:
        """The textarea is out of sight and holds each change; letters are letters and no keys of the page."""
        one = opened("")
        expect(one.page.locator("#document")).to_be_hidden()
        one.page.keyboard.type('"t?gq"')
        assert one.value == '"t?gq"'
        assert one.page.evaluate("window.heard.changes.at(-1)") == '"t?gq"'
        assert one.page.url.endswith("/profile")
        expect(one.page.get_by_role("dialog")).to_have_count(0)

    def test_a_fault_is_said_with_its_line(self, opened: Open) -> None:
        """What is no JSON is marked and listed; the entry leads to the place, and is gone when it is right again."""
        one = opened('{\n  "a": 1\n  "b": 2\n}')
        fault = one.fault("Line 3: A comma or the closing bracket is expected here.")
        expect(fault).to_be_visible()
        expect(one.text).to_have_attribute("aria-invalid", "true")
        assert one.page.evaluate("window.heard.faults.at(-1)")[0]["line"] == 3
        fault.click()
        expect(one.text).to_be_focused()
        one.page.keyboard.type(",")
        expect(fault).to_have_count(0)
        expect(one.text).to_have_attribute("aria-invalid", "false")
        assert one.page.evaluate("window.heard.faults.at(-1)") == []
        assert json.loads(one.value) == {"a": 1, "b": 2}

    def test_what_the_server_found_stands_at_its_place(self, opened: Open) -> None:
        """Each fault marks the value of its pointer, or what is around it, until that value is edited."""
        one = opened()
        faults = [
            {"pointer": "/steps/0/id", "detail": "This id is taken."},
            {"pointer": "/steps/0/owner", "detail": "An owner is required."},
            {"pointer": "/title", "detail": "This title is too long."},
        ]
        one.page.evaluate("faults => window.editor.setFaults(faults)", faults)
        taken, owner = one.fault("Line 5: This id is taken."), one.fault("Line 4: An owner is required.")
        expect(taken).to_be_visible()
        expect(owner).to_be_visible()
        assert "a/b" in one.page.locator(".cm-lintRange", has_text="a/b").inner_text()
        one.page.keyboard.press("Control+Home")
        one.page.keyboard.press("Enter")
        expect(one.fault("Line 6: This id is taken.")).to_be_visible()
        one.fault("Line 6: This id is taken.").click()
        one.page.keyboard.press("ArrowRight")
        one.page.keyboard.type("x")
        expect(one.fault("This id is taken.")).to_have_count(0)
        expect(one.fault("An owner is required.")).to_have_count(0)
        expect(one.fault("Line 3: This title is too long.")).to_be_visible()

    def test_the_keyboard_is_not_trapped(self, opened: Open) -> None:
        """Tab indents; after Escape it leaves, forwards and backwards, without a time limit, and typing takes it back."""
        one = opened("{}")
        one.page.keyboard.press("Tab")
        assert one.value == "  {}"
        expect(one.page.get_by_text("Press Escape, then Tab to leave the editor.")).to_be_visible()
        one.page.keyboard.press("Escape")
        expect(one.page.get_by_text("Tab now leaves the editor.")).to_be_visible()
        expect(one.text).to_be_focused()
        one.page.keyboard.press("Tab")
        expect(one.after).to_be_focused()
        one.page.keyboard.press("Shift+Tab")
        expect(one.text).to_be_focused()
        one.page.keyboard.press("Tab")
        assert one.value == "    {}"

    def test_a_dialog_stays_open_for_the_escape_that_frees_tab(self, opened: Open) -> None:
        """In a dialog the first Escape frees Tab and the second is the dialog's."""
        one = opened("{}")
        one.page.evaluate("""() => {
          const dialog = document.createElement("dialog");
          dialog.setAttribute("aria-label", "Merge");
          document.body.append(dialog);
          dialog.append(document.querySelector("form:has(#document)"));
          dialog.showModal();
          window.editor.focus();
        }""")
        dialog = one.page.get_by_role("dialog", name="Merge")
        one.page.keyboard.press("Escape")
        expect(one.page.get_by_text("Tab now leaves the editor.")).to_be_visible()
        expect(dialog).to_be_visible()
        one.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    def test_the_page_keeps_its_key_to_send(self, opened: Open) -> None:
        """Control and Enter is left to the page."""
        one = opened("{}")
        one.page.evaluate(
            "document.addEventListener('keydown', (event) => (window.sent = event.key === 'Enter' && !event.defaultPrevented))"
        )
        one.page.keyboard.press("Control+Enter")
        assert one.page.evaluate("window.sent") is True
        assert one.value == "{}"

    def test_what_is_out_of_sight_is_found(self, opened: Open) -> None:
        """A long document is drawn in part only; Control and F searches all of it."""
        one = opened(json.dumps([f"step {number}" for number in range(3_000)], indent=1))
        assert one.page.locator(".cm-line").count() < 300
        one.page.keyboard.press("Control+f")
        expect(one.page.get_by_role("textbox", name="Find")).to_be_focused()
        assert one.visitor.faults() == []
        one.page.keyboard.type("step 2718")
        one.page.keyboard.press("Enter")
        expect(one.page.get_by_text("step 2718").first).to_be_visible()
        one.page.keyboard.press("Escape")
        expect(one.text).to_be_focused()

    def test_the_textarea_comes_back(self, opened: Open) -> None:
        """Closed, the textarea stands in its place with what was written, as required as before."""
        one = opened("1")
        one.page.keyboard.press("End")
        one.page.keyboard.type("2")
        one.page.evaluate("window.editor.destroy()")
        expect(one.page.locator("#document")).to_be_visible()
        expect(one.page.locator("#document")).to_have_value("12")
        assert one.page.evaluate("document.getElementById('document').required") is True

    def test_what_may_only_be_read_cannot_be_changed(self, opened: Open) -> None:
        """Read-only, typing changes nothing and Tab leaves at once."""
        one = opened("{}", readOnly=True)
        one.page.keyboard.type("x")
        assert one.value == "{}"
        one.page.keyboard.press("Tab")
        expect(one.after).to_be_focused()

    @pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 320)])
    def test_axe_finds_nothing(self, opened: Open, scheme: str, width: int) -> None:
        """With faults shown, in both themes and on a phone; and the styles are there although none is inline."""
        one = opened('{\n  "a": [1, true, "x"],\n  "a": null\n}', scheme=scheme, width=width)
        expect(one.fault("Line 3: The name a appears twice in this object.")).to_be_visible()
        assert one.visitor.faults() == []
        assert one.page.locator(".cm-scroller").evaluate("(it) => getComputedStyle(it).display") == "flex"
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_it_refuses_what_the_server_refuses(self, opened: Open) -> None:
        """Each thing that the server would refuse is said before it is sent."""
        one = opened("{}")
        for text, sentence in REFUSED:
            one.page.evaluate("text => window.editor.setValue(text)", text)
            expect(one.fault(sentence)).to_be_visible()
            with pytest.raises(Invalid):
                jsontext.parse(text)

    def test_a_large_document_can_be_typed_into(self, opened: Open) -> None:
        """A document of 1 MiB opens, follows and is read through without a hang."""
        steps = [{"id": f"s-{number}", "title": "x" * 150} for number in range(5_000)]
        one = opened(json.dumps({"steps": steps}, indent=2))
        one.page.keyboard.press("Control+End")
        one.page.keyboard.type("x")
        expect(one.fault("The document ends before this")).to_be_visible()
        assert len(one.value) > 1_000_000


class TestTheBuild:
    """What is installed, and what a page does without it."""

    def test_a_page_without_the_build_offers_the_textarea(self, settings: Any, tmp_path: Path) -> None:
        """When the module was not collected, nothing points at it."""
        settings.STATIC_ROOT = tmp_path
        settings.STORAGES = {
            **settings.STORAGES,
            "staticfiles": {"BACKEND": "portal.web.staticfiles.ModuleManifestStorage"},
        }
        assert editor.attributes() == {}

    def test_the_lock_pins_and_names_no_registry(self) -> None:
        """Each package has one version, a hash, the MIT licence, and no address."""
        packages = {name: entry for name, entry in LOCK.items() if name}
        assert packages
        for name, entry in packages.items():
            assert entry["license"] == "MIT", name
            assert entry["integrity"].startswith("sha512-"), name
            assert "resolved" not in entry, name
        wanted = {**LOCK[""]["dependencies"], **LOCK[""]["devDependencies"]}
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())

    def test_every_sentence_of_the_source_has_its_words(self) -> None:
        """What the editor says by a name is translated by the server."""
        source = "".join(path.read_text() for path in (ROOT / "assets" / "editor").glob("*.js"))
        named = set(re.findall(r'(?:this\.wrong|\bsay)\("(\w+)"', source)) | {"value", "number", "leave", "hint"}
        assert named == set(editor.SENTENCES)
