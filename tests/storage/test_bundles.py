"""A session as one file: whole on the way out and back, and nothing of a file that is not what it says."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import DataProblem, RungwiseError, StoreProblem, UsageProblem
from engine.records import Evidence, digest
from storage.bundle_format import MANIFEST, safe_path
from storage.store import Store
from tests.engine.review.journals import evidence, say, sound
from tests.tui.reviewed import append, sound_session

SECRET = "Mrs. Ada Example-Surname"
OLD = Path(__file__).parent / "bundle-v1.rungwise"


@pytest.fixture
def session(store: Store, data: Path) -> str:
    """A session with a branch, a file that evidence names, and a thread."""
    model = store.artifacts.keep(b"a fitted model", "application/vnd.rungwise.model")
    kept = evidence("final", "final", {"artifact": model, "parameters": 46})
    name = sound_session(store, data)
    append(store, name, [say("present.export", "kept", evidence=("final",))], [kept])
    store.sessions.fork(name, "main", 9, "costs")
    append(store, name, [say("problem.costs", {"false_negative": 5})])
    about = store.journal(name, "main").decisions()[8].hash
    asked = store.comments.add(1, "berg", "Why not costs?", about=about, mark="question")
    store.comments.add(1, "trainee", "They are on a branch now.", answers=asked)
    return name


@pytest.fixture
def bundle(store: Store, session: str, tmp_path: Path) -> Path:
    file = tmp_path / "churn.rungwise"
    store.bundles.write(session, file, ())
    return file


@pytest.fixture
def elsewhere(tmp_path: Path, clock):
    with Store.open(tmp_path / "elsewhere" / "s.sqlite3", now=clock) as opened:
        yield opened


def lines(store: Store, session: str) -> dict:
    return {b.name: store.journal(session, b.name).decisions() for b in store.sessions.branches(session)}


def said(store: Store, session: int = 1) -> set:
    return {(c.uid, c.author, c.mark, c.text, c.at, c.about, c.seq, c.answers) for c in store.comments.of(session)}


def everything(store: Store) -> dict:
    tables = ("session", "branch", "decision", "comment", "evidence", "imported_evidence", "artifact", "dataset")
    return {table: store._connection.rows(f"select * from {table}") for table in tables}


# -- there and back ------------------------------------------------------------------------------------------------


def test_a_session_comes_out_as_it_went_in(store, session, bundle, elsewhere):
    got = elsewhere.bundles.read(bundle)
    assert (got.session, got.made, got.decisions, got.comments) == ("churn", True, 38, 2)
    assert lines(elsewhere, "churn") == lines(store, session)
    assert elsewhere.sessions.get("churn").branch == "costs"
    assert said(elsewhere) == said(store)
    assert elsewhere.verify() == []
    record, here = elsewhere.record("churn", "main"), store.record(session, "main")
    assert [list(record.cited(d)) for d in record.decisions] == [list(here.cited(d)) for d in here.decisions]
    model = next(e for e in record.cited(record.decisions[-1])).value["artifact"]
    assert elsewhere.artifacts.fetch(model) == b"a fitted model"


def test_taken_in_twice_it_adds_nothing(elsewhere, bundle):
    elsewhere.bundles.read(bundle)
    before = everything(elsewhere)
    again = elsewhere.bundles.read(bundle)
    assert (again.made, again.decisions, again.comments, again.branches) == (False, 0, 0, ())
    assert everything(elsewhere) == before


def test_comments_travel_back_and_forth_without_loss_or_duplicates(store, session, bundle, elsewhere, tmp_path, clock):
    elsewhere.bundles.read(bundle)
    clock.seconds += 1
    mentor = elsewhere.comments.threads(1)[0].first
    elsewhere.comments.add(1, "berg", "", answers=mentor.id, mark="resolved")
    elsewhere.comments.add(1, "berg", "And who calls?", mark="question")
    clock.seconds += 1
    store.comments.add(1, "trainee", "We talked about it.", mark="")
    back = tmp_path / "back.rungwise"
    elsewhere.bundles.write("churn", back, ())
    assert store.bundles.read(back).comments == 2
    store.bundles.write(session, tmp_path / "again.rungwise", ())
    assert elsewhere.bundles.read(tmp_path / "again.rungwise").comments == 1
    assert {c[:6] for c in said(store)} == {c[:6] for c in said(elsewhere)}
    assert len(store.comments.of(1)) == 5
    assert [(t.open, len(t.replies)) for t in store.comments.threads(1)] == [(False, 2), (True, 0), (False, 0)]


def test_what_went_on_elsewhere_comes_back_on_its_branch_and_what_parted_on_one_of_its_own(
    store, session, bundle, elsewhere, tmp_path
):
    elsewhere.bundles.read(bundle)
    append(elsewhere, "churn", [say("problem.latency", 5)])  # costs, gone on with there
    elsewhere.sessions.switch("churn", "main")
    append(elsewhere, "churn", [say("present.next", "monitor")])
    append(store, session, [say("problem.latency", 900)])  # costs, gone on with otherwise here
    elsewhere.bundles.write("churn", tmp_path / "back.rungwise", ())
    got = store.bundles.read(tmp_path / "back.rungwise")
    assert (got.decisions, set(got.branches)) == (2, {"main", "costs-2"})
    assert lines(store, session)["main"][-1].question == "present.next"
    assert [lines(store, session)[b][-1].choice for b in ("costs", "costs-2")] == [900, 5]
    assert store.sessions.get(session).branch == "costs"  # what is open stays open
    assert store.verify() == []


def test_branches_begun_and_not_yet_gone_on_with_travel_and_are_open_there_too(store, session, elsewhere, tmp_path):
    store.sessions.fork(session, "main", 5, "begun")
    store.sessions.abandon(session, "begun", "Nobody had the time", "ann")
    end = store.sessions.fork(session, "main", 37, "at the end").name
    file, later = tmp_path / "begun.rungwise", tmp_path / "later.rungwise"
    store.bundles.write(session, file, ())
    got = elsewhere.bundles.read(file)
    assert (got.made, elsewhere.sessions.get("churn").branch) == (True, end)
    assert lines(elsewhere, "churn") == lines(store, session)
    assert [n.text for n in elsewhere.sessions.notes.of(elsewhere.sessions.branch("churn", "begun").id)] == [
        "Nobody had the time"
    ]
    before = everything(elsewhere)
    elsewhere.bundles.read(file)
    assert everything(elsewhere) == before
    append(store, session, [say("present.next", "monitor")])  # on the branch that left the other at its end
    store.bundles.write(session, later, ())
    assert elsewhere.bundles.read(later).branches == (end,)
    assert lines(elsewhere, "churn") == lines(store, session)
    assert elsewhere.verify() == []


def test_a_branch_that_left_another_at_its_end_stays_another(store, session, elsewhere, tmp_path, bundle):
    elsewhere.bundles.read(bundle)
    store.sessions.fork(session, "main", 37, "at the end")
    append(store, session, [say("present.next", "monitor")])
    store.bundles.write(session, tmp_path / "b.rungwise", ())
    for _ in range(2):
        elsewhere.bundles.read(tmp_path / "b.rungwise")
        assert lines(elsewhere, "churn") == lines(store, session)


def test_a_session_without_decisions_travels_under_its_branchs_name(store, churn, elsewhere, tmp_path):
    store.sessions.rename(churn, "main", "first", "ann")
    store.bundles.write(churn, tmp_path / "empty.rungwise", ())
    elsewhere.bundles.read(tmp_path / "empty.rungwise")
    assert lines(elsewhere, churn) == {"first": ()}


def test_what_somebody_else_measured_never_serves_a_session_of_ones_own(elsewhere, bundle, data):
    elsewhere.bundles.read(bundle)
    key = digest("split")
    assert elsewhere.evidence_of("churn").get(key) is not None
    assert elsewhere.evidence.get(key) is None
    own = elsewhere.sessions.create("own", elsewhere.datasets.record(data)).name
    assert elsewhere.evidence_of(own).get(key) is None
    mine = Evidence(key, "split", {"classes": {"mine": 1}})
    elsewhere.evidence_at_work.put(mine)
    assert elsewhere.evidence_of(own).get(key) == mine
    assert elsewhere.evidence_of("churn").get(key) != mine


def test_a_name_that_is_taken_and_the_session_that_is_open_are_respected(
    store, session, bundle, elsewhere, data, clock
):
    elsewhere.sessions.create("churn", elsewhere.datasets.record(data))
    assert elsewhere.bundles.read(bundle).session == "churn-2"
    with (
        Store.open(store.path, now=clock) as other,
        other.hold(session),
        pytest.raises(StoreProblem, match="another window"),
    ):
        store.bundles.read(bundle)


# -- redaction and data --------------------------------------------------------------------------------------------


def test_redaction_leaves_out_raw_values_and_the_rest_can_be_verified_and_reviewed(store, data, tmp_path, elsewhere):
    rows = store.artifacts.keep(json.dumps({"rows": [[SECRET]]}).encode(), "application/vnd.rungwise.rows+json")
    shows = (
        evidence(
            "profile", "profile", {"columns": [{"name": "who", "top": [[SECRET, 2]], "max": 77.25}], "digest": rows}
        ),
        evidence("split", "split", {"classes": {SECRET: 60, "no": 40}, "note": SECRET}),
        evidence("errors", "errors", {"worst": [{"label": SECRET}], "slices": [{"slice": SECRET}]}),
    )
    name = sound_session(store, data)
    append(store, name, [say("data.ids:who", "drop", evidence=("profile", "errors"))], shows)
    append(store, name, [say("data.more", "no", evidence=("split",))], shows)
    file = tmp_path / "redacted.rungwise"
    made = store.bundles.write(name, file, (), redact=True)
    assert made.artifacts == 0
    with zipfile.ZipFile(file) as archive:
        inside = b"".join(archive.read(n) for n in archive.namelist())
    assert SECRET.encode() not in inside
    assert b"77.25" not in inside
    got = elsewhere.bundles.read(file)
    assert got.redacted
    assert elsewhere.verify() == []
    record = elsewhere.record(name)
    assert "left out" in next(e for d in record.decisions for e in record.cited(d, "profile")).error
    assert record.value("simple.champion", "cross_validate")["intervals"] == {"roc_auc": [0.8, 0, 1]}
    assert dict(record.classes) == {"class 1": 60, "class 2": 40}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_data_come_along_where_wanted_and_are_what_they_were(store, data, tmp_path, elsewhere, kind):
    place = data
    if kind == "folder":
        place = tmp_path / "letters"
        for name, text in (("yes/a.txt", "Dear all"), ("no/b.txt", "Goodbye")):
            (place / name).parent.mkdir(parents=True)
            (place / name).write_text(text)
    name = sound_session(store, place)
    file = tmp_path / "with.rungwise"
    assert store.bundles.write(name, file, (), data=True).data
    wanted = store.sessions.get(name).dataset
    content = place.read_bytes() if kind == "file" else None
    shutil.rmtree(place) if kind == "folder" else place.unlink()
    got = elsewhere.bundles.read(file)
    assert got.data is not None
    assert elsewhere.datasets.path(wanted) == got.data
    assert content is None or got.data.read_bytes() == content
    assert elsewhere.bundles.read(file).data is None  # there already


def test_both_at_once_and_a_file_that_is_there_are_refused(store, session, bundle, tmp_path):
    with pytest.raises(UsageProblem, match="choose one"):
        store.bundles.write(session, tmp_path / "x", (), data=True, redact=True)
    before = bundle.read_bytes()
    with pytest.raises(UsageProblem, match="there already"):
        store.bundles.write(session, bundle, ())
    assert bundle.read_bytes() == before


def test_no_bundle_is_made_of_a_session_that_was_changed_by_hand(store, session, tmp_path):
    """Nobody could take it in, and whoever hands it on would hear of it from them."""
    with store._connection.write() as db:
        db.execute("drop trigger decision_no_update")
        db.execute("update decision set why = 'because' where seq = 7")
    with pytest.raises(StoreProblem, match=r"decision 7 .*hash does not fit.*rungwise verify") as caught:
        store.bundles.write(session, tmp_path / "x.rungwise", ())
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "x.rungwise").exists()


def test_a_bundle_of_the_first_version_is_still_read(elsewhere):
    got = elsewhere.bundles.read(OLD)
    assert (got.decisions, got.comments) == (38, 2)
    assert elsewhere.verify() == []


# -- from strangers ------------------------------------------------------------------------------------------------


def changed(bundle: Path, change: Callable[[dict[str, bytes]], None], *, honest: bool = True) -> Path:
    """A bundle with other members.  honest: the manifest is made to fit, as a forger would."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if honest and MANIFEST in members:
        manifest = json.loads(members[MANIFEST])
        manifest["members"] = [
            {"name": n, "bytes": len(b), "sha256": hashlib.sha256(b).hexdigest()}
            for n, b in members.items() if n != MANIFEST
        ]  # fmt: skip
        members[MANIFEST] = json.dumps(manifest).encode()
    file = bundle.with_name("changed.rungwise")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def refused(store: Store, file: Path, *says: str) -> None:
    before, beside = everything(store), sorted(p for p in store.path.parent.rglob("*") if p.is_file())
    with pytest.raises(DataProblem) as caught:
        store.bundles.read(file)
    sentence = str(caught.value)
    assert all(words in sentence for words in says), sentence
    assert len(sentence.splitlines()) == 1
    assert everything(store) == before
    assert sorted(p for p in store.path.parent.rglob("*") if p.is_file()) == beside


