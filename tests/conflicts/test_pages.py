"""The conflict pages as plain forms: what is shown, kept, refused and sent, for whom, and how fast."""

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from conflicts.actions.resolve import Resolution, resolve
from conflicts.core import merge
from conflicts.models import Conflict, Draft
from conflicts.states import ConflictState
from portal.kit import jsontext
from syncqueue.models import Item, Lane
from tests.conflicts.cases import PLAN, local, many, remote, steps
from tests.conflicts.conftest import Office
from tests.support.conflicts import desk, refuse

Enter = Callable[[str], Client]


def asked(conflict: Conflict) -> dict[str, Any]:
    """The decisions that ask, by the end of their path."""
    decisions = merge(*conflict.documents(), conflict.read_rules()).conflicts
    return {one.path.rpartition("/")[2]: one for one in decisions}


def all_of(conflict: Conflict, side: str) -> dict[str, str]:
    """The fields that choose one side everywhere."""
    fields = {"digest": conflict.digest}
    for one in asked(conflict).values():
        names = [f"{one.id}.{hunk.number}" for hunk in one.hunks if hunk.asks] or [one.id]
        fields |= {f"c.{name}": side for name in names}
    return fields


def post(client: Client, conflict: Conflict, do: str, **fields: str) -> HttpResponse:
    """The answer to the form of a conflict."""
    return client.post(f"/conflicts/{conflict.pk}", {"do": do, **fields})


def text(answer: HttpResponse) -> str:
    """What the page holds."""
    return answer.content.decode()


def test_the_inbox_shows_what_waits(office: Office, enter: Enter) -> None:
    """Open ones stand first with their decisions and how many need a person; the navigation counts them."""
    conflict = office.conflict()
    page = text(enter("bob").get("/conflicts"))
    assert "Onboarding revamp" in page
    assert "3 need you" in page
    assert f"/conflicts/{conflict.pk}" in page
    assert "need a decision" in page


def test_an_empty_inbox_has_proof(office: Office, enter: Enter) -> None:
    """With nothing open, it says how many rules settled and when the last conflict came."""
    assert "No conflicts yet." in text(enter("alice").get("/conflicts"))
    plan = {**PLAN, "due": "2027-01-01"}
    office.conflict(local=plan, remote={**PLAN, "title": "Other"})
    page = text(enter("alice").get("/conflicts"))
    assert "No conflict needs you." in page
    assert "1 was settled by rule" in page
    assert "By rule, 2 decisions." in page


def test_a_filter_narrows_the_inbox(office: Office, enter: Enter) -> None:
    """State, upstream and kind are parts of the address; a state that there is not is refused."""
    office.conflict()
    client = enter("alice")
    assert "Onboarding revamp" in text(client.get("/conflicts?upstream=plans-api&kind=plan_edit&state=open"))
    assert "Onboarding revamp" not in text(client.get("/conflicts?kind=status_change"))
    assert client.get("/conflicts?state=silly").status_code == 400


def test_places_have_names(office: Office, enter: Enter) -> None:
    """A place is called by its field and its item, with the pointer beside it; words that changed are marked."""
    page = text(enter("alice").get(f"/conflicts/{office.conflict().pk}"))
    assert "Status of “Verify webhook signature”" in page
    assert "/phases/0/microsteps/0/status" in page
    assert "Microstep “Migrate legacy tokens”" in page
    assert "<del>active</del> <ins>done</ins>" in page.replace("</del><ins>", "</del> <ins>")
    assert "Accepting the deletion loses what changed here: Notes." in page
    assert "touches AC-5" in page
    assert "AC-3" in page


def test_nothing_is_chosen_for_anybody(office: Office, enter: Enter) -> None:
    """No radio of a fresh conflict is checked."""
    page = text(enter("alice").get(f"/conflicts/{office.conflict().pk}"))
    assert 'type="radio"' in page
    assert " checked" not in page


