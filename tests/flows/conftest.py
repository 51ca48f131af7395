"""Persons at a terminal and at a dashboard, with studios that are kept up."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer
from onestory.testing.visitor import PATIENCE_MS, Visitor
from onestory.testing.waiting import WAIT_SECONDS

PICTURES = os.environ.get("SCREENSHOTS")
"""A folder in which pictures of the dashboard are kept to be looked at; None keeps none."""


@pytest.fixture(name="producer")
def _producer(full_studio: StudioSettings, tmp_path: Path) -> Producer:
    """A person with an engine that paints at once."""
    return Producer(home=full_studio.home, out=tmp_path)


@pytest.fixture(name="slow_producer")
def _slow_producer(producer: Producer) -> Producer:
    """A person with an engine that takes its time, so that something can happen meanwhile."""
    return replace(producer, options={"seconds_per_take": 1.2})


@pytest.fixture(name="crew", scope="module")
def _crew(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Producer]:
    """A project folder whose studio has a worker, and an engine that a module may name."""
    folder = tmp_path_factory.mktemp("project")
    options = {"seconds_per_take": 1.0}
    engine = getattr(request.module, "ENGINE", "painted")
    producer = Producer(folder / ".onestory", folder, engine=engine, options=options)
    hiring = producer.run("studio", "up", "--worker", "--home", str(producer.home))
    try:
        assert hiring.process.wait(timeout=WAIT_SECONDS) == 0, "\n".join(hiring.lines)
        yield producer
    finally:
        # Whoever is still at it would start what is stopped.
        hiring.kill()
        stop_studio(_settings_of(producer))


@pytest.fixture(name="dashboard", scope="module")
def _dashboard(crew: Producer) -> Dashboard:
    return Dashboard(ensure_studio(_settings_of(crew)).prefect_api_url)


@pytest.fixture(name="browser_page")
def _browser_page() -> Iterator[Page]:
    """A window of Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu"],
            timeout=PATIENCE_MS,
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1200})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


@pytest.fixture(name="visitor")
def _visitor(browser_page: Page, dashboard: Dashboard, tmp_path: Path) -> Visitor:
    folder = Path(PICTURES) if PICTURES else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return Visitor(browser_page, dashboard.api.removesuffix("/api"), folder)


def _settings_of(crew: Producer) -> StudioSettings:
    return read_settings(home=crew.home, engine=crew.engine, engine_options=crew.options)
