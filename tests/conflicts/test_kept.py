"""Nothing that somebody chose or wrote is lost: beside a faster one, when the upstream moves, while it is not valid, and afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client

from conflicts.models import Conflict, Draft, Round, decisions_of
from conflicts.states import ConflictState
from portal.kit import jsontext
from tests.conflicts.cases import remote, steps
from tests.conflicts.conftest import Office
from tests.conflicts.test_pages import all_of, asked, moved, post, release, text
from tests.support.conflicts import answer as deliver
from tests.support.conflicts import desk

Enter = Callable[[str], Client]
DIALOG = {"HX-Request": "true", "HX-Target": "conflict"}
LIVE = {"HX-Request": "true", "HX-Target": "live"}
BROKEN = '{"id": "m-2", "title": "My long careful text'


def written(conflict: Conflict) -> dict[str, str]:
    """A form in which each sort of question is answered differently: a hunk written, one taken, JSON that is not valid."""
    one = asked(conflict)
    first, second = [hunk.number for hunk in one["description"].hunks if hunk.asks]
    text_id = one["description"].id
    return all_of(conflict, "local") | {
        f"c.{text_id}.{first}": "edit",
        f"v.{text_id}.{first}": "DORA WROTE THIS. ",
        f"c.{text_id}.{second}": "remote",
        f"c.{one['1'].id}": "edit",
        f"v.{one['1'].id}": BROKEN,
    }


def newer() -> dict[str, Any]:
    """The upstream once more: another status, and other words in the second hunk."""
    plan = remote()
    steps(plan)[0]["status"] = "archived"
    plan["description"] = plan["description"].replace("stop at cut-over", "stop in May")
    return plan


def test_who_is_slower_sees_all_of_it(office: Office, enter: Enter) -> None:
    """The side of each hunk and every text, valid or not, stand beside what was decided: on the page, in the dialog, and later."""
    conflict = office.conflict()
    dora = enter("dora")
    post(enter("alice"), conflict, "confirmed", **all_of(conflict, "remote"))
    answer = dora.post(f"/conflicts/{conflict.pk}", {"do": "send", **written(conflict)})
    assert answer.status_code == 409
    dialog = dora.post(f"/conflicts/{conflict.pk}", {"do": "send", **written(conflict)}, headers=DIALOG)
    assert "data-as-page" in text(dialog)
    for page in map(text, (answer, dialog, dora.get(f"/conflicts/{conflict.pk}"))):
        assert "You had chosen: local." in page
        assert "<b>Hunk 1</b>: written by hand" in page
        assert "<p>DORA WROTE THIS. </p>" in page
        assert "<b>Hunk 2</b>: upstream" in page
        assert "written by hand, not valid JSON" in page
        assert "<p>{&quot;id&quot;: &quot;m-2&quot;, &quot;title&quot;: &quot;My long careful text</p>" in page
    assert "DORA" not in text(enter("alice").get(f"/conflicts/{conflict.pk}"))


def test_the_slower_document_is_shown(office: Office, enter: Enter) -> None:
    """A whole document that was written while somebody else decided stands on the page, to be read and copied."""
    conflict = office.conflict()
    post(enter("alice"), conflict, "confirmed", **all_of(conflict, "remote"))
    answer = post(enter("dora"), conflict, "manual-send", manual='{"title": "Mine', digest=conflict.digest)
    assert answer.status_code == 409
    assert "{&quot;title&quot;: &quot;Mine</textarea>" in text(answer)


def test_an_overruled_rule_is_shown_to_the_slower_one(office: Office, enter: Enter) -> None:
    """An answer to a place that nobody was asked about has no card, and is listed by the place's name."""
    conflict = office.conflict()
    title = next(one for one in decisions_of(conflict) if one.path == "/title")
    fields = all_of(conflict, "local") | {
        f"c.{title.id}": "edit",
        f"v.{title.id}": "A title of mine",
        "paths": jsontext.dump({title.id: "/title"}),
    }
    post(enter("alice"), conflict, "confirmed", **all_of(conflict, "remote"))
    page = text(post(enter("dora"), conflict, "send", **fields))
    assert "What you had written and chosen besides" in page
    assert "<p>A title of mine</p>" in page


def test_a_refusal_leaves_the_page_a_page(office: Office, enter: Enter) -> None:
    """Whoever sends from the page itself gets the page back, with its breadcrumb, not the dialog over the queue."""
    conflict = office.conflict()
    headers = {"HX-Request": "true", "HX-Target": "confirm"}
    for fields in (written(conflict), {"digest": conflict.digest}):
        page = text(enter("alice").post(f"/conflicts/{conflict.pk}", {"do": "send", **fields}, headers=headers))
        assert 'class="crumbs"' in page
        assert "data-as-page" not in page


