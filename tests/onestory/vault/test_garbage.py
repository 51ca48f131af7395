"""Garbage collection on a real gateway: what is circled, or ever was, outlives everything."""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minio import Minio

from deployments.studio.addresses import Addresses
from onestory.documents import Digest, canonical_json, digest_of
from onestory.engines.take import Comparison, GateResult, Media, Take, Verdict
from onestory.errors import CorruptBlobError, OrderError
from onestory.memory.lineage import Remembered
from onestory.production.recipes import recipe_for
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take
from onestory.vault import garbage, store
from onestory.vault.garbage import Garbage, Policy, Why, discard, find_garbage
from onestory.vault.ledger import SNAPSHOT_EVERY_EVENTS, Ledger, fold
from onestory.vault.store import Vault, hex_of

SHOT = "sc01-sh001"
GATES = digest_of(b"gates")
UNASKED = Policy()
"""Only what no ledger reaches goes."""
ALL = Policy(older_than=timedelta(0), keep_bytes=0)
"""As greedy as a policy can be."""


@pytest.mark.parametrize("number", [0.0, 1.5, None])
def test_what_is_ordered_is_the_policy(number: float | None) -> None:
    """In days, bytes and hours; nothing ordered is no reason, and zero is one."""
    policy = Policy.ordered(
        older_than_days=number,
        keep_bytes=None if number is None else int(number * 2),
        grace_hours=12,
    )

    wanted = (None, None) if number is None else (timedelta(hours=24 * number), int(number * 2))
    assert (policy.older_than, policy.keep_bytes) == wanted
    assert policy.grace == timedelta(days=0.5)


@pytest.mark.parametrize("wrong", [(-1.0, None, 1.0), (None, -1, 1.0), (None, None, -1.0)])
def test_a_negative_order_is_refused(wrong: tuple[float | None, int | None, float]) -> None:
    """An age or a size below zero would take everything, or nothing."""
    days, size, hours = wrong
    with pytest.raises(OrderError, match="cannot be negative"):
        Policy.ordered(older_than_days=days, keep_bytes=size, grace_hours=hours)


@pytest.fixture(name="own")
def _own(gateway: Addresses) -> Vault:
    """A vault that no other test sees: gc looks at all of it."""
    return own_vault(gateway)


def own_vault(gateway: Addresses) -> Vault:
    """A bucket of one's own on the real gateway."""
    vault = Vault(replace(gateway.vault_address(), bucket=f"gc-{secrets.token_hex(6)}"))
    vault.prepare()
    return vault


def later(days: float = 30) -> datetime:
    """A day on which everything that lies in the vault is old."""
    return datetime.now(UTC) + timedelta(days=days)


def collect(vault: Vault, policy: Policy = UNASKED, *, days: float = 30) -> Garbage:
    """Find and delete, on a later day."""
    found = find_garbage(vault, policy, now=later(days))
    discard(vault, found)
    return found


def filmed(vault: Vault, seed: int, *, remembers: Sequence[Take] = (), num_bytes: int = 1) -> Take:
    """A whole take in the vault, with media, measures and a verdict of its own."""
    episode = tiny_episode()
    keyframe = vault.put_blob(f"keyframe {seed}".encode())
    recipe = recipe_for(
        episode.shots[0], episode, tiny_read(episode).shots[0], tiny_filming(seed=seed)
    ).model_copy(update={"keyframe": keyframe, "keyframe_by": "user"})
    names = ("video", "poster", "first_frame", "last_frame", "latents")
    blobs = {name: vault.put_blob(f"{name} {seed} ".encode() * num_bytes) for name in names}
    media = tiny_take(recipe).media.model_copy(update=blobs)
    lineage = tuple(
        Remembered(
            take=one.address,
            frame_index=0,
            latent=digest_of(b"frame"),
            position=place,
            level=0,
            score=1.0,
        )
        for place, one in enumerate(remembers)
    )
    take = tiny_take(recipe).model_copy(update={"media": media, "lineage": lineage})
    vault.put_measures(take.address, {"black": 0.0})
    vault.put_verdict(verdict_of(take))
    vault.put_take(take)
    return take


def verdict_of(take: Take) -> Verdict:
    """A verdict that passed."""
    result = GateResult(gate="black", value=0, threshold=1, unit="share of frames", is_passed=True)
    return Verdict(take=take.address, gates=GATES, results=(result,))


def blobs_of(take: Take) -> list[Digest]:
    """Every blob that a take names."""
    media: Media = take.media
    named = [media.video, media.poster, media.first_frame, media.last_frame]
    return [*named, *(blob for blob in (media.latents, take.recipe.keyframe) if blob)]