def edit(name: str, old: bytes, new: bytes):
    def change(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return change


def put(name: str, content: bytes):
    return lambda members: members.update({name: content})


def manifest(**fields: object):
    def change(members: dict[str, bytes]) -> None:
        members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | fields).encode()

    return change


FORGED = {
    "a why rewritten": (edit("decisions.jsonl", b"order counts most", b"size counts most"), "was changed"),
    "a decision taken out": (lambda m: m.update({"decisions.jsonl": b"".join(
        m["decisions.jsonl"].splitlines(keepends=True)[1:])}), "was changed"),
    "evidence changed": (edit("evidence.jsonl", b"cross_validate", b"cross_validatf"), "evidence was changed"),
    "evidence taken out": (put("evidence.jsonl", b""), "is missing"),
    "a comment on nothing": (edit("comments.jsonl", b'"about": "', b'"about": "0'), "about nothing"),
    "a mark of its own": (edit("comments.jsonl", b'"question"', b'"praise"'), "about nothing"),
    "an author on two lines": (edit("comments.jsonl", b'"berg"', b'"be\\nrg"'), "no name"),
    "a file under another name": (put(f"artifacts/{'0' * 64}", b"x"), "not the file"),
    "a pickle for a model": (put("artifacts/model.pkl", pickle.dumps({"a": 1})), "belongs in no bundle"),
    "a name that escapes": (put("../../evil.txt", b"x"), "belongs in no bundle"),
    "data that escape": (put("data/../../evil.txt", b"x"), "belongs in no bundle"),
    "data that nobody named": (put("data/extra.csv", b"x"), "its data"),
    "an absolute name": (put("/etc/evil", b"x"), "belongs in no bundle"),
    "no manifest": (lambda m: m.pop(MANIFEST), "no manifest"),
    "another format": (manifest(format="something"), "something else"),
    "a newer version": (manifest(version=2), "update Rungwise"),
    "a version in words": (manifest(version="one"), "no number"),
    "a branch twice": (edit("session.json", b'"name": "costs"', b'"name": "MAIN"'), "same name"),
    "a name with escapes": (edit("session.json", b'"name": "churn"', b'"name": "\\u001b[31m"'), "no name"),
    "deep nesting": (put("session.json", b"[" * 100_000), "no JSON"),
    "not a number": (put("comments.jsonl", b'{"at": NaN}'), "no JSON"),
    "a list for a record": (put("comments.jsonl", b"[1]"), "no record"),
    "session of nothing": (put("session.json", b"null"), "a record is not"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED, ids=str)
def test_a_forged_bundle_is_refused_in_one_sentence_and_nothing_is_written(bundle, elsewhere, forgery):
    change, says = FORGED[forgery]
    refused(elsewhere, changed(bundle, change), says, "changed.rungwise")


def test_a_manifest_that_does_not_fit_is_refused(bundle, elsewhere):
    refused(elsewhere, changed(bundle, put("comments.jsonl", b""), honest=False), "comments.jsonl is not as long")
    refused(elsewhere, changed(bundle, put(f"artifacts/{'1' * 64}", b""), honest=False), "its manifest names")


def test_a_bomb_is_refused_before_it_is_unpacked(bundle, elsewhere, monkeypatch):
    monkeypatch.setattr("storage.bundle_format.ROOM", 2**20)
    file = changed(bundle, put("comments.jsonl", b" " * 40_000_000))
    assert file.stat().st_size < 200_000
    refused(elsewhere, file, "would unpack to more than")
    monkeypatch.setattr("storage.bundle_format.MOST_TEXT", 10_000)
    refused(elsewhere, bundle, "is larger than")
    monkeypatch.setattr("storage.bundle_format.MOST_MEMBERS", 3)
    refused(elsewhere, bundle, "more than 3")


def test_a_member_that_stands_twice_is_refused(bundle, elsewhere):
    file = changed(bundle, lambda members: None)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("comments.jsonl", b"")
    refused(elsewhere, file)


def test_data_that_are_not_those_of_the_session_are_refused(store, data, tmp_path, elsewhere):
    name, file = sound_session(store, data), tmp_path / "with.rungwise"
    store.bundles.write(name, file, (), data=True)
    refused(elsewhere, changed(file, put("data/data.csv", b"a,b\n1,2\n")), "another fingerprint")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"SQLite format 3\0" + b"\0" * 100])
