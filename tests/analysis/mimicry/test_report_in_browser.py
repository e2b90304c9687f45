"""The report in a real browser: nothing is fetched, nothing fails, and the figures are to be seen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.datasets import read_study
from analysis.mimicry.compose import compose_report
from analysis.mimicry.parameters import recommended
from analysis.mimicry.study import analyse_study

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
)
PROBE = """
<script>
const problems = [];
addEventListener("error", event => problems.push(String(event.message || event.target)), true);
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));
addEventListener("load", () => {
  const seen = {
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
    problems: problems,
    figures: [...document.querySelectorAll("figure")].map(figure => {
      const box = figure.querySelector("svg").getBoundingClientRect();
      return {id: figure.id, width: box.width, height: box.height,
              shapes: figure.querySelectorAll("path").length,
              badge: !!figure.querySelector("[id$=simulated-badge]"),
              caption: figure.querySelector("figcaption").innerText};
    }),
    wider: [...document.querySelectorAll("main *")].filter(
      element => !element.closest("svg, .tablebox")
                 && element.getBoundingClientRect().right > innerWidth).length,
    links: [...document.querySelectorAll("nav a")]
      .every(link => document.querySelector(link.getAttribute("href"))),
  };
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
});
</script>
"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    return found


@pytest.fixture(scope="module")
def page(grouped_study: Path) -> str:
    results = analyse_study(read_study(grouped_study), recommended(), preset="recommended", quick=True)
    return compose_report(results).html()


def look(browser: str, page: str, folder: Path, *, width: int) -> tuple[dict, str]:
    """Load the page with the probe in it; return what the probe saw and what the console said."""
    policy = "default-src 'none'; "
    assert page.count(policy) == 1
    file = folder / "report.html"
    probed = page.replace(policy, policy + "script-src 'unsafe-inline'; ").replace(
        "</head>", PROBE + "</head>"
    )
    file.write_text(probed, encoding="utf-8")
    profile = folder / "profile"
    command = [browser, *QUIET, f"--user-data-dir={profile}", f"--window-size={width},1000", "--dump-dom"]
    done = subprocess.run(
        [*command, file.as_uri()], capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    shutil.rmtree(profile, ignore_errors=True)
    seen = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert seen, done.stderr[-2000:]
    text = seen[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(text), "\n".join(console)


def test_the_report_stands_alone_and_shows_its_figures(browser: str, page: str, tmp_path: Path) -> None:
    seen, console = look(browser, page, tmp_path, width=1200)
    assert seen["fetched"] == []
    assert seen["problems"] == []
    assert console == ""
    assert seen["links"]
    ids = [figure["id"] for figure in seen["figures"]]
    assert ids[:3] == ["figure-emg_windows", "figure-emg_time_course", "figure-response_times"]
    assert all(figure["badge"] for figure in seen["figures"])
    for number, figure in enumerate(seen["figures"], start=1):
        assert figure["width"] > 300, figure["id"]
        assert figure["height"] > 200, figure["id"]
        assert figure["shapes"] > 20, figure["id"]
        assert figure["caption"].startswith(f"Figure {number}.")


def test_nothing_is_cut_off_on_a_narrow_screen(browser: str, page: str, tmp_path: Path) -> None:
    seen, _ = look(browser, page, tmp_path, width=600)
    assert seen["wider"] == 0


def test_the_probe_sees_what_it_should(browser: str, page: str, tmp_path: Path) -> None:
    """A picture from outside, which the page forbids, is noticed."""
    bad = page.replace("</main>", '<img src="http://127.0.0.1:9/picture.png"></main>')
    seen, _ = look(browser, bad, tmp_path, width=1200)
    assert any("127.0.0.1" in problem for problem in seen["problems"])