def test_json_that_is_not_valid_is_kept(office: Office, enter: Enter) -> None:
    """It comes back into its field with what is wrong with it, is told in the counter, and goes when it is mended."""
    conflict = office.conflict()
    client, step = enter("alice"), asked(conflict)["1"]
    kept = {"HX-Request": "true", "HX-Target": "kept"}
    form = {"do": "keep", "digest": conflict.digest, f"c.{step.id}": "edit", f"v.{step.id}": BROKEN}
    part = text(client.post(f"/conflicts/{conflict.pk}", form, headers=kept))
    assert "what you wrote cannot be read as JSON yet." in part
    page = text(client.get(f"/conflicts/{conflict.pk}"))
    assert f'name="c.{step.id}" value="edit" checked' in page
    assert "My long careful text</textarea>" in page
    assert f'aria-invalid="true" aria-describedby="f.{step.id}"' in page
    assert "3 of 3 not yet decided." in page
    assert "What you wrote is kept, and cannot be sent as it is." in page
    post(client, conflict, "save", digest=conflict.digest)
    assert jsontext.load(Draft.objects.unscoped().get().raw) == {step.id: BROKEN}
    form[f"v.{step.id}"] = BROKEN + '"}'
    client.post(f"/conflicts/{conflict.pk}", form, headers=kept)
    assert jsontext.load(Draft.objects.unscoped().get().raw) == {}
    assert "cannot be sent as it is" not in text(client.get(f"/conflicts/{conflict.pk}"))


def test_what_was_decided_is_told_when_it_is_asked_again(office: Office, enter: Enter) -> None:
    """The upstream moved after somebody decided: the page says when and how many, and what had been decided, until it is decided anew."""
    conflict = office.conflict()
    fields = written(conflict) | {f"c.{asked(conflict)['1'].id}": "local"}
    second = [hunk.number for hunk in asked(conflict)["description"].hunks if hunk.asks][1]
    fields |= {f"c.{asked(conflict)['description'].id}.{second}": "edit"}
    fields |= {f"v.{asked(conflict)['description'].id}.{second}": "Old tokens end in April."}
    client = enter("alice")
    post(client, conflict, "confirmed", **fields)
    open_page = text(client.get(f"/conflicts/{conflict.pk}"))
    assert "?was=2" in open_page
    moved(conflict, newer())
    news = text(client.get(f"/conflicts/{conflict.pk}?was=2", headers=LIVE))
    page = text(client.get(f"/conflicts/{conflict.pk}"))
    for shown in (news, page):
        assert "This was changed upstream at" in shown
        assert "after you decided." in shown
        assert "2 of your 3 decisions need another look." in shown
    assert "Show it</a>" in news
    assert '<section id="outcome" hidden>' in news
    assert 'id="conflict-state"' in news
    assert "2 of 3 not yet decided." in page
    assert "Before this changed you had decided: local. Look at it again." in page
    assert "<b>Hunk 2</b>: written by hand" in page
    assert "<p>Old tokens end in April.</p>" in page
    assert "<b>Hunk 1</b>: written by hand" not in page
    other = text(enter("dora").get(f"/conflicts/{conflict.pk}"))
    assert "after alice decided." in other
    assert "2 of 3 decisions need another look." in other
    assert "Before this changed alice had decided" in other
    conflict.refresh_from_db()
    post(client, conflict, "confirmed", **all_of(conflict, "remote"))
    assert "need another look" not in text(client.get(f"/conflicts/{conflict.pk}"))
    post_undo = client.post(f"/conflicts/{conflict.pk}/undo", follow=True)
    assert "need another look" not in text(post_undo)


def test_an_open_page_learns_that_it_was_taken_back(office: Office, enter: Enter) -> None:
    """A page that shows what was decided says so when it is open again for another reason."""
    conflict = office.conflict()
    client = enter("alice")
    post(client, conflict, "confirmed", **all_of(conflict, "remote"))
    client.post(f"/conflicts/{conflict.pk}/undo")
    assert "The resolution was taken back." in text(client.get(f"/conflicts/{conflict.pk}?was=2", headers=LIVE))


