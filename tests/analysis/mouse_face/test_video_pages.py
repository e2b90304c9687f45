"""Pages on which an animal's face moves above its traces; in a real browser where there is one."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from browsing import look
from filmed_mice import filmed_study, made_results
from PIL import Image

from analysis.faces.masks import Crop, FaceMask
from analysis.mouse_face.results import Results
from analysis.mouse_face.video_pages import (
    AFTER_S,
    BEFORE_S,
    animal_page,
    chosen_trials,
    kind_words,
    page_path,
    write_video_pages,
)
from analysis.mouse_face.video_stills import FaceCamera, pack, shrink, stamped, to_bytes

QUESTIONS = """
const pixels = () =>
  [...pen.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0);
const unlike = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
await new Promise(done => {
  const wait = () => sheet.complete && sheet.naturalWidth ? done() : setTimeout(wait, 20);
  wait();
});
show(0);
const before = pixels(), at = Number(find("cursor").getAttribute("x1"));
show(trial.since_s.length - 1);
seen.changed = unlike(before, pixels());
seen.bright = Math.max(...before);
seen.moved = Number(find("cursor").getAttribute("x1")) - at;
seen.curves = document.querySelectorAll("#plot path").length;
seen.lanes = document.querySelectorAll("#sessions path").length;
seen.strokes = document.querySelectorAll("#sessions rect").length;
seen.legend = [...document.querySelectorAll("#legend tr")].map(row => row.innerText.trim());
seen.buttons = document.querySelectorAll("#kinds button").length;
const last = document.querySelectorAll("#kinds button")[seen.buttons - 1];
last.click();
seen.playing = playing;
seen.words = find("words").innerText;
seen.pressed = document.querySelectorAll('#kinds [aria-pressed="true"]').length;
seen.portraits = [...document.querySelectorAll(".faces img")].map(image => image.naturalWidth);
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("filmed") / "study"
    return made_results(filmed_study(folder), study=folder)


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return animal_page(results, "m01", chosen_trials(results, "m01"))


def content_of(page: str) -> dict:
    found = re.search(r'<script id="content" type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert found
    return json.loads(found[1])


def decoded(address: str) -> np.ndarray:
    head, _, data = address.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), float)


def test_in_a_browser_the_face_moves_with_the_cursor(page: str, tmp_path: Path) -> None:
    seen, console = look(page, tmp_path, width=1280, questions=QUESTIONS)
    assert (seen["fetched"], seen["problems"], console) == ([], [], "")
    assert seen["bright"] > 60
    assert seen["changed"] > 0.5
    assert seen["moved"] > 300
    assert (seen["curves"], seen["lanes"], seen["strokes"]) == (6, 6, 14)
    assert seen["legend"][0].startswith("quinine (disgust)")
    assert seen["buttons"] == 14
    assert seen["pressed"] == 1
    assert seen["words"].startswith("freezing (passive fear)")
    assert seen["playing"] is True
    assert len(seen["portraits"]) == 18
    assert min(seen["portraits"]) > 100


def test_nothing_is_cut_off_on_a_telephone(page: str, tmp_path: Path) -> None:
    seen, console = look(page, tmp_path, width=420)
    assert (seen["wider"], seen["problems"], console) == (0, [], "")


def test_stills_and_curves_are_of_the_right_frames(results: Results, page: str) -> None:
    content = content_of(page)
    assert [one["event"] for one in content["prototypes"]][:2] == ["quinine", "sucrose"]
    trials = chosen_trials(results, "m01").to_dict("records")
    assert len(content["trials"]) == len(trials) == 14
    session = trials[0]["session_id"]
    camera = FaceCamera(results.data.videos[session], results.data.times_s(session), simulated=True)
    for shown, trial in list(zip(content["trials"], trials, strict=True))[::5]:
        sheet = shown["sheet"]
        assert len(shown["since_s"]) == sheet["n_stills"] == len(shown["left_out"])
        assert shown["since_s"][0] >= -BEFORE_S
        assert shown["since_s"][-1] < AFTER_S
        place = len(shown["since_s"]) // 2
        row, column = divmod(place, sheet["columns"])
        still = decoded(sheet["data"])[row * sheet["height_px"] :, column * sheet["width_px"] :][
            : sheet["height_px"], : sheet["width_px"]
        ]
        number = np.argmin(np.abs(camera.times_s - trial["onset_s"] - shown["since_s"][place]))
        right = np.asarray(camera.take([int(number)], width_px=sheet["width_px"])[0], float)
        wrong = np.asarray(camera.take([int(number) + 9], width_px=sheet["width_px"])[0], float)
        assert np.abs(still - right).mean() < np.abs(still - wrong).mean()
        own = np.array(shown["traces"]["quinine"], float)
        rest = (np.array(shown["trace_s"]) < 0) & (np.array(shown["trace_s"]) >= -2)
        assert abs(np.nanmean(own[rest])) < 2e-4