def test_who_may_only_look_sees_everything_without_controls(office: Office, enter: Enter) -> None:
    """bob sees the sides but no radio and no button; his form is refused; charlie finds nothing."""
    conflict = office.conflict()
    page = text(enter("bob").get(f"/conflicts/{conflict.pk}"))
    assert "Status of “Verify webhook signature”" in page
    assert 'type="radio"' not in page
    assert "Send resolution" not in page
    assert post(enter("bob"), conflict, "send", **all_of(conflict, "local")).status_code == 403
    assert enter("charlie").get(f"/conflicts/{conflict.pk}").status_code == 404
    assert enter("charlie").get(f"/conflicts/{conflict.pk}/documents/remote").status_code == 404
    assert enter("charlie").get(f"/conflicts/of/{conflict.item_id}").status_code == 404
    assert post(enter("charlie"), conflict, "send").status_code == 404


def test_a_draft_is_kept(office: Office, enter: Enter) -> None:
    """ "Save and leave" keeps what was chosen, for this person; another one is told that somebody decides too."""
    conflict = office.conflict()
    status = asked(conflict)["status"]
    answer = post(enter("alice"), conflict, "save", **{f"c.{status.id}": "remote", "digest": conflict.digest})
    assert answer["Location"] == "/conflicts"
    page = text(enter("alice").get(f"/conflicts/{conflict.pk}"))
    assert f'name="c.{status.id}" value="remote" checked' in page
    assert "2 of 3 not yet decided." in page
    other = text(enter("dora").get(f"/conflicts/{conflict.pk}"))
    assert "alice is deciding too, 1 of 3 decided" in other
    assert " checked" not in other
    assert "alice is deciding." in text(enter("dora").get("/conflicts"))


def test_what_is_not_chosen_any_more_is_forgotten(office: Office, enter: Enter) -> None:
    """A script tells which questions are open again."""
    conflict = office.conflict()
    status = asked(conflict)["status"]
    client = enter("alice")
    post(client, conflict, "keep", **{f"c.{status.id}": "remote"})
    post(client, conflict, "keep", x=status.id)
    assert jsontext.load(Draft.objects.unscoped().get().choices) == {}


def test_all_of_one_side(office: Office, enter: Enter) -> None:
    """ "Keep all local" fills every question, which can then be changed and sent."""
    conflict = office.conflict()
    client = enter("alice")
    post(client, conflict, "local", digest=conflict.digest)
    assert "All is decided." in text(client.get(f"/conflicts/{conflict.pk}"))
    answer = post(client, conflict, "confirmed", digest=conflict.digest)
    assert answer.status_code == 302
    sent = Conflict.objects.unscoped().get().read_result()
    assert steps(sent)[0]["status"] == "done"
    assert sent["description"] == local()["description"]


def test_an_unfinished_form_is_not_sent(office: Office, enter: Enter) -> None:
    """The page comes back with links to what is open, and with what was chosen."""
    conflict = office.conflict()
    status = asked(conflict)["status"]
    answer = post(enter("alice"), conflict, "send", **{f"c.{status.id}": "local", "digest": conflict.digest})
    assert answer.status_code == 422
    page = text(answer)
    assert "2 decisions are not made yet. Nothing was sent." in page
    assert f'href="#d-{asked(conflict)["1"].id}"' in page
    assert f'name="c.{status.id}" value="local" checked' in page


def test_sending_names_what_is_left_out(office: Office, enter: Enter) -> None:
    """What a side wrote and will not be sent is named first; the same form, confirmed, is sent; undo takes it back."""
    conflict = office.conflict()
    client = enter("alice")
    answer = post(client, conflict, "send", **all_of(conflict, "remote"))
    page = text(answer)
    assert "These 4 values will not be sent" in page
    assert "Notes: Batch of 500, at night." in page
    assert Conflict.objects.unscoped().get().conflict_state is ConflictState.OPEN
    choices = Draft.objects.unscoped().get().choices
    answer = client.post(
        f"/conflicts/{conflict.pk}", {"do": "confirmed", "digest": conflict.digest, "choices": choices}
    )
    assert answer["Location"] == f"/conflicts/{conflict.pk}"
    page = text(client.get(answer["Location"]))
    assert "It goes out in" in page
    assert "Decided by alice" in page
    assert "What will not be sent" in page
    assert "The document that will be sent" in page
    back = client.post(f"/conflicts/{conflict.pk}/undo", follow=True)
    assert "Taken back, nothing was sent." in text(back)
    assert "All is decided." in text(back)
    assert Item.objects.unscoped().get(pk=conflict.item_id).item_state.slug == "conflict"


