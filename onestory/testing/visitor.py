"""
See the dashboard as a producer does, in a real browser, and take pictures of it.

A `Visitor` opens a page, fails unless it comes to show some words, and photographs it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

PATIENCE_MS = 90_000
"""For how long a page may load while films are made on the same machine."""


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
        self.page.goto(f"{self.address}{path}", timeout=PATIENCE_MS)
        body = self.page.locator("body")
        for said in words:
            expect(body).to_contain_text(said, timeout=PATIENCE_MS)
        return body

    def submit(self, form: Locator, asked: str) -> dict[str, Any] | None:
        """
        Press the button of a form.

        Args:
            form: What holds it.
            asked: How the path of the request ends that it makes.

        Returns:
            What the server says; None if it was too busy to hear, or was never asked because the
            form was drawn anew under the pointer, so that one fills it in again.
        """
        answers = re.compile(f"/{asked}$")
        try:
            with self.page.expect_response(answers, timeout=PATIENCE_MS) as answered:
                form.get_by_role("button", name="Submit").click()
        except TimeoutError:
            return None
        if answered.value.status >= 500:
            return None
        told: dict[str, Any] = answered.value.json()
        return told

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
        """Keep a picture of the page as it is."""
        self.page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)


def box_of(form: Locator, title: str) -> Locator:
    """What is filled in below a title of one of the dashboard's forms."""
    label = form.locator("label", has_text=re.compile(rf"^\s*{title}(\s*\(Optional\))?\s*$"))
    field = label.locator("xpath=ancestor::div[2]")
    return field.locator("fieldset").locator("button, textarea, input").first
