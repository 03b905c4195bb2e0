"""The report page: one file, no network, readable everywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.validation import check, render_html

from tests.validation import models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def pages(scaled: Any) -> dict[str, str]:
    passed = check(scaled.source, scaled.artifact(), scaled.sample)
    damaged = scaled.artifact(models.scaled_graph(scaled.trees, *(value.astype("f4") for value in scaled.scale)))
    failed = check(scaled.source, damaged, scaled.sample)
    conversion = scaled.artifact().conversion
    return {"passed": render_html(passed, conversion), "failed": render_html(failed, damaged.conversion)}


def test_a_page_is_small_and_asks_nothing_of_a_network(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert len(page.encode()) < 1_000_000
        links = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", page)
        assert all(link.startswith(("#", "data:")) for link in links)
        assert "<script" not in page


def test_a_page_is_the_same_every_time(scaled: Any) -> None:
    report = check(scaled.source, scaled.artifact(), scaled.sample)
    conversion = scaled.artifact().conversion
    assert render_html(report, conversion) == render_html(report, conversion)


def test_ids_are_unique_in_a_page(pages: dict[str, str]) -> None:
    ids = re.findall(r'\sid="([^"]+)"', pages["failed"])
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', pages["failed"])) <= set(ids)


def test_names_from_the_model_cannot_become_markup(scaled: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    conversion = scaled.artifact().conversion
    source = conversion.source.model_copy(update={"uri": hostile})
    report = check(scaled.source, scaled.artifact(), scaled.sample)
    spread = report.distributions[0].model_copy(update={"output": hostile})
    page = render_html(
        report.model_copy(update={"distributions": (spread,), "notes": (hostile,)}),
        conversion.model_copy(update={"source": source}),
    )
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_report_without_anything_to_plot_is_a_page_too(regression: Any) -> None:
    artifact = models.artifact_of(b"no graph", regression.signature)
    page = render_html(check(regression.source, artifact, regression.sample), artifact.conversion)
    assert "Parity failed" in page
    assert "could not be opened" in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield instance
        instance.close()


def opened(context: BrowserContext, page: str, folder: Path) -> tuple[Any, list[str]]:
    """The page in a tab, and what it complained about or asked a network for."""
    path = folder / "parity.html"
    path.write_text(page, encoding="utf-8")
    tab = context.new_page()
    trouble: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else trouble.append(request.url),
    )
    tab.goto(path.as_uri())
    return tab, trouble


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["passed", "failed"])
def test_the_verdict_is_seen_first(
    browser: Browser, pages: dict[str, str], tmp_path: Path, name: str, scheme: Any, scripts: bool
) -> None:
    context = browser.new_context(color_scheme=scheme, java_script_enabled=scripts)
    tab, trouble = opened(context, pages[name], tmp_path)
    heading = tab.get_by_role("heading", level=1)
    assert heading.is_visible()
    assert heading.inner_text() == f"Parity {name}"
    assert heading.bounding_box()["y"] < 100
    assert tab.get_by_text("row independence", exact=True).is_visible()
    assert tab.get_by_role("img").count() == 2
    assert trouble == []
    context.close()


@pytest.mark.browser
def test_a_failed_page_says_why_and_shows_the_worst_row(
    browser: Browser, pages: dict[str, str], tmp_path: Path
) -> None:
    context = browser.new_context()
    tab, _ = opened(context, pages["failed"], tmp_path)
    assert tab.get_by_text("in float32 before its trees").is_visible()
    assert tab.locator("details[open] dl").first.is_visible()
    hidden = tab.locator("details dl").nth(1)
    assert not hidden.is_visible()
    tab.locator("details summary").nth(1).click()
    assert hidden.is_visible()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", ["passed", "failed"])
def test_a_page_never_scrolls_sideways(
    browser: Browser, pages: dict[str, str], tmp_path: Path, name: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab, _ = opened(context, pages[name], tmp_path)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def contrast(first: str, second: str) -> float:
    """The contrast of two `rgb(...)` colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes_plots_included(
    browser: Browser, pages: dict[str, str], tmp_path: Path, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    tab, _ = opened(context, pages["failed"], tmp_path)
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    panel = tab.evaluate("getComputedStyle(document.querySelector('.verdict')).backgroundColor")
    for selector, ground in (
        (".verdict h1", panel),
        (".verdict .figures dt", panel),
        (".bad", paper),
        ("th", paper),
    ):
        ink = tab.evaluate(f"getComputedStyle(document.querySelector({selector!r})).color")
        assert contrast(ink, ground) >= 4.5, selector
    labels = tab.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    assert contrast(labels, paper) >= 4.5
    context.close()


@pytest.mark.browser
def test_a_page_prints_in_black_on_white(browser: Browser, pages: dict[str, str], tmp_path: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    tab, _ = opened(context, pages["failed"], tmp_path)
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert len(tab.pdf()) > 10_000
    context.close()