def test_the_second_one_is_told_who_was_faster(office: Office, enter: Enter) -> None:
    """Whose form comes later sees what was decided, and the own choices beside it; nothing of it is sent."""
    conflict = office.conflict()
    dora = enter("dora")
    post(enter("alice"), conflict, "confirmed", **all_of(conflict, "remote"))
    sent = Conflict.objects.unscoped().get().result
    answer = post(dora, conflict, "confirmed", **all_of(conflict, "local"))
    assert answer.status_code == 409
    page = text(answer)
    assert "alice was faster" in page
    assert "You had chosen: local." in page
    assert Conflict.objects.unscoped().get().result == sent


def release(conflict: Conflict) -> None:
    """The seconds in which it can be taken back are over."""
    items = Item.objects.unscoped().filter(pk=conflict.item_id)
    items.update(retry_at=None)
    Lane.objects.filter(pk=items.get().lane_id).update(ready_at=conflict.opened_at)


def moved(conflict: Conflict, found: Any) -> None:
    """The resolution goes out and meets another version."""
    at = desk()
    release(conflict)
    job = next(one for one in at.turn([]).assignments if one.item_id == conflict.item_id)
    refuse(at, job, found, '"10"')


def test_answers_stay_when_the_upstream_moved(office: Office, enter: Enter) -> None:
    """What was decided on values that changed meanwhile asks again, told with the earlier answer; the rest stays chosen."""
    conflict = office.conflict()
    resolution = Resolution(choices={one.id: "local" for one in asked(conflict).values()})
    resolve(viewer=office.alice, conflict_id=conflict.pk, digest=conflict.digest, resolution=resolution)
    newer = remote()
    steps(newer)[0]["status"] = "archived"
    moved(conflict, newer)
    conflict.refresh_from_db()
    page = text(enter("alice").get(f"/conflicts/{conflict.pk}"))
    assert conflict.conflict_state is ConflictState.OPEN
    assert "1 of 3 not yet decided." in page


def test_an_old_form_is_not_sent(office: Office, enter: Enter) -> None:
    """A form that was opened before the upstream moved is refused; what still stands of it stays ticked."""
    conflict = office.conflict()
    status = asked(conflict)["status"]
    fields = all_of(conflict, "local") | {"paths": jsontext.dump({status.id: status.path})}
    newer = remote()
    steps(newer)[0]["status"] = "archived"
    Conflict.objects.unscoped().update(remote=jsontext.dump(newer), digest="another")
    answer = post(enter("alice"), conflict, "send", **fields)
    page = text(answer)
    assert answer.status_code == 409
    assert "This was changed upstream" in page
    assert "1 of your 3 decisions needs another look." in page
    assert "Before this changed you had decided: local." in page
    step = asked(conflict)["1"]
    assert f'name="c.{step.id}" value="local" checked' in page
    assert f'name="c.{status.id}"' not in page


def test_what_was_written_wrongly_stays(office: Office, enter: Enter) -> None:
    """JSON that cannot be read is refused at its place, and the text is still in the field."""
    conflict = office.conflict()
    step = asked(conflict)["1"]
    answer = post(
        enter("alice"),
        conflict,
        "send",
        **{f"c.{step.id}": "edit", f"v.{step.id}": '{"id": NaN', "digest": conflict.digest},
    )
    page = text(answer)
    assert answer.status_code == 422
    assert "{&quot;id&quot;: NaN" in page
    assert f'aria-describedby="f.{step.id}"' in page