def test_a_document_that_is_taken_back_is_in_the_editor(office: Office, enter: Enter) -> None:
    """Undo leads to the editor with the document that was written by hand."""
    conflict = office.conflict()
    client = enter("alice")
    whole = jsontext.dump({"title": "All new"})
    post(client, conflict, "manual-confirmed", manual=whole, digest=conflict.digest)
    back = client.post(f"/conflicts/{conflict.pk}/undo", follow=True)
    assert "The document is as it was written." in text(back)
    assert "&quot;title&quot;: &quot;All new&quot;" in text(back)
    conflict.refresh_from_db()
    assert not conflict.manual


def test_the_page_moves_on_to_delivered(office: Office, enter: Enter) -> None:
    """While it is on its way the page asks every few seconds; then state, breadcrumb and headings are those of a delivered one."""
    conflict = office.conflict()
    client = enter("alice")
    post(client, conflict, "confirmed", **all_of(conflict, "remote"))
    assert "data-soon" in text(client.get(f"/conflicts/{conflict.pk}"))
    release(conflict)
    Conflict.objects.unscoped().update(resolved_at=conflict.opened_at - timedelta(minutes=1))
    at = desk()
    (job,) = at.turn([]).assignments
    part = text(client.get(f"/conflicts/{conflict.pk}?was=2", headers=LIVE))
    assert "Being sent. The upstream has not confirmed it yet." in part
    deliver(at, job)
    conflict.refresh_from_db()
    assert conflict.conflict_state is ConflictState.DELIVERED
    part = text(client.get(f"/conflicts/{conflict.pk}?was=2", headers=LIVE))
    assert "The upstream has it." in part
    assert 'id="conflict-place"' in part
    assert "Delivered" in part
    assert "What was not sent" in part
    assert "What was sent" in part
    assert "data-soon" not in part
    page = text(client.get(f"/conflicts/{conflict.pk}"))
    for shown in (part, page):
        assert "no longer open" not in shown
        assert "meanwhile" not in shown
    assert "Nothing is chosen for you." not in page


def test_a_written_choice_is_shown_as_taken(office: Office, enter: Enter) -> None:
    """Whoever reads the history sees in the card what was written, and that only what it does not hold was left out."""
    conflict = office.conflict()
    description = asked(conflict)["description"]
    first = next(hunk.number for hunk in description.hunks if hunk.asks)
    local_text = description.hunks[first].local
    fields = all_of(conflict, "remote") | {
        f"c.{description.id}.{first}": "edit",
        f"v.{description.id}.{first}": f"Listen: {local_text}",
    }
    client = enter("alice")
    page = text(post(client, conflict, "send", **fields))
    assert "New members see the short tour once." in page
    assert "(replaced by what you wrote)" in page
    assert "and can replay it from Help" not in page.partition("losses")[2]
    post(client, conflict, "confirmed", **fields)
    page = text(enter("bob").get(f"/conflicts/{conflict.pk}"))
    assert "<b>Written by hand</b>" in page
    assert f"<p>Listen: {local_text}</p>" in page
    assert "(replaced by what was written by hand)" in page


def test_earlier_rounds_stay_readable(office: Office, enter: Enter) -> None:
    """Each tells who decided, what it left out, and leads to its documents; a stranger finds none of them."""
    conflict = office.conflict()
    client = enter("alice")
    post(client, conflict, "confirmed", **all_of(conflict, "remote"))
    moved(conflict, newer())
    page = text(enter("bob").get(f"/conflicts/{conflict.pk}"))
    assert "1 earlier round" in page
    assert "Round 1 · Decided by alice" in page
    past = page.partition('id="earlier"')[2]
    assert "Old tokens keep working for 14 days." in past
    number = Round.objects.unscoped().get().number
    address = f"/conflicts/{conflict.pk}/documents/remote?round={number}"
    assert f'href="{address}"' in page
    assert jsontext.parse(client.get(address).content) == remote()
    assert client.get(f"/conflicts/{conflict.pk}/documents/remote?round=99").status_code == 404
    assert enter("charlie").get(address).status_code == 404


def test_a_known_value_is_chosen_from_a_list(office: Office, enter: Enter) -> None:
    """Where the kind's schema names all values, writing is choosing one of them."""
    conflict = office.conflict()
    page = text(enter("alice").get(f"/conflicts/{conflict.pk}"))
    status = asked(conflict)["status"]
    assert f'<select class="input" name="v.{status.id}"' in page
    assert "<option selected>done</option>" in page
    assert "<option>archived</option>" in page


def test_sending_is_not_greyed_by_the_last_load(office: Office, enter: Enter) -> None:
    """Without a script nobody would turn the button on again."""
    page = text(enter("alice").get(f"/conflicts/{office.conflict().pk}"))
    assert "data-send" in page
    assert "aria-disabled" not in page
