"""A session that the device would refuse in the middle is refused before its start."""

from __future__ import annotations

import pytest

from experiments.mouse_face.device_ceilings import check_device
from experiments.mouse_face.parts import Order, Output
from hardware.delivery.ceilings import COMPILED

NONE_USED = dict.fromkeys(COMPILED, 0)


def shocks(n: int, *, apart_s: float = 60.0, pulse_us: int = 500_000) -> tuple[list[Order], list[float]]:
    orders = [Order(trial, (Output("shock", pulse_us),), current_ma=0.3) for trial in range(1, n + 1)]
    return orders, [apart_s * trial for trial in range(n)]


def check(orders: list[Order], onsets_s: list[float], **used: dict[str, int]) -> None:
    counted = {"used": NONE_USED, "used_ms": NONE_USED, **used}
    check_device(orders, onsets_s, ceilings=COMPILED, **counted)


def test_what_the_device_allows_is_not_refused() -> None:
    check(*shocks(60))
    check([Order(1, (Output("valve1", 40_000), Output("aux", 200_000)))], [0.0])
    check([Order(1, ())], [0.0])


@pytest.mark.parametrize(
    ("planned", "message"),
    [
        (shocks(61), "61 deliveries of shock are planned, 0 were given, allowed are 60"),
        (
            shocks(40, pulse_us=2_000_000),
            "shock is to be on for 80000 ms, was on for 0 ms, allowed are 60000",
        ),
        (
            shocks(2, apart_s=10.2),
            r"trial 2: shock 9\.70 s after the one before, at least 10\.066 s",
        ),
        (shocks(1, pulse_us=2_500_000), "trial 1, shock: the pulse is longer or shorter than the ceiling"),
    ],
)
def test_what_it_does_not_allow_is(planned: tuple[list[Order], list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(*planned)


def test_what_it_has_given_already_counts() -> None:
    with pytest.raises(ValueError, match=r"6 deliveries of shock are planned, 55 were given.*take its power"):
        check(*shocks(6), used={**NONE_USED, "shock": 55})
    with pytest.raises(ValueError, match="was on for 58000 ms"):
        check(*shocks(6), used_ms={**NONE_USED, "shock": 58_000})