def test_what_breaks_the_schema_stays(office: Office, enter: Enter) -> None:
    """A value that does not fit the kind is refused with its place; everything that was chosen stays."""
    conflict = office.conflict()
    status = asked(conflict)["status"]
    fields = all_of(conflict, "local") | {f"c.{status.id}": "edit", f"v.{status.id}": "nearly"}
    answer = post(enter("alice"), conflict, "send", **fields)
    page = text(answer)
    assert answer.status_code == 422
    assert f'<a href="#d-{status.id}">Status of “Verify webhook signature”: ' in page
    assert "/result/" not in page
    assert f'aria-invalid="true" aria-describedby="f.{status.id}"' in page
    assert "<option selected>nearly</option>" in page


def test_an_unknown_decision_is_refused(office: Office, enter: Enter) -> None:
    """A choice for a decision that there is not is no choice; the others stay on the screen."""
    conflict = office.conflict()
    fields = all_of(conflict, "local") | {"c.0123456789abcdef": "local"}
    answer = post(enter("alice"), conflict, "send", **fields)
    assert answer.status_code == 422
    assert "There is no such decision in this conflict." in text(answer)
    assert 'value="local" checked' in text(answer)


def test_a_text_is_written_by_hand(office: Office, enter: Enter) -> None:
    """One hunk is written, the other taken; the sentences between them stand."""
    conflict = office.conflict()
    description = asked(conflict)["description"]
    first, second = [hunk.number for hunk in description.hunks if hunk.asks]
    fields = all_of(conflict, "local") | {
        f"c.{description.id}.{first}": "edit",
        f"v.{description.id}.{first}": "Everybody sees the tour. ",
        f"c.{description.id}.{second}": "remote",
    }
    post(enter("alice"), conflict, "confirmed", **fields)
    assert Conflict.objects.unscoped().get().read_result()["description"] == (
        "The first week decides. Everybody sees the tour. The tour has five stops. Old tokens stop at cut-over."
    )


def test_the_whole_document_is_written_by_hand(office: Office, enter: Enter) -> None:
    """The editor holds the preview; what is wrong in it is told and stays; what it leaves out is named; then it is sent."""
    conflict = office.conflict()
    client = enter("alice")
    page = text(client.get(f"/conflicts/{conflict.pk}?manual=1"))
    assert '<textarea class="mono" id="manual"' in page
    answer = post(client, conflict, "manual-send", manual='{"title": 1, "title": 2}', digest=conflict.digest)
    assert answer.status_code == 422
    assert "The key appears twice." in text(answer)
    assert "{&quot;title&quot;: 1" in text(answer)
    answer = post(client, conflict, "manual-send", manual='{"title": ""}', digest=conflict.digest)
    assert answer.status_code == 422
    assert "<code>/title</code>" in text(answer)
    whole = jsontext.dump({"title": "All new"})
    answer = post(client, conflict, "manual-send", manual=whole, digest=conflict.digest)
    assert "values will not be sent" in text(answer)
    post(client, conflict, "manual-confirmed", manual=whole, digest=conflict.digest)
    assert Conflict.objects.unscoped().get().read_result() == {"title": "All new"}
    assert "Merged by hand by alice" in text(client.get(f"/conflicts/{conflict.pk}"))


def test_what_was_written_by_hand_waits(office: Office, enter: Enter) -> None:
    """The editor's text is kept while one goes back to the decisions; a text beyond all measure is refused and stays."""
    conflict = office.conflict()
    client, status = enter("alice"), asked(conflict)["status"]
    post(client, conflict, "manual-leave", manual="{half", digest=conflict.digest)
    post(client, conflict, "keep", **{f"c.{status.id}": "local"}, digest=conflict.digest)
    assert ">\n{half</textarea>" in text(client.get(f"/conflicts/{conflict.pk}?manual=1"))
    post(client, conflict, "manual-anew", manual="{half", digest=conflict.digest)
    assert "{half" not in text(client.get(f"/conflicts/{conflict.pk}?manual=1"))
    huge = "x" * (5 * 1024 * 1024)
    answer = post(client, conflict, "manual-send", manual=huge, digest=conflict.digest)
    assert answer.status_code == 422
    assert "larger than Breakwater accepts" in text(answer)
    assert huge in text(answer)


