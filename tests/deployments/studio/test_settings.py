"""Where settings come from, and what they refuse."""

from pathlib import Path

import pytest

from deployments.studio.settings import read_settings
from onestory.errors import StudioError

WHOLE = {
    "ONESTORY_PREFECT_API_URL": "http://studio:4200/api",
    "ONESTORY_MINIO_ENDPOINT": "studio:9000",
    "ONESTORY_MINIO_ACCESS_KEY": "crew",
    "ONESTORY_MINIO_SECRET_KEY": "hush-hush",
    "ONESTORY_MLFLOW_TRACKING_URI": "http://studio:5000",
}
"""The environment of a configured studio."""


def test_nothing_configured_is_embedded(tmp_path: Path) -> None:
    """A newcomer without any setting gets an embedded studio in the working directory."""
    settings = read_settings()

    assert settings.is_embedded
    assert settings.home == tmp_path / ".onestory"
    assert settings.engine == "pocket"


def test_flag_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest place wins: command line, environment, project file, default."""
    (tmp_path / "onestory.toml").write_text(
        'bucket = "of-file"\nengine = "of-file"\nhome = "of-file"\n[engine_options]\nsteps = 4\n'
    )
    monkeypatch.setenv("ONESTORY_ENGINE", "of-environment")
    monkeypatch.setenv("ONESTORY_HOME", "of-environment")

    settings = read_settings(home="of-flag", engine=None)

    assert settings.home == tmp_path / "of-flag"
    assert settings.engine == "of-environment"
    assert settings.bucket == "of-file"
    assert settings.engine_options == {"steps": 4}
    assert settings.minio_secure is False


def test_whole_studio_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every address given, the services of that studio are used."""
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)

    settings = read_settings()

    assert not settings.is_embedded
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_half_a_studio_is_refused(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configured studio that lacks an address is refused, and the address is named."""
    for name, value in WHOLE.items():
        if name != missing:
            monkeypatch.setenv(name, value)

    with pytest.raises(StudioError, match=f"1 of 5 addresses .* missing: {missing}") as caught:
        read_settings()

    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize("secret", ["minio_secret_key", "breakdown_api_key", "notify_url"])
def test_secret_in_project_file_is_refused(secret: str, tmp_path: Path) -> None:
    """Secrets come by environment only: a project file ends up in version control."""
    (tmp_path / "onestory.toml").write_text(f'{secret} = "hush-hush"\n')

    with pytest.raises(StudioError, match=f"holds {secret}") as caught:
        read_settings()

    assert "hush-hush" not in str(caught.value)


def test_an_address_of_no_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What automations call is HTTP, and the address may hold a token."""
    monkeypatch.setenv("ONESTORY_WEBHOOK_URL", "chat.example/hooks/hush-hush")

    with pytest.raises(StudioError, match=r"webhook_url: .* begins with http://") as caught:
        read_settings()

    assert "hush-hush" not in str(caught.value)


def test_a_language_model_is_configured_like_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address and model by file or environment; the key by environment, and never shown."""
    (tmp_path / "onestory.toml").write_text('breakdown_url = "http://a/v1"\n')
    monkeypatch.setenv("ONESTORY_BREAKDOWN_MODEL", "tiny")
    monkeypatch.setenv("ONESTORY_BREAKDOWN_API_KEY", "hush-hush")

    settings = read_settings()

    address = settings.model_address
    assert (address.url, address.model, address.api_key) == ("http://a/v1", "tiny", "hush-hush")
    assert "hush-hush" not in f"{settings!r} {address!r}"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ONESTORY_MINIO_SECURE", "perhaps", "minio_secure: .* boolean"),
        ("ONESTORY_ENGINE_OPTIONS", "{steps", "engine_options"),
    ],
)
def test_unreadable_value_is_one_sentence(
    name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that cannot be read is refused by its name, without a traceback of pydantic's."""
    monkeypatch.setenv(name, value)

    with pytest.raises(StudioError, match=reason):
        read_settings()


def test_broken_project_file_is_refused(tmp_path: Path) -> None:
    """A project file that is not TOML is refused with a hint that names it."""
    (tmp_path / "onestory.toml").write_text("bucket = \n")

    with pytest.raises(StudioError, match=r"cannot be used.*line 1.*onestory\.toml"):
        read_settings()
