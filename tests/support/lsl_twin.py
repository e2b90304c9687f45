"""The twin of an LSL amplifier in a process of its own, under a name that no other test has."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardware.settings import RecorderSettings, RigSettings, TriggerSettings

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass
class RunningAmplifier:
    """A twin that is sending."""

    process: subprocess.Popen[str]
    name: str
    source_id: str
    line: str | None
    """Where it hears trigger bytes."""
    markers: str
    """Name of the LSL marker stream that it hears."""

    def rig(self, *, file_format: str = "xdf", marked: bool = False) -> RigSettings:
        """Return a rig with this amplifier, triggered over LSL (`marked`) or on its line."""
        triggers: tuple[TriggerSettings, ...] = ()
        if marked:
            triggers = (TriggerSettings(kind="lsl", stream_name=self.markers),)
        elif self.line:
            triggers = (TriggerSettings(kind="serial_byte", port=self.line, pulse="device"),)
        recorder = RecorderSettings(kind="lsl", stream_name=self.name, file_format=file_format)
        return RigSettings(triggers=triggers, recorder=recorder)

    def ended(self) -> dict[str, int]:
        """Stop it and return how many codes it heard, and how many too late."""
        self.process.send_signal(2)
        output, _ = self.process.communicate(timeout=20)
        return dict(json.loads(output.strip().splitlines()[-1]))


@contextmanager
def running_amplifier(
    *options: object, name: str | None = None, source_id: str | None = None
) -> Iterator[RunningAmplifier]:
    """Start a twin; it is ended at the end."""
    name = name or f"amplifier {uuid.uuid4().hex[:8]}"
    source_id = source_id if source_id is not None else name
    markers = f"triggers {name}"
    command = [sys.executable, "-m", "hardware.simulated.lsl_amplifier"]
    command += ["--name", name, "--source-id", source_id, "--markers", markers, *map(str, options)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield RunningAmplifier(process, name, source_id, said["line"], markers)
    finally:
        process.kill()
        process.communicate()