def is_whole(vault: Vault, take: Take) -> bool:
    """Whether the take, its media and what was found out about it lie there."""
    return (
        vault.find_take(take.address) == take
        and all(vault.has_blob(blob) for blob in blobs_of(take))
        and vault.find_measures(take.address) is not None
        and vault.find_verdict(take.address, Comparison().question(GATES)) is not None
    )


def is_gone(vault: Vault, take: Take) -> bool:
    """Whether nothing of the take is left."""
    return (
        vault.find_take(take.address) is None
        and not any(vault.has_blob(blob) for blob in blobs_of(take))
        and vault.find_measures(take.address) is None
        and vault.find_verdict(take.address, Comparison().question(GATES)) is None
    )


def enter(ledger: Ledger, *takes: Take, shot: str = SHOT) -> None:
    """Enter takes into the coverage of a shot."""
    for take in takes:
        ledger.rendered(shot, prefix="s01e01", address=take.address, rung=0)


def circle(ledger: Ledger, take: Take, *, shot: str = SHOT) -> None:
    """Enter and circle a take."""
    enter(ledger, take, shot=shot)
    ledger.circle(shot, address=take.address, by="gates", why="passed")


def broken_links(vault: Vault) -> list[str]:
    """Documents in the vault that name a blob which is not there."""
    keys = vault.list_keys("")
    there = {"sha256:" + key[6:].replace("/", "") for key in keys if key.startswith("blobs/")}
    takes = [Take.from_json(content) for _, content in vault.read_keys(under(keys, "takes/"))]
    broken = [take.slate for take in takes if not there.issuperset(blobs_of(take))]
    papers = {key.split("/")[1][:64] for key in under(keys, "verdicts/")}
    broken += sorted(papers - {hex_of(take.address) for take in takes})
    for key, content in vault.read_keys(under(keys, "lookups/")):
        broken += [key for named in garbage._digests(content) if named not in there]
    return broken


def under(keys: Sequence[str], prefix: str) -> list[str]:
    """Keys that begin so."""
    return [key for key in keys if key.startswith(prefix)]


def test_a_circled_take_and_all_that_it_remembered_stay(own: Vault) -> None:
    """However greedy the policy, and though the remembered take is circled nowhere."""
    first = filmed(own, 1)
    second = filmed(own, 2, remembers=[first])
    third = filmed(own, 3, remembers=[second])
    circle(Ledger(own, "tiny"), third)

    found = collect(own, ALL)

    assert [is_whole(own, take) for take in (first, second, third)] == [True] * 3
    assert found.condemned == ()
    assert (found.num_held_takes, found.num_uncircled_takes) == (3, 0)


def test_whatever_was_circled_in_any_version_stays(own: Vault) -> None:
    """Takes that were replaced or rejected can be restored by a revert, for ever."""
    replaced, rejected, now = (filmed(own, seed) for seed in (1, 2, 3))
    ledger = Ledger(own, "tiny")
    circle(ledger, replaced)
    circle(ledger, rejected)
    circle(ledger, now)

    collect(own, ALL)
    ledger.revert(2)

    assert [is_whole(own, take) for take in (replaced, rejected, now)] == [True] * 3


def test_a_take_that_no_ledger_knows_goes_with_all_that_is_its_own(own: Vault) -> None:
    """What another take names, too, stays."""
    circled, stray = filmed(own, 1), filmed(own, 2)
    shared = stray.media.model_copy(update={"poster": circled.media.poster})
    stray = stray.model_copy(update={"media": shared})
    own.put_take(stray)
    circle(Ledger(own, "tiny"), circled)

    found = collect(own, days=2)

    assert is_whole(own, circled)
    assert own.find_take(stray.address) is None
    assert [own.has_blob(blob) for blob in blobs_of(stray)] == [False, True, *[False] * 4]
    assert Why.UNKNOWN_TAKE in {one.why for one in found.condemned}
    assert not under(own.list_keys(""), f"verdicts/{hex_of(stray.address)}")
    assert not under(own.list_keys(""), f"measures/{hex_of(stray.address)}")


def test_what_was_put_a_moment_ago_stays(own: Vault) -> None:
    """A take on its way into a ledger is not forgotten by anybody, nor one just entered."""
    stray, entered = filmed(own, 1), filmed(own, 2)
    enter(Ledger(own, "tiny"), entered)
    blob = own.put_blob(b"half a take")
    own.put_lookup("voice", digest_of(b"line"), {"blob": own.put_blob(b"hello")})
    own.put_measures(digest_of(b"a take that is being put"), {"black": 0.0})

    found = collect(own, ALL, days=0.9)

    assert found.condemned == ()
    assert is_whole(own, stray)
    assert is_whole(own, entered)
    assert own.has_blob(blob)


