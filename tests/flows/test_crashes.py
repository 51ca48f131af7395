"""Kill -9 of everything that can be killed: run again, and the film is complete."""

import time
from pathlib import Path

import pytest

from deployments.studio.embedded import status
from deployments.studio.settings import StudioSettings
from onestory.cut.probe import probe_video
from onestory.testing.producing import Producer, kill_tree, shot_list

pytestmark = pytest.mark.studio

ACTIONS = ("waves", "sits down", "dances", "jumps")


def whole(document: dict[str, object]) -> bool:
    """Whether the film holds every frame of every shot."""
    return probe_video(Path(str(document["film"])), decode=True).num_frames == 24 * len(ACTIONS)


def kill_service(settings: StudioSettings, name: str) -> None:
    """Kill -9 one service of the studio, with whatever it has started."""
    service = next(one for one in status(settings).services if one.name == name)
    assert service.pid is not None
    kill_tree(service.pid)


def test_killing_the_flow_in_the_middle_of_a_shot(slow_producer: Producer, episode_id: str) -> None:
    """The next run renders what was not finished, and nothing that was."""
    script = shot_list(slow_producer.out, episode_id, ACTIONS)
    first = slow_producer.start(script)
    first.wait_for("on the floor", times=3)
    time.sleep(0.4)
    first.kill()

    code, document = slow_producer.produce(script)

    assert code == 0, document
    assert whole(document)
    assert [shot["takes"] for shot in document["shots"]] == [1] * 4
    assert document["rendered"] <= 2, "the two finished takes were found"
    assert document["rendered"] + document["reused"] == 4


def test_killing_the_flow_while_it_delivers(slow_producer: Producer, episode_id: str) -> None:
    """No half-written film is left in the folder, and no take is rendered again."""
    script = shot_list(slow_producer.out, episode_id, ACTIONS)
    first = slow_producer.start(script)
    first.wait_for("circled", times=4)
    time.sleep(0.5)
    first.kill()
    films = list(slow_producer.out.glob(f"{episode_id}/episode.mp4"))
    assert all(probe_video(film, decode=True).num_frames == 96 for film in films)

    code, document = slow_producer.produce(script)

    assert (code, document["rendered"]) == (0, 0)
    assert whole(document)
    assert not list(slow_producer.out.glob(f"{episode_id}/.*/film"))


@pytest.mark.parametrize("service", ["gateway", "prefect", "engine"])
def test_killing_a_service_in_the_middle_of_a_film(
    slow_producer: Producer, full_studio: StudioSettings, episode_id: str, service: str
) -> None:
    """The studio is mended while the flow waits; at the latest the next run completes the film."""
    script = shot_list(slow_producer.out, episode_id, ACTIONS)
    first = slow_producer.start(script)
    first.wait_for("circled", times=1)
    time.sleep(0.3)
    kill_service(full_studio, service)
    code, document = first.finish()
    if code != 0:
        code, document = slow_producer.produce(script)

    assert code == 0, document
    assert whole(document)
    assert [shot["takes"] for shot in document["shots"]] == [1] * 4


@pytest.mark.parametrize("seconds", [1.25, 1.35, 1.45])
def test_killing_the_gateway_while_a_take_is_uploaded(
    slow_producer: Producer, full_studio: StudioSettings, episode_id: str, seconds: float
) -> None:
    """A take that was cut off on its way into the vault is rendered once more, and whole."""
    script = shot_list(slow_producer.out, episode_id, ACTIONS)
    first = slow_producer.start(script)
    first.wait_for("on the floor", times=2)
    time.sleep(seconds)  # the render ends after about 1.3 s, and is uploaded
    kill_service(full_studio, "gateway")
    code, document = first.finish()
    if code != 0:
        code, document = slow_producer.produce(script)

    assert code == 0, document
    assert whole(document)
    assert [shot["takes"] for shot in document["shots"]] == [1] * 4


def test_a_second_producer_of_the_same_episode_is_refused(
    slow_producer: Producer, episode_id: str
) -> None:
    """One works, the other is told so in a sentence; the film is whole."""
    script = shot_list(slow_producer.out, episode_id, ACTIONS)
    first = slow_producer.start(script)
    first.wait_for("on the floor")

    with first.halted(slow_producer.home):
        code, document = slow_producer.produce(script)

    assert code == 1
    assert document["error"]["kind"] == "EpisodeBusyError"
    assert first.finish()[0] == 0


def test_two_producers_share_one_studio(slow_producer: Producer, episode_id: str) -> None:
    """Two episodes at once, one set of services, two whole films."""
    runs = [
        slow_producer.start(shot_list(slow_producer.out, f"{episode_id}-{letter}", ACTIONS))
        for letter in "ab"
    ]

    finished = [run.finish() for run in runs]

    assert [code for code, _ in finished] == [0, 0]
    assert all(whole(document) for _, document in finished)


def test_a_damaged_video_is_found_and_rendered_again(producer: Producer, episode_id: str) -> None:
    """A flipped bit in the vault ends in no film; the next run renders that take anew."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    _, first = producer.produce(script)
    damage(producer, first["shots"][1]["recipe"])

    refused, answer = producer.produce(script, "--burn-subtitles")
    code, second = producer.produce(script, "--burn-subtitles")

    assert (refused, answer["error"]["kind"]) == (1, "CorruptBlobError")
    assert (code, second["rendered"]) == (0, 1)
    assert second["shots"] == first["shots"]
    assert whole(second)


def damage(producer: Producer, recipe: str) -> None:
    """Flip bits of a take's video where it lies."""
    import io

    from minio import Minio

    from deployments.studio.embedded import ensure_studio
    from deployments.studio.settings import read_settings
    from onestory.documents import Digest
    from onestory.vault.store import Vault

    addresses = ensure_studio(
        read_settings(home=producer.home, engine=producer.engine, engine_options=producer.options)
    )
    where = addresses.vault_address()
    vault = Vault(where)
    blob = vault.get_take(Digest(recipe)).media.video
    content = bytearray(vault.get_blob(blob))
    content[len(content) // 2] ^= 0xFF
    digits = blob.removeprefix("sha256:")
    client = Minio(where.endpoint, where.access_key, where.secret_key, secure=where.secure)
    key = f"blobs/{digits[:2]}/{digits[2:]}"
    client.put_object(where.bucket, key, io.BytesIO(bytes(content)), len(content))
