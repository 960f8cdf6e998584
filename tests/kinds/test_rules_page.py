"""The page of a kind's merge rules, as a plain form without a script, and the fragment that its script asks for."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from conflicts.models import KindRules
from portal.kit.viewer import Role
from portal.tenancy.models import Membership
from syncqueue import kinds
from syncqueue.core.kind_examples import EXAMPLES, example
from syncqueue.rules_page import LARGEST
from tests.support.people import People

PAGE = "/settings/kinds/plan_edit"
TRY = f"{PAGE}/try"
LIVE = {"HX-Request": "true", "HX-Target": "outcome"}
DOCUMENTS = {"base": '{"title": "A"}', "local": '{"title": "B"}', "remote": '{"title": "C"}'}


def browser(user: Any) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(people: People) -> Client:
    """alice's browser."""
    return browser(people.alice)


def shown(response: HttpResponse) -> str:
    """The page's text, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def seen(client: Client, query: str = "") -> str:
    """What the form says that it shows."""
    found = re.search(r'name="seen" value="(\w+)"', client.get(PAGE + query).content.decode())
    assert found
    return found[1]


def box(response: HttpResponse, name: str) -> str:
    """What stands in a box."""
    found = re.search(rf'<textarea [^>]*id="{name}".*?>\n(.*?)</textarea>', response.content.decode(), re.DOTALL)
    assert found
    return unescape(found[1])


def test_what_is_shown(alice: Client) -> None:
    """The rules, each with its words; the kind's fields; an example that is merged already."""
    response = alice.get(PAGE)
    page = shown(response)
    assert json.loads(box(response, "rules")) == kinds.get("plan_edit").merge
    assert json.loads(box(response, "local")) == example("plan_edit")[1]
    assert "A set: what either side adds or removes counts" in page
    assert "uses the rules that the kind brings along" in page
    assert "Rules hold for conflicts from now on." in page
    assert "1 asks a person" in page
    assert "Back to the defaults" not in page
    assert alice.get("/settings/kinds/nothing").status_code == 404


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.all_kinds()])
def test_every_kind_has_its_page(alice: Client, kind: str) -> None:
    """With an example whose merge has something to show."""
    response = alice.get(f"/settings/kinds/{kind}")
    assert response.status_code == 200
    assert re.search(r"\d places differ", shown(response))
    assert f"/settings/kinds/{kind}" in alice.get("/settings/kinds").content.decode()


def test_the_examples_are_documents_of_their_kind() -> None:
    """An example that the kind would refuse explains nothing."""
    for name in EXAMPLES.keys() - {"status_change"}:  # its conflicts are about whole plans
        assert [kinds.get(name).document_faults(document) for document in example(name)] == [[], [], []], name


def test_saving_and_going_back(alice: Client) -> None:
    """What was typed stays in all boxes; the defaults come back with the last rules still in their box."""
    said = {"seen": seen(alice), "organization": "tidewater", "rules": '{"/title": {"value": "local"}}', **DOCUMENTS}
    response = alice.post(PAGE, said | {"do": "save"})
    assert response.status_code == 200
    assert "The rules are saved." in shown(response)
    assert "set by alice" in shown(response)
    assert box(response, "local") == DOCUMENTS["local"]
    assert "1 place differs; the rules settle all of it." in shown(response)
    assert KindRules.objects.unscoped().get().revision == 1
    back = alice.post(PAGE, said | {"seen": seen(alice), "do": "reset"})
    assert "The defaults hold again." in shown(back)
    assert box(back, "rules") == said["rules"]
    assert not KindRules.objects.unscoped().exists()


def test_rules_that_cannot_be_saved(alice: Client) -> None:
    """Each fault stands at the box with its line, nothing typed is lost, and nothing is stored."""
    rules = '{\n  "/a": {"value": "max"},\n  "/b": {"value": "best"},\n  "c": {"list": "set"}\n}'
    response = alice.post(PAGE, {"seen": seen(alice), "rules": rules, "do": "save", **DOCUMENTS})
    page = shown(response)
    assert response.status_code == 422
    assert "The rules were not saved." in page
    assert "Line 3: It is one of conflict, max" in page
    assert "Line 4: A path starts with a slash" in page
    assert (box(response, "rules"), box(response, "remote")) == (rules, DOCUMENTS["remote"])
    assert not KindRules.objects.unscoped().exists()
    for broken, why in (("{", "not valid JSON"), ('{"/a": 1, "/a": 2}', "appears twice"), ("", "not valid JSON")):
        response = alice.post(PAGE, {"seen": seen(alice), "rules": broken, "do": "save"})
        assert response.status_code == 422
        assert why in shown(response)
        assert box(response, "rules") == broken