def test_a_blob_that_was_never_named_goes_when_no_link_opens_it(own: Vault) -> None:
    """A dailies page is named by its link alone, which lives a week."""
    page = own.put_blob(b"<html>")

    kept = collect(own, days=7)
    gone = collect(own, days=7.3)

    assert kept.condemned == ()
    assert [one.why for one in gone.condemned] == [Why.UNNAMED]
    assert not own.has_blob(page)


def test_uncircled_takes_stay_unless_asked_for(own: Vault) -> None:
    """Without a policy, gc deletes no take that a ledger knows, of whatever age."""
    spare = filmed(own, 1)
    ledger = Ledger(own, "tiny")
    enter(ledger, spare)

    kept = collect(own, days=999)
    still = collect(own, Policy(older_than=timedelta(days=31)))
    assert kept.condemned == still.condemned == ()
    assert (kept.num_held_takes, kept.num_uncircled_takes) == (0, 1)
    assert is_whole(own, spare)
    gone = collect(own, Policy(older_than=timedelta(days=29)))

    assert is_gone(own, spare)
    assert Why.OLD_TAKE in {one.why for one in gone.condemned}
    assert len(Ledger(own, "tiny").state.shots[SHOT].takes) == 1


def test_of_uncircled_takes_the_newest_stay(own: Vault) -> None:
    """As many as fit into the size asked for; none that is older than one which does not."""
    ledger = Ledger(own, "tiny")
    old, middle, new, circled = (
        aged(own, seed, num_bytes=num_bytes)
        for seed, num_bytes in ((1, 10), (2, 900), (3, 10), (4, 900))
    )
    enter(ledger, old, middle, new)
    circle(ledger, circled)

    found = collect(own, Policy(keep_bytes=2_000))

    assert is_whole(own, new)
    assert is_gone(own, middle)
    assert is_gone(own, old)
    assert is_whole(own, circled)
    assert Why.SURPLUS_TAKE in {one.why for one in found.condemned}


def aged(vault: Vault, seed: int, *, num_bytes: int) -> Take:
    """A take, and a pause after it that shows in its age."""
    take = filmed(vault, seed, num_bytes=num_bytes)
    time.sleep(1.05)
    return take


def test_documents_wait_as_long_as_films_are_made(own: Vault) -> None:
    """A producer may find any take by its recipe and circle it in the next moment."""
    stray, spare = filmed(own, 1), filmed(own, 2)
    enter(Ledger(own, "tiny"), spare)
    own.put_lookup("voice", digest_of(b"line"), {"blob": own.put_blob(b"hello")})
    page = own.put_blob(b"<html>")

    found = find_garbage(own, ALL, now=later(), is_filming=True)
    discard(own, found)

    assert is_whole(own, stray)
    assert is_whole(own, spare)
    assert not broken_links(own)
    assert not own.has_blob(page)
    assert found.num_waiting == 3