def test_whole_sessions_lead_to_their_trials(results: Results, page: str) -> None:
    content = content_of(page)
    (session,) = content["sessions"]
    assert session["session"] == "emotions"
    assert len(session["events"]) == 14
    for event in session["events"]:
        shown = content["trials"][event["shown"]]
        assert shown["label"] == event["label"]
        minutes, seconds = re.findall(r"at (\d+):([\d.]+) min", shown["words"])[0]
        assert abs(event["minute"] - int(minutes) - float(seconds) / 60) < 0.002
    curve = np.array(session["curves"]["tail_shock"], float)
    assert np.isfinite(curve).mean() > 0.9
    assert 0.05 < np.nanmax(curve) - np.nanmin(curve) < 1


def test_prototypical_frames_come_from_their_own_event(results: Results, page: str) -> None:
    trials = results.data.trials.set_index("trial")["event"]
    for heading, body in re.findall(
        r"<h3>.*?</span> (.*?)</h3>(.*?)(?=<h3>|<p class)", page, flags=re.DOTALL
    ):
        numbers = [int(number) for number in re.findall(r"trial (\d+), [\d.]+ s after", body)]
        assert len(numbers) == 2
        assert {trials[number] for number in numbers} == {heading.split(" (")[0].replace(" ", "_")}


def test_pages_are_bounded_and_the_same_again(results: Results, page: str, tmp_path: Path) -> None:
    assert len(page) < 8_000_000
    again = write_video_pages(results, tmp_path, workers=2)
    assert again["m01"].read_text(encoding="utf-8") == page


def test_too_many_bytes_mean_fewer_stills(
    results: Results, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.mouse_face.video_pages.MOST_BYTES", len(page) // 3)
    small = animal_page(results, "m01", chosen_trials(results, "m01"))
    assert len(small) < 0.6 * len(page)
    before, after = (content_of(text)["trials"][0]["since_s"] for text in (page, small))
    assert len(after) < len(before) / 2
    assert after[-1] > before[-1] - 2


def test_the_crop_is_shown_alone(results: Results) -> None:
    session = results.data.sessions["session_id"].iloc[0]
    mask = FaceMask(crop=Crop(left_px=20, top_px=10, width_px=100, height_px=60))
    cropped = dataclasses.replace(results, data=dataclasses.replace(results.data, masks={session: mask}))
    trial = content_of(animal_page(cropped, "m01", chosen_trials(cropped, "m01").head(3)))["trials"][0]
    assert (trial["sheet"]["width_px"], trial["sheet"]["height_px"]) == (100, 60)


def test_frames_that_were_left_out_are_marked(results: Results) -> None:
    session = results.data.sessions["session_id"].iloc[0]
    quality = results.data.quality[session]
    frames = quality.frames.copy()
    onset_s = results.data.trials["onset_s"].iloc[0]
    frames.loc[(frames["time_s"] - onset_s).between(5, 6), "excluded"] = True
    data = dataclasses.replace(results.data, quality={session: dataclasses.replace(quality, frames=frames)})
    trials = results.data.trials.head(1)
    kind = [kind_words(trial) for trial in trials.to_dict("records")]
    page = animal_page(dataclasses.replace(results, data=data), "m01", trials.assign(core=False, kind=kind))
    (trial,) = content_of(page)["trials"]
    marked = [time for time, out in zip(trial["since_s"], trial["left_out"], strict=True) if out]
    assert marked
    assert all(5 <= time <= 6 for time in marked)


def test_without_prototypes_there_are_faces_only(results: Results) -> None:
    trials = results.data.trials.assign(laser=True)
    data = dataclasses.replace(results.data, trials=trials)
    record = dataclasses.replace(results, data=data)
    page = animal_page(record, "m01", chosen_trials(record, "m01"))
    content = content_of(page)
    assert content["prototypes"] == []
    assert "There are no prototypes for this study" in page
    assert "quinine, light" in {trial["kind"] for trial in content["trials"]}


def test_an_animal_whose_video_is_gone_has_no_page(results: Results, tmp_path: Path) -> None:
    session = results.data.sessions["session_id"].iloc[0]
    data = dataclasses.replace(results.data, videos={session: tmp_path / "gone.mkv"})
    assert write_video_pages(dataclasses.replace(results, data=data), tmp_path) == {}


def test_names_cannot_break_the_page(results: Results) -> None:
    names = dataclasses.replace(results.data, name='<b>"study"</b>')
    page = animal_page(dataclasses.replace(results, data=names), "m01", chosen_trials(results, "m01").head(1))
    assert "<b>" not in page
    assert page_path("../x y") == "faces/_x_y.html"


def test_pictures_are_stamped_shrunk_and_packed() -> None:
    grey = np.full((120, 160), 128, np.uint8)
    picture = shrink(grey, 80)
    assert picture.size == (80, 60)
    assert shrink(grey, 400).size == (160, 120)
    marked = np.asarray(stamped(picture))
    assert np.ptp(marked[:30]) == 0
    assert np.ptp(marked[45:, :40]) > 200
    sheet = pack([picture] * 7, quality=50)
    assert (sheet.n_stills, sheet.width_px, sheet.height_px) == (7, 80, 60)
    whole = decoded(sheet.data)
    assert whole.shape == (60 * -(-7 // sheet.columns), 80 * sheet.columns)
    with pytest.raises(ValueError, match="a picture at least"):
        pack([], quality=50)
    assert to_bytes(np.array([[0, 4095]], np.uint16)).tolist() == [[0, 255]]