def test_a_rule_can_be_overruled(office: Office, enter: Enter) -> None:
    """What a rule settled is opened like a question, with the rule's answer chosen, and can be chosen differently."""
    conflict = office.conflict()
    title = next(one for one in merge(*conflict.documents(), conflict.read_rules()).decisions if one.path == "/title")
    client = enter("alice")
    answer = post(client, conflict, f"open:{title.id}", digest=conflict.digest)
    page = text(client.get(answer["Location"]))
    assert f'name="c.{title.id}" value="rule" checked' in page
    fields = all_of(conflict, "local") | {f"c.{title.id}": "base"}
    post(client, conflict, "confirmed", **fields)
    assert Conflict.objects.unscoped().get().read_result()["title"] == "Onboarding revamp"


def test_the_documents_can_be_read(office: Office, enter: Enter) -> None:
    """Each side, a place of it, and a decision's value are a link away, as text."""
    conflict = office.conflict()
    client = enter("bob")
    address = f"/conflicts/{conflict.pk}/documents"
    assert jsontext.parse(client.get(f"{address}/local").content) == local()
    assert client.get(f"{address}/remote?at=/title&raw=1").content == b"Onboarding revamp, phase 2"
    status = asked(conflict)["status"]
    assert client.get(f"{address}/local?d={status.id}&raw=1").content == b"done"
    assert client.get(f"{address}/nothing").status_code == 404
    assert jsontext.parse(client.get(f"{address}/result").content)["title"] == "Onboarding revamp, phase 2"


def test_an_item_that_was_merged_tells_how(office: Office, enter: Enter) -> None:
    """A merge that needed nobody is listed on its item's page with each rule and both values."""
    plan = {**PLAN, "due": "2027-01-01"}
    conflict = office.conflict(local=plan, remote={**PLAN, "title": "Other"})
    page = text(enter("bob").get(f"/resilience/queue/{conflict.item_id}"))
    assert "Merged by rule: 2 places" in page
    assert "Changed at the upstream only." in page
    assert "2027-01-01" in page


def test_a_conflict_is_reached_from_the_queue(office: Office, enter: Enter) -> None:
    """Row and item lead to the conflict by an address of their own."""
    conflict = office.conflict()
    client = enter("alice")
    assert f"/conflicts/of/{conflict.item_id}" in text(client.get("/resilience/queue"))
    assert client.get(f"/conflicts/of/{conflict.item_id}")["Location"] == f"/conflicts/{conflict.pk}"
    assert f"/conflicts/{conflict.pk}" in text(client.get(f"/resilience/queue/{conflict.item_id}"))
    assert 'href="/conflicts"' in text(client.get("/"))


def test_the_page_learns_of_changes(office: Office, enter: Enter) -> None:
    """The live fragment says when the upstream moved or somebody else decided, without the form."""
    conflict = office.conflict()
    client = enter("alice")
    said = {"HX-Request": "true", "HX-Target": "live"}
    address = f"/conflicts/{conflict.pk}?seen="
    assert "changed this again" not in text(client.get(address + conflict.digest, headers=said))
    page = text(client.get(f"{address}older", headers=said))
    assert "The upstream changed this again while you decide." in page
    assert "<form" not in page.replace('<form method="post" action="/logout"', "")
    post(enter("dora"), conflict, "confirmed", **all_of(conflict, "local"))
    assert "dora has decided this meanwhile." in text(client.get(address + conflict.digest, headers=said))
    assert "meanwhile" not in text(client.get(f"/conflicts/{conflict.pk}", headers=said))


