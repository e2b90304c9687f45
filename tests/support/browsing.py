"""Opens pages in a browser without a window, if there is one, and asks what it sees."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000",
)  # fmt: skip
PROBE = """
<script>
const problems = [];
addEventListener("error", event => problems.push(String(event.message || event.target)), true);
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));
addEventListener("load", async () => {
  const seen = {fetched: performance.getEntriesByType("resource").map(entry => entry.name)};
  QUESTIONS
  seen.wider = [...document.querySelectorAll("main *")].filter(
    one => !one.closest("svg, .tablebox") && one.getBoundingClientRect().right > innerWidth + 1).length;
  seen.problems = problems;
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
});
</script>
"""


def installed_browser() -> str:
    """Return the browser; without one the test is skipped, and fails where all is tested."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    return found


def look(page: str, folder: Path, *, width: int, questions: str = "") -> tuple[dict[str, Any], str]:
    """Load a page and run questions in it, which put their answers into `seen`.

    Returns
    -------
    tuple
        What was seen, beside ``fetched``, ``problems`` and ``wider`` (number of elements that are cut off),
        and what the console said.
    """
    browser = installed_browser()
    policy = "default-src 'none'; "
    assert page.count(policy) == 1
    if "script-src" not in page:
        page = page.replace(policy, policy + "script-src 'unsafe-inline'; ")
    file = folder / "page.html"
    file.write_text(
        page.replace("</head>", PROBE.replace("QUESTIONS", questions) + "</head>"), encoding="utf-8"
    )
    profile = folder / "profile"
    command = [browser, *QUIET, f"--user-data-dir={profile}", f"--window-size={width},1000", "--dump-dom"]
    done = subprocess.run(
        [*command, file.as_uri()], capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    shutil.rmtree(profile, ignore_errors=True)
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, done.stderr[-2000:]
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found[1])), "\n".join(
        line for line in said if "willReadFrequently" not in line
    )
