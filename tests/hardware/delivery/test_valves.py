"""The calibration of valves: the procedure on a twin, the fit, the file, and when it is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hardware.__main__ import app
from hardware.delivery.calibrate_valve import Procedure, calibrate
from hardware.delivery.limits import Limits
from hardware.delivery.mouse_rig import MouseRig
from hardware.delivery.valves import (
    Valves,
    Weighing,
    fit_valve,
    now_utc,
    read_calibration,
    write_calibration,
)
from hardware.mouse_settings import read_mouse_rig
from hardware.simulated.mouse_rig import SimulatedRig

NOW = now_utc()
RIG = '[mouse_rig]\nport = "{port}"\n[mouse_rig.liquids]\nvalve2 = "sucrose 4 % w/v"\n'


def weighed(slope: float = 0.1, offset: float = -1.0, noise: float = 0.0, seed: int = 1) -> list[Weighing]:
    rng = np.random.default_rng(seed)
    return [
        Weighing(open_ms=ms, n_drops=200, mass_mg=200 * (offset + slope * ms + noise * rng.standard_normal()))
        for ms in (20.0, 40.0, 60.0, 80.0)
    ]


def line(**values: object):
    return fit_valve("valve1", weighed(), **{"date": NOW, "liquid": "water", **values})  # type: ignore[arg-type]


def test_a_known_line_is_found_and_turned_round() -> None:
    found = line()
    assert found.slope_ul_per_ms == pytest.approx(0.1) and found.offset_ul == pytest.approx(-1.0)
    assert found.r2 == pytest.approx(1.0) and found.range_ul == pytest.approx((1.0, 7.0))
    for volume_ul in (1.0, 4.0, 7.0):
        assert found.volume_ul(found.open_ms(volume_ul)) == pytest.approx(volume_ul)
    heavy = line(density_mg_per_ul=1.08)
    assert heavy.open_ms(3.0) > found.open_ms(3.0)


def test_a_volume_outside_of_what_was_measured_is_refused() -> None:
    for volume_ul in (0.99, 7.01):
        with pytest.raises(ValueError, match=r"outside of what was measured, 1.00 to 7.00 µl"):
            line().open_ms(volume_ul)


def test_an_old_a_bad_a_future_and_a_falling_calibration_are_refused() -> None:
    later = Valves({"valve1": line()}, now=NOW + timedelta(days=31))
    with pytest.raises(ValueError, match=r"calibrated 31 days ago, allowed are 30"):
        later.open_ms("valve1", 4.0)
    assert Valves({"valve1": line()}, now=NOW + timedelta(days=29)).open_ms("valve1", 4.0) == pytest.approx(
        50
    )
    with pytest.raises(ValueError, match="is in the future"):
        Valves({"valve1": line()}, now=NOW - timedelta(days=2)).open_ms("valve1", 4.0)
    noisy = fit_valve("valve1", weighed(noise=1.5), date=NOW, liquid="water")
    assert noisy.r2 < 0.98
    with pytest.raises(ValueError, match="is no line"):
        Valves({"valve1": noisy}, now=NOW).open_ms("valve1", 4.0)
    falling = fit_valve("valve1", weighed(slope=-0.01, offset=5), date=NOW, liquid="water")
    with pytest.raises(ValueError, match="gave less when it was open for longer"):
        Valves({"valve1": falling}, now=NOW).open_ms("valve1", 4.0)
    with pytest.raises(ValueError, match="valve2 has no calibration"):
        Valves({"valve1": line()}, now=NOW).open_ms("valve2", 4.0)


def test_a_valve_that_always_gives_the_same_is_no_line() -> None:
    same = [Weighing(open_ms=ms, n_drops=100, mass_mg=400) for ms in (20, 40, 60)]
    assert fit_valve("valve1", same, date=NOW, liquid="water").problem(NOW) is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"weighings": weighed()[:2]}, "needs 3 different opening times"),
        ({"weighings": [Weighing(open_ms=20, n_drops=0, mass_mg=5)] * 3}, "positive numbers"),
        ({"weighings": [Weighing(open_ms=20, n_drops=5, mass_mg=float("nan"))] * 3}, "positive numbers"),
        ({"valve": "shock"}, "expected a valve"),
        ({"date": NOW.replace(tzinfo=None)}, "time zone"),
        ({"density_mg_per_ul": 1000.0}, "density"),
    ],
)
def test_measurements_that_cannot_be_are_refused(change: dict[str, object], problem: str) -> None:
    values = {"valve": "valve1", "weighings": weighed(), "date": NOW, "liquid": "water", **change}
    with pytest.raises(ValueError, match=problem):
        fit_valve(values.pop("valve"), values.pop("weighings"), **values)  # type: ignore[arg-type]


def test_the_file_gives_back_what_was_written_and_keeps_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "valves.yaml"
    first = line(date=NOW.replace(microsecond=0))
    write_calibration(path, first)
    write_calibration(path, fit_valve("valve2", weighed(0.2), date=NOW, liquid="sucrose"))
    second = fit_valve("valve1", weighed(0.3), date=NOW.replace(microsecond=0), liquid="water")
    write_calibration(path, second)
    found = read_calibration(path)
    assert set(found) == {"valve1", "valve2"} and found["valve1"] == second
    assert "before:" in path.read_text(encoding="utf-8")


def test_an_edited_or_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "valves.yaml"
    write_calibration(path, line())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("r2: 1.0", "r2: 0.999"), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"valves.yaml: valve1: r2 = 0.999 does not follow from the weighings"
    ):
        read_calibration(path)
    for content in ("", "valves: 5", "valves: {valve1: {}}", "{", "valves:\n  valve1:\n    date: x\n"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"valves\.yaml"):
            read_calibration(path)
    assert read_calibration(tmp_path / "none.yaml") == {}


# -- the procedure ------------------------------------------------------------------------------------------


class Valve:
    """A simulated valve on a balance: what came out follows from how long its output was high."""

    def __init__(self, twin: SimulatedRig, clock: list[float]) -> None:
        self.twin, self.clock, self.seen = twin, clock, 0

    def weigh(self, open_ms: float, n_drops: int) -> float:
        edges = self.twin.edges[self.seen :]
        self.seen = len(self.twin.edges)
        lengths_ms = [
            (fall.device_us - rise.device_us) / 1000
            for rise, fall in zip(edges[::2], edges[1::2], strict=True)
        ]
        assert len(lengths_ms) == n_drops
        return sum(0.08 * (length_ms - 6.0) for length_ms in lengths_ms)


@pytest.fixture
def virtual():
    clock = [10.0]
    twin = SimulatedRig(now=lambda: clock[0])
    with MouseRig(twin.line(), limits=Limits(), now=lambda: clock[0], threaded=False) as rig:

        def sleep(seconds: float) -> None:
            for _ in range(max(1, round(seconds / 0.05))):
                clock[0] += min(seconds, 0.05)
                rig.step()

        yield twin, rig, clock, sleep


def test_the_procedure_finds_the_line_of_a_simulated_valve(virtual) -> None:
    twin, rig, clock, sleep = virtual
    valve = Valve(twin, clock)
    procedure = Procedure(open_ms=(20.0, 40.0, 60.0, 80.0), n_drops=200)
    found = calibrate(
        rig,
        "valve1",
        procedure=procedure,
        liquid="water",
        density_mg_per_ul=1.0,
        weigh=valve.weigh,
        sleep=sleep,
        progress=False,
    )
    assert found.slope_ul_per_ms == pytest.approx(0.08, rel=1e-6)
    assert found.open_ms(4.0) == pytest.approx(56.0)
    assert found.problem(now_utc()) is None and rig.state == "connected" and twin.high == ()
    assert clock[0] > 4 * 200 * 0.2  # drops fall every 0.2 s
    with pytest.raises(ValueError, match="unplug it for a moment"):
        big = Procedure(open_ms=(100.0, 200.0, 300.0), n_drops=1000, interval_ms=400)
        calibrate(
            rig, "valve1", procedure=big, liquid="water", density_mg_per_ul=1, weigh=valve.weigh, sleep=sleep
        )


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"open_ms": (20.0, 40.0)}, "three different opening times"),
        ({"open_ms": (20.0, 40.0, 600.0)}, "of 1 to 500 ms"),
        ({"n_drops": 5}, "10 to 1000 drops"),
        ({"interval_ms": 90.0}, "leave no pause"),
    ],
)
def test_procedures_that_cannot_be_are_refused(values: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Procedure(**values)  # type: ignore[arg-type]


def test_the_command_calibrates_and_the_rig_uses_it(tmp_path: Path) -> None:
    with SimulatedRig.on_socket() as twin:
        path = tmp_path / "rig.toml"
        path.write_text(RIG.format(port=twin.address), encoding="utf-8")
        words = ["calibrate-valve", "--rig", str(path), "--valve", "valve2", "--drops", "10", "--json"]
        words += ["--interval-ms", "45"]
        for ms, mg in ((5, 10), (10, 20), (20, 40)):
            words += ["--open-ms", str(ms), "--weights-mg", str(mg)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (done.output, done.exception)
        assert '"r2": 1.0' in done.stdout.splitlines()[-1]
        assert len(twin.edges) == 60
    settings = read_mouse_rig(path)
    assert settings.calibrations["valve2"].liquid == "sucrose 4 % w/v"
    assert settings.open_ms("valve2", 3.0) == pytest.approx(15.0)
    assert "valve2" in settings.calibration_text


def test_the_command_saves_nothing_that_may_not_be_used(tmp_path: Path) -> None:
    with SimulatedRig.on_socket() as twin:
        path = tmp_path / "rig.toml"
        path.write_text(RIG.format(port=twin.address), encoding="utf-8")
        words = ["calibrate-valve", "--rig", str(path), "--valve", "valve2", "--drops", "10"]
        for ms, mg in ((5, 30), (10, 20), (20, 40)):
            words += ["--open-ms", str(ms), "--weights-mg", str(mg)]
        done = CliRunner().invoke(app, [*words, "--interval-ms", "45"])
    assert isinstance(done.exception, ValueError) and "Nothing was saved" in str(done.exception)
    assert not (tmp_path / "rig_valves.yaml").exists()


# -- looking at a rig ---------------------------------------------------------------------------------------


def test_the_check_times_the_line_and_delivers_nothing(tmp_path: Path) -> None:
    with SimulatedRig.on_socket() as twin:
        path = tmp_path / "rig.toml"
        path.write_text(RIG.format(port=twin.address), encoding="utf-8")
        old = fit_valve("valve2", weighed(), date=NOW - timedelta(days=40), liquid="sucrose")
        write_calibration(tmp_path / "rig_valves.yaml", old)
        twin.press_estop()
        done = CliRunner().invoke(app, ["check-mouse", "--rig", str(path), "--seconds", "1", "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["device"]["board"] == "simulated" and found["other_ceilings"] == []
    assert (
        found["round_trip_ms"]["n"] > 10 and found["round_trip_ms"]["median"] <= found["round_trip_ms"]["p99"]
    )
    assert (
        "The emergency stop is pressed" in done.stdout and "valve2 was calibrated 40 days ago" in done.stdout
    )
    assert twin.edges == []
