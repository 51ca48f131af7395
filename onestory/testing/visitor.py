"""
See the dashboard as a producer does, in a real browser, and take pictures of it.

A `Visitor` opens a page, fails unless it comes to show some words, and photographs it.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

from onestory.testing.waiting import WAIT_SECONDS

PATIENCE_MS = 90_000
"""For how long a page may load while films are made on the same machine."""
TRIES = 3
"""How often a page is opened that a busy server did not serve."""


@dataclass(frozen=True)
class Visitor:
    """A person who looks at the dashboard."""

    page: Page
    address: str
    """Of the dashboard, without a path."""
    folder: Path
    """Where pictures of it are kept."""

    def visit(self, path: str, *words: str) -> Locator:
        """
        Open a page of the dashboard.

        Args:
            path: Of the page, from a slash on.
            words: What it has to show.

        Returns:
            All that it shows.

        Raises:
            AssertionError: If it does not come to show the words.
        """
        body = self.page.locator("body")
        for number in range(1, TRIES + 1):
            try:
                self.page.goto(f"{self.address}{path}", timeout=PATIENCE_MS)
                for said in words:
                    expect(body).to_contain_text(said, timeout=PATIENCE_MS)
                break
            except (AssertionError, TimeoutError):
                # A page may never ask again for what the server was too busy to tell.
                if number == TRIES:
                    raise
        return body

    def submit(self, fill_in: Callable[[], Locator], asked: str) -> dict[str, Any]:
        """
        Fill in a form and press its button; do so again if the server was too busy to hear it.

        Args:
            fill_in: Opens the form and fills it in; returns what holds it.
            asked: How the path of the request ends that the form makes.

        Returns:
            What the server says.

        Raises:
            AssertionError: If it takes no form in time.
        """
        answers, heard = re.compile(f"/{asked}$"), "nothing"
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            # A form that is drawn anew under the pointer, or not at all, is opened once more.
            with suppress(TimeoutError):
                form = fill_in()
                with self.page.expect_response(answers, timeout=PATIENCE_MS) as answered:
                    form.get_by_role("button", name="Submit").click()
                heard = f"{answered.value.status}: {answered.value.text()}"
                if answered.value.status < 500:
                    told: dict[str, Any] = answered.value.json()
                    return told
            time.sleep(1.0)
        raise AssertionError(f"the server took no form, and said {heard}")

    def wait_for_pictures(self, at_least: int = 1) -> None:
        """See that pictures are on the page, and none of them broken."""
        self.page.wait_for_function(
            f"""() => {{
                const pictures = [...document.images];
                return pictures.length >= {at_least}
                    && pictures.every(one => one.complete && one.naturalWidth > 40);
            }}""",
            timeout=PATIENCE_MS,
        )

    def photograph(self, name: str) -> None:
        """Keep a picture of the page as it is, at rest if it comes to rest."""
        with suppress(TimeoutError):
            self.page.wait_for_load_state("networkidle", timeout=10_000)
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)


def box_of(form: Locator, title: str) -> Locator:
    """What is filled in below a title of one of the dashboard's forms."""
    label = form.locator("label", has_text=re.compile(rf"^\s*{title}(\s*\(Optional\))?\s*$"))
    field = label.locator("xpath=ancestor::div[2]")
    return field.locator("fieldset").locator("button, textarea, input").first
