"""Set Countenance up and run it: ``python run.py demo``, ``python run.py test``, or any module of the suite.

Standard library only, because it runs before anything is installed. It makes ``.venv`` beside this file,
installs the versions locked in ``requirements.txt`` into it, looks for the system libraries that a window
needs, and then runs what was asked for inside that environment. A stamp in ``.venv`` lets every later call
start at once.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "countenance-stamp.json"
REQUIREMENTS = ROOT / "requirements.txt"

SUPPORTED_PYTHONS = ((3, 11), (3, 12), (3, 10))
"""Versions that PsychoPy 2026.2 runs on, the preferred one first."""

WINDOW_LIBRARIES = {
    "X11": "libx11-6",
    "Xi": "libxi6",
    "GL": "libgl1",
    "GLU": "libglu1-mesa",
    "EGL": "libegl1",
    "glib-2.0": "libglib2.0-0",
    "freetype": "libfreetype6",
    "fontconfig": "libfontconfig1",
    "dbus-1": "libdbus-1-3",
    "portaudio": "libportaudio2",
    "xkbcommon": "libxkbcommon0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-shape": "libxcb-shape0",
    "xcb-xkb": "libxcb-xkb1",
}
"""Shared libraries that PsychoPy's window, keyboard and dialogs load on Linux, with their Debian packages."""

TIMED = "display or real_time"
"""Marks of tests that run against the clock, and so alone."""
NO_TESTS = 5
"""What pytest returns where no test was chosen."""
DEMO_SEED = "2023"
"""Everyone's demo shows the same simulated study."""

SMALL_VIDEO = ["--fps", "10", "--width", "320", "--height", "240"]
"""Options of the demo's videos of drawn mice: quickly made and read."""

USAGE = """\
usage: python run.py COMMAND [ARGUMENTS]

  demo [FOLDER]        stimuli, a short session, a simulated study and its report; then the same with mice
  test [ARGUMENTS]     all checks: ruff, mypy, import-linter, pytest (ARGUMENTS go to pytest; --slow: all)
  setup                only make the environment
  MODULE [ARGUMENTS]   any module of the suite in its environment, for example
                         python run.py experiments.mimicry my-study --participant 007 --stimuli my-set
                         python run.py stimuli --help
                         python run.py analysis.mimicry my-study
"""