def test_what_is_no_bundle_is_told(tmp_path, elsewhere, content):
    file = tmp_path / "x.rungwise"
    file.write_bytes(content)
    refused(elsewhere, file, "is no whole bundle")
    refused(elsewhere, tmp_path, "is a folder")
    refused(elsewhere, tmp_path / "none", "is not there")


def test_hostile_text_in_every_field_is_kept_as_text(store, data, tmp_path, elsewhere):
    hostile = "[red]x[/] \x1b[2J \u202e \ud800 <script>" + "y" * 5000
    d = replace(sound()["problem.metric"], why=hostile, choice=hostile, reason=hostile, prompt=hostile)
    name = sound_session(store, data, d)
    store.bundles.write(name, tmp_path / "h.rungwise", ())
    elsewhere.bundles.read(tmp_path / "h.rungwise")
    assert lines(elsewhere, name) == lines(store, name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [("data/a.csv", True), ("data/a/b c.txt", True), ("data/ü.csv", True), ("data/", False), ("data/../x", False),
     ("data/./x", False), ("data//x", False), ("data/a\\b", False), ("data/c:x", False), ("data/x\0", False),
     ("data/ x", False), ("data/x.", False), ("data/" + "y" * 300, False), ("other/x", False), ("data/a\nb", False)],
)  # fmt: skip
def test_which_names_stay_in_their_folder(name, safe):
    assert safe_path(name) is safe


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1), kind=st.sampled_from(["flip", "cut", "insert", "drop"]), byte=st.integers(1, 255))
@example(where=0.0, kind="cut", byte=1)
@example(where=0.999, kind="cut", byte=1)
def test_damage_anywhere_is_told_in_one_sentence_or_harms_nothing(bundle, store, elsewhere, where, kind, byte):
    whole = bundle.read_bytes()
    at = min(int(where * len(whole)), len(whole) - 1)
    damaged = {
        "flip": whole[:at] + bytes([whole[at] ^ byte]) + whole[at + 1 :],
        "cut": whole[:at],
        "insert": whole[:at] + bytes([byte]) * 7 + whole[at:],
        "drop": whole[:at] + whole[at + 5 :],
    }[kind]
    file = bundle.with_name("damaged.rungwise")
    file.write_bytes(damaged)
    before = everything(elsewhere)
    sentence = ""
    try:
        elsewhere.bundles.read(file)
    except RungwiseError as problem:
        sentence = str(problem)
    if sentence:
        assert len(sentence.splitlines()) == 1
        assert everything(elsewhere) == before
    else:
        assert lines(elsewhere, "churn") == lines(store, "churn")
        assert elsewhere.verify() == []


def test_the_bundle_is_read_without_unpickling(bundle, elsewhere, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, never)
    with suppress(DataProblem):
        elsewhere.bundles.read(
            changed(bundle, put("artifacts/" + hashlib.sha256(io.BytesIO(b"x").read()).hexdigest(), b"x"))
        )
    assert elsewhere.sessions.names() == ["churn"]