def test_two_admins(alice: Client) -> None:
    """The second is told who was first, keeps what was typed, and may save it over what is shown now."""
    before = seen(alice)
    alice.post(PAGE, {"seen": before, "rules": '{"/title": {"value": "local"}}', "do": "save"})
    mine = {"seen": before, "rules": '{"/title": {"value": "remote"}}', "do": "save"}
    response = alice.post(PAGE, mine)
    assert response.status_code == 422
    assert "alice changed the rules at" in shown(response)
    assert box(response, "rules") == mine["rules"]
    assert "The local side counts" in shown(response)
    assert alice.post(PAGE, mine | {"seen": seen(alice)}).status_code == 200
    assert KindRules.objects.unscoped().get().rules.count("remote") == 1


def test_trying_out_without_a_script(alice: Client) -> None:
    """The button gives the whole page with the outcome; nothing is stored."""
    response = alice.post(TRY, {"rules": '{"/n": {"value": "sum-delta"}}', "base": '{"n": 1}'} | N)
    page = shown(response)
    assert response.status_code == 200
    assert "merged (sum-delta)" in page
    assert "/n" in page
    assert '"n": 6' in page
    assert not KindRules.objects.unscoped().exists()
    wrong = alice.post(TRY, {"rules": "{}", **DOCUMENTS, "remote": '{"a": 1,\n "a": 2}'})
    assert wrong.status_code == 422
    assert "Line 2: The key appears twice." in shown(wrong)
    assert box(wrong, "remote") == '{"a": 1,\n "a": 2}'


N = {"local": '{"n": 3}', "remote": '{"n": 4}'}


def test_the_fragment(alice: Client) -> None:
    """The script gets the outcome, and the faults of each box, and no page around them."""
    good = alice.post(TRY, {"rules": "{}", **DOCUMENTS}, headers=LIVE).content.decode()
    assert "<html" not in good
    assert "1 place differs; 1 asks a person." in unescape(good)
    bad = alice.post(TRY, {"rules": '{"/a": 7}', **DOCUMENTS, "local": "{"}, headers=LIVE)
    assert bad.status_code == 200
    assert 'id="local-wrong" hx-swap-oob="true"><p class="error">' in bad.content.decode()
    assert 'id="base-wrong" hx-swap-oob="true"></div>' in bad.content.decode()
    assert "2 boxes cannot be read." in shown(bad)


def test_what_is_not_there(alice: Client) -> None:
    """An empty box is a document that does not exist, and null is one that says null."""
    page = shown(alice.post(TRY, {"rules": "{}", "base": '{"a": 1}', "local": "", "remote": '{"a": 2}'}))
    assert "deleted and changed" in page
    gone = shown(alice.post(TRY, {"rules": "{}", "base": '{"a": 1}', "local": "", "remote": '{"a": 1}'}))
    assert "Nothing is left of the document." in gone


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 101 + "]" * 101, "deeper than 100 levels"),
        ('{"a": NaN}', "NaN"),
        ('"\\ud800"', "surrogate"),
        ('"' + "x" * LARGEST + '"', "larger than it may be"),
    ],
)
def test_documents_that_cannot_be(alice: Client, text: str, why: str) -> None:
    """The box says why."""
    response = alice.post(TRY, {"rules": "{}", **DOCUMENTS, "base": text}, headers=LIVE)
    assert response.status_code == 200
    assert why in shown(response)
    assert "1 box cannot be read." in shown(response)


def test_the_largest_boxes_are_taken(alice: Client) -> None:
    """Four boxes of a megabyte fit one request."""
    text = json.dumps({"text": "x" * (LARGEST - 20)})
    response = alice.post(TRY, {"rules": "{}", "base": text, "local": text, "remote": text}, headers=LIVE)
    assert "Nothing differs." in shown(response)


def test_who_may(people: People, alice: Client) -> None:
    """A viewer reads and tries out but finds no way to save; strangers change nothing here; all need to sign in."""
    bob = browser(people.bob)
    page = shown(bob.get(PAGE))
    assert "An admin of Tidewater changes these rules." in page
    assert "Save the rules" not in page
    assert bob.post(TRY, {"rules": "{}", **DOCUMENTS}).status_code == 200
    assert bob.post(PAGE, {"rules": "{}", "do": "save"}).status_code == 403
    charlie = browser(people.charlie)
    assert charlie.post(PAGE, {"rules": "{}", "do": "save", "organization": "tidewater"}).status_code == 400
    assert charlie.get(f"{PAGE}?organization=tidewater").status_code == 400
    assert Client().get(PAGE).status_code == 302
    assert not KindRules.objects.unscoped().exists()


def test_several_organizations(people: People, alice: Client) -> None:
    """Each has its own rules; those that one administers come first."""
    Membership.objects.create(user=people.alice, organization=people.northlight, role=Role.VIEWER.value)
    alice.post(PAGE, {"seen": seen(alice), "organization": "tidewater", "rules": "{}", "do": "save"})
    assert "Tidewater has its own rules" in shown(alice.get(PAGE))
    other = alice.get(f"{PAGE}?organization=northlight")
    assert "Northlight uses the rules that the kind brings along" in shown(other)
    assert "An admin of Northlight changes these rules." in shown(other)