def main() -> int:
    """Prepare the environment, run the command, and return its exit status."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    known = {"demo", "test", "setup"}
    if command in ("demo", "setup") and any(argument in ("-h", "--help") for argument in rest):
        print(USAGE)
        return 0
    if command not in known and not module_exists(command):
        print(
            f"error: '{command}' is no command and no module of the suite.\n\n{USAGE}",
            file=sys.stderr,
        )
        return 2
    try:
        prepare_environment()
    except SetupError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if command == "setup":
        print(f"The environment is ready: {ENVIRONMENT}")
        return 0
    if command == "test":
        return run_checks(rest)
    if command == "demo":
        return run_demo(rest)
    if command.startswith("experiments"):
        report_missing(missing_window_packages())
    return run_module(command, *rest)


class SetupError(Exception):
    """Something that the user has to mend before the suite can run."""


# --- the environment ---------------------------------------------------------------------------


def module_exists(name: str) -> bool:
    """Whether ``name`` is a module of the suite, such as ``stimuli`` or ``analysis.mimicry``."""
    parts = name.split(".")
    if parts[0] not in ("analysis", "experiments", "hardware", "stimuli"):
        return False
    path = ROOT.joinpath(*parts)
    return (path / "__main__.py").is_file() or path.with_suffix(".py").is_file()


def environment_python() -> Path:
    """The interpreter inside ``.venv``."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare_environment() -> None:
    """Make ``.venv`` and install the locked requirements, unless the stamp says that this was done."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if environment_python().exists() and read_stamp().get("requirements_sha256") == wanted:
        return
    if not environment_python().exists():
        make_environment()
    install_requirements()
    STAMP.write_text(
        json.dumps({"requirements_sha256": wanted, "python": python_version(environment_python())})
    )


def read_stamp() -> dict[str, str]:
    """What the last successful installation wrote, or nothing."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def make_environment() -> None:
    """Create ``.venv`` with a supported Python."""
    python = find_python()
    print(f"[1/2] making {ENVIRONMENT} with Python {python_version(python)}", flush=True)
    made = subprocess.run([str(python), "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        hint = "  On Debian or Ubuntu: sudo apt-get install python3-venv\n" if sys.platform == "linux" else ""
        raise SetupError(f"Python could not make a virtual environment.\n{hint}{made.stdout}{made.stderr}")


def find_python() -> str:
    """Return this interpreter if it is a supported one, else the first supported one on the machine.

    Raises
    ------
    SetupError
        When there is none; says which versions will do and how to get one.
    """
    if sys.version_info[:2] in SUPPORTED_PYTHONS and sys.implementation.name == "cpython":
        return sys.executable
    for major, minor in SUPPORTED_PYTHONS:
        candidates = [[f"python{major}.{minor}"]]
        if os.name == "nt":
            candidates.insert(0, ["py", f"-{major}.{minor}"])
        for candidate in candidates:
            found = ask_executable(candidate)
            if found:
                return found
    raise SetupError(
        f"Countenance needs Python 3.10, 3.11 or 3.12, as PsychoPy does; this is {platform.python_version()} "
        "and no other was found.\n"
        "  Windows: winget install Python.Python.3.11\n"
        "  macOS:   brew install python@3.11\n"
        "  Linux:   sudo apt-get install python3.11 python3.11-venv   (or your distribution's package)\n"
        "Then run this command again; nothing else has to be removed."
    )


def ask_executable(command: list[str]) -> str | None:
    """Path of the interpreter that ``command`` starts, or None when it does not start."""
    try:
        asked = subprocess.run(
            [*command, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None


def python_version(python: str | Path) -> str:
    """Version of an interpreter, such as ``3.11.7``."""
    asked = subprocess.run(
        [str(python), "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
    )
    return asked.stdout.strip()


def install_requirements() -> None:
    """Install the locked versions with pip and show how far it is."""
    started = time.monotonic()
    names = {
        line.split("==")[0] for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if "==" in line
    }
    print(f"[2/2] installing the locked packages (up to {len(names)}; 2 to 10 minutes, once)", flush=True)
    command = [str(environment_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    command += ["--prefer-binary", "-r", str(REQUIREMENTS)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        lines = show_pip(pip)
    if pip.returncode != 0:
        tail = "\n".join(lines[-20:])
        raise SetupError(
            f"pip could not install requirements.txt (is there a network?). Its last lines:\n{tail}"
        )
    print(f"      done in {time.monotonic() - started:.0f} s", flush=True)


def show_pip(pip: subprocess.Popen[str]) -> list[str]:
    """Turn pip's output into one counting line; return all of it."""
    lines: list[str] = []
    collected = 0
    assert pip.stdout is not None  # opened with a pipe
    for line in pip.stdout:
        lines.append(line.rstrip())
        if line.startswith(("Collecting", "Processing")):
            collected += 1
            if sys.stdout.isatty():
                print(f"\r      {collected:4d}  {line.split()[1].split('==')[0]:40.40s}", end="", flush=True)
            elif collected % 50 == 0:
                print(f"      {collected} packages fetched", flush=True)
        elif line.startswith("Installing collected"):
            print(
                f"{chr(13) if sys.stdout.isatty() else ''}      unpacking {collected} packages{'':40}",
                flush=True,
            )
    return lines


# --- system libraries --------------------------------------------------------------------------


def missing_window_packages() -> list[str]:
    """Debian packages of the shared libraries that a window needs and that are not here (Linux only)."""
    if sys.platform != "linux":
        return []
    missing = [
        package for library, package in WINDOW_LIBRARIES.items() if ctypes.util.find_library(library) is None
    ]
    fonts = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    if not any(next(folder.rglob("*.[to]t[fc]"), None) for folder in fonts if folder.is_dir()):
        missing.append("fonts-dejavu-core")
    return missing


def missing_screen_packages() -> list[str]:
    """What a machine without a screen needs to show a window all the same (Linux only)."""
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        return []
    return [] if shutil.which("Xvfb") else ["xvfb"]


def missing_test_packages() -> list[str]:
    """Programs that the tests drive: a virtual screen and a browser (Linux only)."""
    if sys.platform != "linux":
        return []
    programs = {"Xvfb": "xvfb", "chromium": "chromium"}
    return [package for program, package in programs.items() if shutil.which(program) is None]


def install_packages(packages: list[str]) -> bool:
    """Install Debian packages where this user may; return whether nothing is missing now."""
    if not packages:
        return True
    apt = shutil.which("apt-get")
    prefix = administrator_prefix()
    if apt is None or prefix is None:
        return False
    print(f"Installing system packages: {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = ""
    for command in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        done = subprocess.run([*prefix, apt, *command], capture_output=True, text=True, env=environment)
        said += done.stderr
    if done.returncode != 0:
        print(said, file=sys.stderr)
    return done.returncode == 0


def administrator_prefix() -> list[str] | None:
    """How to run a command as administrator without a password: ``[]``, ``["sudo", "-n"]``, or None."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


def report_missing(packages: list[str]) -> None:
    """Install missing system packages or print the line that does."""
    if not install_packages(packages):
        print(
            "Some system libraries are missing. On Debian or Ubuntu this line installs them:\n"
            f"  sudo apt-get update && sudo apt-get install {' '.join(packages)}\n"
            "On other systems install the packages of the same libraries.",
            file=sys.stderr,
            flush=True,
        )


@contextlib.contextmanager
def screen() -> Iterator[dict[str, str]]:
    """Yield the variables of a display: the one there is, or a virtual one for the time of the block."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or shutil.which("Xvfb") is None:
        yield {}
        return
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=(write_end,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        yield {"DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()


# --- what is asked for -------------------------------------------------------------------------


def suite_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Environment variables with which the suite is importable from any current directory."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", **(extra or {})}


def run_module(module: str, *arguments: str, extra: dict[str, str] | None = None) -> int:
    """Run ``python -m module`` of the suite in the current directory and return its exit status."""
    command = [str(environment_python()), "-m", module, *arguments]
    try:
        return subprocess.run(command, env=suite_environment(extra)).returncode
    except KeyboardInterrupt:
        return 130


def run_checks(arguments: list[str]) -> int:
    """Run every quality gate; pytest comes last, with ``arguments``."""
    report_missing(missing_window_packages() + missing_test_packages())
    lint_imports = "from importlinter.cli import lint_imports_command as lint; lint()"
    gates = [
        ("style", ["-m", "ruff", "check", "."]),
        ("format", ["-m", "ruff", "format", "--check", "."]),
        ("types", ["-m", "mypy"]),
        ("import contracts", ["-c", lint_imports]),
        ("tests", ["-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", f"not ({TIMED})", *arguments]),
        ("tests against the clock", ["-m", "pytest", "-m", TIMED, *arguments]),
    ]
    if python_version(environment_python()).startswith("3.10."):
        gates = [gate for gate in gates if gate[0] != "types"]  # its packages have older, stricter stubs
    failed: list[str] = []
    without: list[str] = []
    for number, (name, command) in enumerate(gates, start=1):
        print(f"\n[{number}/{len(gates)}] {name}", flush=True)
        done = subprocess.run([str(environment_python()), *command], cwd=ROOT, env=suite_environment())
        if done.returncode == NO_TESTS and name.startswith("tests"):  # ARGUMENTS chose none of these
            without.append(name)
        elif done.returncode != 0:
            failed.append(name)
    if len(without) == 2:
        failed.append("tests: there are none of these")
    if failed:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run_demo(arguments: list[str]) -> int:
    """Go through both main jobs on real parts: stimuli, sessions, simulated studies, reports."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("usage: python run.py demo [FOLDER]   (a folder that does not exist yet)", file=sys.stderr)
        return 2
    folder = Path(arguments[0]) if arguments else free_name(Path("countenance-demo"))
    if folder.exists():
        print(
            f"error: {folder} exists already; the demo never writes over anything. Name a new one.",
            file=sys.stderr,
        )
        return 2
    report_missing(missing_window_packages() + missing_screen_packages())
    folder.mkdir(parents=True)
    started = time.monotonic()
    with screen() as display:
        steps = demo_steps(folder, virtual_screen=bool(display))
        for number, (title, module, step_arguments) in enumerate(steps, start=1):
            print(f"\n[{number}/{len(steps)}] {title}", flush=True)
            print(f"      python run.py {module} {quoted(step_arguments)}", flush=True)
            step_started = time.monotonic()
            status = run_module(module, *step_arguments, extra=display)
            if status != 0:
                print(f"error: this step failed (exit status {status}); see above.", file=sys.stderr)
                return status
            print(f"      {time.monotonic() - step_started:.0f} s", flush=True)
    results = Path("derivatives", "countenance")
    report = folder / "study" / results / "mimicry-recommended" / "report.html"
    mice = folder / "mice" / results / "mouse_face-recommended-quick" / "report.html"
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    print(f"  morph videos  {(folder / 'stimuli').resolve()}")
    print(f"  the session   {(folder / 'session').resolve()}")
    print(f"  the study     {(folder / 'study').resolve()}")
    print(f"  the mouse's   {(folder / 'mouse-session').resolve()}")
    print(f"  the REPORT    {report.resolve()}")
    print(f"  that on MICE  {mice.resolve()}")
    return 0


def demo_steps(folder: Path, *, virtual_screen: bool) -> list[tuple[str, str, list[str]]]:
    """The commands of the demo, as a user would type them: title, module, arguments."""
    names = ("faces", "stimuli", "session", "study", "mouse-session", "mice")
    faces, stimuli, session, study, rig, mice = (str(folder / name) for name in names)
    pacing = ["--allow-unmeasured-refresh"] if virtual_screen else []
    return [
        ("Rendering the built-in faces: 12 happy and angry pairs of 10 people", "stimuli", ["faces", faces]),
        ("Morphing them into 24 videos", "stimuli", ["morph", str(Path(faces) / "pairs.tsv"), stimuli]),
        (
            "A short session (8 trials) in a real window; a simulated participant presses the keys",
            "experiments.mimicry",
            [
                session,
                "--participant",
                "demo1",
                "--stimuli",
                stimuli,
                "--trials",
                "8",
                "--simulate-keys",
                *pacing,
            ],
        ),
        (
            "A simulated study of 30 participants with EMG",
            "experiments.mimicry",
            [study, "--simulate", "--participants", "30", "--seed", DEMO_SEED, "--stimuli", stimuli],
        ),
        ("Analysing the study", "analysis.mimicry", [study]),
        (
            "A session with a drawn mouse that meets tastants",
            "experiments.mouse_face",
            [rig, "--animal", "m01", "--schedule", "tastants", "--simulate", *SMALL_VIDEO],
        ),
        (
            "A simulated study of 5 mice with seven events",
            "experiments.mouse_face",
            ["simulate", mice, "--animals", "5", "--minutes", "6", *SMALL_VIDEO],
        ),
        ("Analysing the faces of the mice, few permutations", "analysis.mouse_face", [mice, "--quick"]),
    ]


def quoted(arguments: list[str]) -> str:
    """Arguments as they are typed in this system's shell."""
    return subprocess.list2cmdline(arguments) if os.name == "nt" else shlex.join(arguments)


def free_name(folder: Path) -> Path:
    """``folder``, or the first of ``folder-2``, ``folder-3``, ... that does not exist."""
    number, name = 1, folder
    while name.exists():
        number += 1
        name = folder.with_name(f"{folder.name}-{number}")
    return name


if __name__ == "__main__":
    raise SystemExit(main())