def test_an_open_page_is_not_mixed_with_what_is_new(office: Office, enter: Enter) -> None:
    """When a choice is kept on a page that is out of date, only the news comes back, and the choice is kept all the same."""
    conflict = office.conflict()
    client, status = enter("alice"), asked(conflict)["status"]
    said = {"HX-Request": "true", "HX-Target": "kept"}
    fields = {"do": "keep", f"c.{status.id}": "remote"}
    page = text(client.post(f"/conflicts/{conflict.pk}", fields | {"digest": conflict.digest}, headers=said))
    assert "2 of 3 not yet decided." in page
    page = text(client.post(f"/conflicts/{conflict.pk}", fields | {"digest": "older"}, headers=said))
    assert "The upstream changed this again while you decide." in page
    assert 'id="tally"' not in page
    post(enter("dora"), conflict, "confirmed", **all_of(conflict, "local"))
    page = text(client.post(f"/conflicts/{conflict.pk}", fields | {"digest": conflict.digest}, headers=said))
    assert "dora has decided this meanwhile." in page
    assert 'id="tally"' not in page
    assert status.id in Draft.objects.unscoped().get().choices


@pytest.mark.parametrize("window", [0, 160])
def test_a_large_conflict_is_quick_and_small(office: Office, enter: Enter, window: int) -> None:
    """With 200 decisions a page takes less than 300 ms on the server and less than 150 KB; all of them can be answered."""
    base, here, there = many(200)
    conflict = office.conflict(base=base, local=here, remote=there)
    assert conflict.asks == 200
    client = enter("alice")
    took = 9.0
    for _attempt in range(5):  # the least of them: others work on this machine too
        began = process_time()
        answer = client.get(f"/conflicts/{conflict.pk}?from={window}")
        took = min(process_time() - began, took)
    assert took < 0.3
    assert len(answer.content) < 150_000
    assert f"Questions {window + 1} to {window + 40} of 200" in text(answer)
    assert text(answer).count("<fieldset") == 40
    post(client, conflict, "local", digest=conflict.digest)
    assert post(client, conflict, "confirmed", digest=conflict.digest).status_code == 302


def test_long_texts_make_shorter_pages(office: Office, enter: Enter) -> None:
    """Where each question is long, fewer of them stand on a page, which stays under 150 KB; buttons lead on and back."""
    base, here, there = many(200)
    for number, plan in enumerate((base, here, there)):
        for step in steps(plan):
            step["title"] = "Step"
            step["notes"] = f"{step['id']} of side {number}. " + "It goes on and on. " * 100
    conflict = office.conflict(base=base, local=here, remote=there)
    client = enter("alice")
    page = text(client.get(f"/conflicts/{conflict.pk}"))
    assert len(page.encode()) < 150_000
    assert 4 < page.count("data-card") < 40
    following = int(page.rpartition(" data-next-page")[0].rpartition('value="go:')[2].split('"')[0])
    answer = post(client, conflict, f"go:{following}", digest=conflict.digest)
    page = text(client.get(answer["Location"]))
    assert f"Questions {following + 1} to" in page
    assert 'value="go:0" data-prev-page' in page


def test_all_that_rules_settled_can_be_reached(office: Office, enter: Enter) -> None:
    """What rules settled is listed in parts; a part further on can be opened, without losing what was chosen."""
    base, here, there = many(100)
    for step in steps(there)[1:]:
        step["title"] = step["title"].removesuffix(", there")
    conflict = office.conflict(base=base, local=here, remote=there)
    assert (conflict.decisions, conflict.asks) == (100, 1)
    client = enter("alice")
    assert "Title of “Step number 45, here”" not in text(client.get(f"/conflicts/{conflict.pk}"))
    answer = post(client, conflict, "settled:40", **all_of(conflict, "local"))
    page = text(client.get(answer["Location"]))
    assert "Title of “Step number 45”" in page
    assert "All is decided." in page
