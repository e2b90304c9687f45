"""The sections of a rig file that are about mice."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.mouse_settings import COMPILED_FIRMWARE, read_mouse_rig
from hardware.settings import read_rig

EXAMPLE = Path(__file__).resolve().parents[2] / "hardware" / "rigs" / "mouse_example.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_read_and_allows_no_shock() -> None:
    settings = read_mouse_rig(EXAMPLE)
    assert settings.limits.n_shocks == 0 and settings.limits.current_ma == 0
    assert settings.limits.pulse_us["valve1"] == 200_000
    assert settings.liquids["valve1"] == "water" and settings.camera is not None
    assert settings.calibration_file.name == "mouse_example_valves.yaml" and not settings.simulated
    read_rig(EXAMPLE)  # the reader of the other study does not mind its sections


def test_a_rig_in_a_simulated_microcontroller_says_that_no_animal_is_there(tmp_path: Path) -> None:
    assert read_mouse_rig(written(tmp_path, f'[mouse_rig]\nport = "{COMPILED_FIRMWARE}"\n')).simulated


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[monitor]\nscreen = 0\n", None, "the section is missing"),
        ("[mouse_rig]\n", 1, "port"),
        ("[mouse_rig]\nport = 5\n", 2, "expected the device's port in quotes"),
        ('[mouse_rig]\nport = "COM4"\nprot = "COM4"\n', 3, "did you mean 'port'"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits]\nshocks = 5\n', 4, "did you mean 'n_shocks'"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits]\nn_shocks = 1.5\n', 4, "a whole number from 0 on"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits]\ncurrent_ma = -1\n', 4, "a number from 0 on"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits.pulse_ms]\nshock = 2001\n', 4, "0.1 to 2000"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits.pulse_ms]\nvalve7 = 5\n', 4, "unknown setting"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.liquids]\nshock = "water"\n', 4, "unknown setting"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.liquids]\nvalve1 = 5\n', 4, "in quotes"),
        ('[mouse_rig]\nport = "COM4"\n[camera]\nbackend = "pylon"\nfps = "x"\n', 5, "fps"),
        ('[mouse_rig]\nport = "COM4"\n[mouse_rig.limits]\nlight_s = 0,5\n', None, "decimals have a point"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int | None, problem: str
) -> None:
    with pytest.raises(ValueError) as caught:
        read_mouse_rig(written(tmp_path, text))
    assert problem in str(caught.value) and str(caught.value).startswith(str(tmp_path / "rig.toml"))
    assert line is None or f"rig.toml, line {line}:" in str(caught.value)


def test_a_missing_file_and_another_encoding_are_answered(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"copy hardware/rigs/mouse_example.toml"):
        read_mouse_rig(tmp_path / "none.toml")
    (tmp_path / "rig.toml").write_text("[mouse_rig]\n", encoding="utf-16")
    with pytest.raises(ValueError, match="UTF-8"):
        read_mouse_rig(tmp_path / "rig.toml")
