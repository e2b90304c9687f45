from pathlib import Path

import numpy as np
import pytest

from stimuli.courses import levels_between, progress
from stimuli.pair_videos import video_levels
from stimuli.parameters import MorphParameters
from stimuli.plan import FIRST, LAST, Endpoint, plan_all, read_plan
from stimuli.warp import SplitLevel


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two people, one with two pairs; three expressions, of which one pair lacks the neutral."""
    rows = ["identity\tsex\thappy\tneutral\tangry"]
    for name, expressions in (("ann", "hna"), ("ann", "ha"), ("bob", "hna")):
        files = []
        for expression in "hna":
            path = tmp_path / f"{name}{len(rows)}{expression}.png"
            path.write_bytes(b"x")
            files.append(path.name if expression in expressions else "")
        rows.append("\t".join([name, "female" if name == "ann" else "male", *files]))
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.tsv"
    path.write_text(text.replace(" ", "\t"), encoding="utf-8")
    return path


def test_without_a_plan_every_pair_gives_both_directions(table: Path) -> None:
    planned = plan_all(table, expressions=("happy", "angry"))
    assert [video.video for pair in planned for video in pair.videos] == [
        "ann_HappyToAngry",
        "ann_AngryToHappy",
        "ann_2_HappyToAngry",
        "ann_2_AngryToHappy",
        "bob_HappyToAngry",
        "bob_AngryToHappy",
    ]
    assert {(video.start, video.end) for pair in planned for video in pair.videos} == {
        (FIRST, LAST),
        (LAST, FIRST),
    }


def test_a_way_through_a_third_photograph_has_two_parts(table: Path) -> None:
    with pytest.raises(ValueError, match="no neutral photograph of ann_2"):
        plan_all(table, expressions=("happy", "angry"), middle="neutral")
    plan = write(table.parent, "identity direction\nbob AngryToHappy\n")
    (planned,) = read_plan(plan, table, middle="neutral")
    assert [[file.name for file in segment.photographs] for segment in planned.segments] == [
        ["bob3h.png", "bob3n.png"],
        ["bob3n.png", "bob3a.png"],
    ]
    (video,) = planned.videos
    assert (video.video, video.start, video.end) == ("bob_AngryToHappy", LAST, FIRST)


def test_videos_of_the_same_photographs_share_a_morph(table: Path) -> None:
    plan = write(
        table.parent,
        "identity direction start end seconds\nbob NeutralToHappy 0 60% 2.5\nbob AngryToHappy\n"
        "bob HappyToNeutral 40 100\n",
    )
    first, second = read_plan(plan, table)
    assert [first.pair, second.pair] == ["bob_happy_neutral", "bob_happy_angry"]
    partial, back = first.videos
    assert partial.video == "bob_NeutralToHappy_0-60"
    assert (partial.start, partial.end, partial.duration_s) == (LAST, Endpoint(0.4, 0.4), 2.5)
    assert (back.start, back.end) == (Endpoint(0.4, 0.4), LAST)
    parameters = MorphParameters(duration_s=2.5)
    assert video_levels(partial, parameters) == video_levels(back, parameters)[::-1]


def test_a_face_in_two_halves(table: Path) -> None:
    plan = write(table.parent, "identity direction start end\nbob HappyToAngry 0 100/0\n")
    ((video,),) = (pair.videos for pair in read_plan(plan, table))
    assert video.video == "bob_HappyToAngry_0-100u0"
    levels = video_levels(video, MorphParameters())
    assert isinstance(levels[-1], SplitLevel)
    assert (levels[-1].upper, levels[-1].lower) == (1.0, 0.0)
    above, below = levels[-1].at(np.array([336.0, 520.0]))
    assert (above, below) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("identity direction\n", "no videos below"),
        ("identity\nbob\n", "needs the column direction"),
        ("identity direction speed\nbob HappyToAngry 3\n", "unknown or repeated column speed"),
        ("identity direction\nbob HappyToSad\n", "direction is 'HappyToSad'; expected two of Happy, Neutral"),
        ("identity direction\ncarl HappyToAngry\n", "no identity 'carl' with both happy and angry"),
        ("identity direction\nann HappyToAngry\n", r"has several pairs \(ann, ann_2\)"),
        ("pair direction\nann_2 NeutralToAngry\n", "no pair 'ann_2' with both neutral and angry"),
        ("identity direction end\nbob HappyToAngry 120\n", "end is '120'; expected per cent from 0 to 100"),
        ("identity direction end\nbob HappyToAngry 0\n", "start and end are the same"),
        ("identity direction seconds\nbob HappyToAngry long\n", "seconds is 'long'"),
        ("identity direction\nbob HappyToAngry\nbob HappyToAngry\n", "planned twice"),
        ("identity direction video\nbob HappyToAngry a/b\n", "it names files"),
    ],
)
def test_mistakes_in_a_plan_are_told(table: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_plan(write(table.parent, text), table)


@pytest.mark.parametrize("course", ["linear", "smooth"])
@pytest.mark.parametrize("n_held", [0, 3])
def test_the_way_back_has_the_very_same_levels(course: str, n_held: int) -> None:
    done = progress(125, course=course, n_held=n_held)  # type: ignore[arg-type]
    there, back = levels_between(0.1, 0.7, done), levels_between(0.7, 0.1, done)
    assert (there == back[::-1]).all()
    assert (np.diff(there) >= 0).all()
    assert (there[: n_held + 1] == 0.1).all()
    assert (there[-n_held - 1 :] == 0.7).all()
    assert there[62] == pytest.approx(0.4)


def test_too_much_rest_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than two are left"):
        progress(10, course="linear", n_held=5)
    with pytest.raises(ValueError, match="leave no time to move"):
        MorphParameters(duration_s=1, hold_s=0.5)