def test_a_blob_that_is_put_again_counts_as_new(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds that his bytes lie there already has them as long as if he had put them."""
    content = b"x" * (store.SMALL_BYTES + 1)
    key = "blobs/{}/{}".format(*_split(own.put_blob(content)))
    first = own.modified_at(key)
    time.sleep(1.1)
    own.put_blob(content)
    unchanged = own.modified_at(key)
    monkeypatch.setattr(store, "TOUCHED_WITHIN", timedelta(seconds=1))

    own.put_blob(content)

    assert first == unchanged
    assert own.modified_at(key) != first


def test_a_blob_is_as_old_as_its_last_put(own: Vault) -> None:
    """It outlives an old take that nobody knows, for it may belong to a new one already."""
    stray = aged(own, 1, num_bytes=1)
    time.sleep(1)
    again = own.put_blob(own.get_blob(stray.media.video))
    old = own.modified_at(f"takes/{hex_of(stray.address)}.json")
    assert old is not None

    found = find_garbage(own, ALL, now=old + garbage.GRACE + timedelta(seconds=1))
    discard(own, found)

    assert own.find_take(stray.address) is None
    assert [blob for blob in blobs_of(stray) if own.has_blob(blob)] == [again]


def _split(digest: Digest) -> tuple[str, str]:
    return hex_of(digest)[:2], hex_of(digest)[2:]


def test_what_is_put_between_finding_and_deleting_stays(own: Vault) -> None:
    """A producer that comes back to its film in that moment finds it whole."""
    stray = filmed(own, 1)
    page = own.put_blob(b"<html>")
    found = find_garbage(own, ALL, now=later())
    time.sleep(1.1)
    again = filmed(own, 1)

    discard(own, found)

    assert stray == again
    assert own.find_take(stray.address) == again
    assert all(own.has_blob(blob) for blob in blobs_of(again))
    assert not own.has_blob(page)


def test_answers_go_when_no_ledger_uses_them(own: Vault) -> None:
    """A voice that is heard and a film that was delivered stay, with all their files."""
    heard, unheard = own.put_blob(b"hello"), own.put_blob(b"hullo")
    film, subtitles, other = (own.put_blob(name) for name in (b"mp4", b"srt", b"other mp4"))
    for line, blob in ((b"1", heard), (b"2", unheard)):
        own.put_lookup("voice", digest_of(line), {"blob": blob})
    own.put_lookup("delivery", digest_of(b"1"), {"files": {"a.mp4": film, "a.srt": subtitles}})
    own.put_lookup("delivery", digest_of(b"2"), {"files": {"a.mp4": other}})
    read = own.put_blob(canonical_json({"shots": [{"lines": [{"audio": heard}]}]}))
    sheet = own.put_blob(canonical_json({"table_read": read}))
    ledger = Ledger(own, "tiny")
    ledger.broken_down(title="Tiny", episode=own.put_blob(b"{}"), sheet=sheet)
    ledger.delivered(film)

    collect(own, days=2)

    assert own.find_lookup("voice", digest_of(b"1"))
    assert own.find_lookup("delivery", digest_of(b"1"))
    assert own.find_lookup("voice", digest_of(b"2")) is None
    assert own.find_lookup("delivery", digest_of(b"2")) is None
    assert all(own.has_blob(blob) for blob in (heard, film, subtitles, read, sheet))
    assert not own.has_blob(unheard)
    assert not own.has_blob(other)


def test_a_keyframe_stays_with_its_shot(own: Vault) -> None:
    """Of every version: one that was drawn anew can be restored."""
    old, new = own.put_blob(b"old frame"), own.put_blob(b"new frame")
    ledger = Ledger(own, "tiny")
    ledger.keyframe(SHOT, old, recipe=digest_of(b"recipe"))
    ledger.keyframe(SHOT, new, recipe=digest_of(b"recipe 2"))

    collect(own, ALL)

    assert own.has_blob(old)
    assert own.has_blob(new)


def test_ledgers_and_what_gc_does_not_know_stay(own: Vault) -> None:
    """Only the newest snapshot is of use; a folder of a later version is nobody's garbage."""
    ledger = Ledger(own, "tiny")
    for number in range(2 * SNAPSHOT_EVERY_EVENTS):
        blob = digest_of(str(number).encode())
        ledger.keyframe(SHOT, blob, recipe=blob)
        if number % SNAPSHOT_EVERY_EVENTS == SNAPSHOT_EVERY_EVENTS - 1:
            ledger.delivered(digest_of(str(number).encode()))
    own.put_new("tomorrow/something.json", b"{}")
    before = own.list_keys("")
    assert collect(own, ALL, days=0.9).condemned == (), "a reader may know the old one only"

    collect(own, ALL)

    gone = set(before) - set(own.list_keys(""))
    assert len(under(before, "snapshots/")) == 2
    assert gone == set(under(before, "snapshots/")[:1])
    assert Ledger(own, "tiny").state == ledger.state


def test_quarantined_media_goes_by_age_only(own: Vault) -> None:
    """It is evidence: nobody deletes it unasked."""
    own.quarantine(b"not a film", slate="s01e01-sc01-sh001-tk01")

    unasked = collect(own, days=999)
    asked = collect(own, Policy(older_than=timedelta(days=5)))

    assert unasked.condemned == ()
    assert [one.why for one in asked.condemned] == [Why.OLD_QUARANTINE]
    assert not own.list_keys("quarantine/")


def test_a_damaged_call_sheet_stops_everything(own: Vault) -> None:
    """What it holds is not known, so nothing is deleted."""
    sheet = own.put_blob(canonical_json({"table_read": digest_of(b"x")}))
    Ledger(own, "tiny").broken_down(title="Tiny", episode=sheet, sheet=sheet)
    page = own.put_blob(b"<html>")
    address = own.address
    client = Minio(address.endpoint, address.access_key, address.secret_key, secure=False)
    key = "blobs/{}/{}".format(*_split(sheet))
    client.put_object(address.bucket, key, BytesIO(b"{}"), 2)

    with pytest.raises(CorruptBlobError, match="holds 2 bytes that hash to"):
        collect(own, ALL)

    assert own.has_blob(page)


def test_a_gc_that_is_killed_leaves_nothing_broken(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whichever object it is killed: every take is whole or gone, and the next goes on."""
    monkeypatch.setattr(garbage, "BATCH", 1)
    stray, spare, circled = (filmed(own, seed) for seed in (1, 2, 3))
    ledger = Ledger(own, "tiny")
    enter(ledger, spare)
    circle(ledger, circled)
    own.put_lookup("voice", digest_of(b"line"), {"blob": own.put_blob(b"hello")})
    states: list[list[str]] = []

    def killed(_: object) -> None:
        states.append(broken_links(own))
        if len(states) % 5 == 0:
            raise KeyboardInterrupt

    for _ in range(9):
        try:
            discard(own, find_garbage(own, ALL, now=later()), on_batch=killed)
            break
        except KeyboardInterrupt:
            continue

    assert len(states) > 15
    assert not any(states)
    assert is_gone(own, stray)
    assert is_gone(own, spare)
    assert is_whole(own, circled)
    assert find_garbage(own, ALL, now=later()).condemned == ()
    assert not under(own.list_keys(""), "lookups/"), "an emptied folder is no object"


def test_two_gcs_at_once_delete_the_same(own: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither stumbles over what the other one has deleted already."""
    monkeypatch.setattr(garbage, "BATCH", 2)
    strays = [filmed(own, seed) for seed in range(4)]
    circled = filmed(own, 9)
    circle(Ledger(own, "tiny"), circled)
    errors: list[BaseException] = []

    def sweep() -> None:
        try:
            collect(own, ALL)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not happen
            errors.append(error)

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert all(is_gone(own, take) for take in strays)
    assert is_whole(own, circled)


def test_gc_beside_a_producer_takes_nothing_from_it(own: Vault) -> None:
    """Take after take is put, entered and circled while gc sweeps greedily, again and again."""
    policy = replace(ALL, grace=timedelta(seconds=8))
    over = threading.Event()
    swept: list[Garbage] = []

    def sweep() -> None:
        while not over.is_set():
            swept.append(find_garbage(own, policy, now=datetime.now(UTC)))
            discard(own, swept[-1])

    stray = filmed(own, 99)
    sweeping = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in sweeping:
        thread.start()
    ledger, takes = Ledger(own, "tiny"), []
    deadline = time.monotonic() + 240
    try:
        while own.find_take(stray.address) is not None or len(takes) <= 5:
            assert time.monotonic() < deadline, f"nothing was swept beside {len(takes)} takes"
            takes.append(filmed(own, len(takes), remembers=takes[-1:]))
            circle(ledger, takes[-1])
            time.sleep(0.2)
    finally:
        over.set()
        for thread in sweeping:
            thread.join()

    assert any(found.condemned for found in swept)
    assert all(is_whole(own, take) for take in takes)


def closure(takes: Sequence[Take], address: Digest) -> Iterator[Take]:
    """A take and all that it remembered, however indirectly."""
    take = next(one for one in takes if one.address == address)
    yield take
    for frame in take.lineage:
        yield from closure(takes, frame.take)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "circle", "circle", "revert"]),
        st.sampled_from(["one", "two"]),
        st.sampled_from([SHOT, "sc01-sh002"]),
        st.integers(0, 4),
    ),
    max_size=9,
)


@given(STEPS, st.lists(st.integers(0, 4), min_size=5, max_size=5))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_version_of_every_episode_can_be_filmed_on(
    gateway: Addresses, steps: list[tuple[str, str, str, int]], memories: list[int]
) -> None:
    """Whatever happened to two episodes, no circled take of any version lacks anything."""
    vault = own_vault(gateway)
    takes: list[Take] = []
    for seed, memory in enumerate(memories):
        takes.append(filmed(vault, seed, remembers=takes[memory : memory + 1]))
    ledgers = {name: Ledger(vault, name) for name in ("one", "two")}
    for verb, episode, shot, number in steps:
        ledger = ledgers[episode]
        if verb == "revert" and ledger.state.sequence:
            ledger.revert(1 + number % ledger.state.sequence)
        elif verb == "enter":
            enter(ledger, takes[number], shot=shot)
        elif verb == "circle":
            circle(ledger, takes[number], shot=shot)

    collect(vault, ALL)

    held: set[Digest] = set()
    for ledger in ledgers.values():
        events = ledger.history()
        for version in range(1, len(events) + 1):
            for coverage in fold(events[:version]).shots.values():
                if coverage.circled:
                    held |= {one.address for one in closure(takes, coverage.circled.address)}
    for take in takes:
        assert is_whole(vault, take) if take.address in held else is_gone(vault, take)
