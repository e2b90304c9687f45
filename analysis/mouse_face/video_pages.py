"""A page per animal: its face around events, moving, above the traces of similarity to each prototype."""

from __future__ import annotations

import dataclasses
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from tqdm import tqdm

from analysis.mouse_face.colours import NEUTRAL_COLOUR, event_colours, event_order
from analysis.mouse_face.results import Results
from analysis.mouse_face.scoring import similarity
from analysis.mouse_face.selection import Missing, core_trials
from analysis.mouse_face.video_overview import session_overviews
from analysis.mouse_face.video_stills import FaceCamera, Sheet, data_address, pack, shrink, stamped

FOLDER = "faces"
"""Folder of the pages, beside the report."""
BEFORE_S, AFTER_S = 2.0, 8.0
"""Part of each trial that is shown; most expressions end in that time (Dolensek et al. 2020, Fig. 3B)."""
TRIALS_PER_KIND = 3
"""Trials shown of each event (and condition, and light)."""
MOST_TRIALS = 36
STILL_PX, PORTRAIT_PX = 220, 260
STILL_QUALITY, PORTRAIT_QUALITY = 45, 70
STEP_S = 0.1
"""Time between stills: ten a second show a mouse's face move."""
MOST_BYTES = 6_000_000
"""Of a page; where it would be more, there are fewer stills a second."""


def page_path(animal: str) -> str:
    """Give the path of an animal's page, relative to the report.

    >>> page_path("m 01/a")
    'faces/m_01_a.html'
    """
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9_-]+', '_', animal)}.html"


def write_video_pages(results: Results, folder: Path, *, workers: int = 1) -> dict[str, Path]:
    """Write a page for each animal with a video.

    Parameters
    ----------
    results : Results
        All that was found.
    folder : Path
        Folder of the report.
    workers : int
        Animals that are worked on at the same time; decoding and packing release Python's lock.

    Returns
    -------
    dict of str to Path
        Animal -> its page.
    """
    data = results.data
    readable = {name for name, path in data.videos.items() if path.exists() and name in data.quality}
    sessions = data.sessions[data.sessions["session_id"].isin(readable)]
    animals = [name for name in data.animals if (sessions["animal"] == name).any()]
    (folder / FOLDER).mkdir(exist_ok=True)

    def write(animal: str) -> Path | None:
        trials = chosen_trials(results, animal)
        trials = trials[trials["session_id"].isin(readable)]
        if trials.empty:
            return None
        page = folder / page_path(animal)
        page.write_text(animal_page(results, animal, trials), encoding="utf-8", newline="\n")
        return page

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        written = list(tqdm(pool.map(write, animals), "video pages", total=len(animals), unit="animal"))
    return {animal: page for animal, page in zip(animals, written, strict=True) if page is not None}


def chosen_trials(results: Results, animal: str) -> pd.DataFrame:
    """Choose the trials of an animal that its page shows: the first three of each kind, core trials first."""
    trials = results.data.trials
    own = trials[(trials["animal"] == animal) & trials["kept"].astype(bool)]
    core = core_trials(results.data, results.own_parameters)
    if not isinstance(core, Missing):
        of_core = core.trials[core.trials["animal"] == animal]
        rest = own[~own["trial"].isin(of_core["trial"])]
        own = pd.concat([of_core.assign(core=True), rest.assign(core=False)], ignore_index=True)
    else:
        own = own.assign(core=False)
    kind = [kind_words(trial) for trial in own.to_dict("records")]
    first = own.assign(kind=kind).groupby(["core", "kind"], sort=False).head(TRIALS_PER_KIND)
    order = {label: place for place, label in enumerate(event_order(first["label"]))}
    chosen = first.head(MOST_TRIALS).assign(place=lambda table: table["label"].map(order))
    chosen = chosen.sort_values(["core", "place", "kind", "trial"], ascending=[False, True, True, True])
    return chosen.drop(columns="place").reset_index(drop=True)


def kind_words(trial: dict[Any, Any]) -> str:
    """Name what was special about a trial beside its event: its condition, and light.

    >>> kind_words({"label": "quinine", "condition": "", "laser": True})
    'quinine, light'
    """
    light = trial["laser"] is True or str(trial["laser"]).lower() in ("true", "1", "1.0")
    light = light and trial.get("event", trial["label"]) != "laser"
    condition = trial["condition"] if isinstance(trial["condition"], str) else ""
    return ", ".join(text for text in (trial["label"], condition, "light" if light else "") if text)


def animal_page(results: Results, animal: str, trials: pd.DataFrame) -> str:
    """Make the page of one animal.

    Parameters
    ----------
    results : Results
        All that was found.
    animal : str
        The animal.
    trials : pandas.DataFrame
        As of `chosen_trials`.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    frames, traces = _traces(results, trials)
    cameras = _cameras(results, trials)
    colours = event_colours([*trials["label"], *trials["event"], *traces.columns])
    names = {label: results.emotions.event_and_emotion(label) for label in colours}
    portraits = _portraits(results, trials, frames, traces, cameras)
    spent = sum(len(face["picture"]) for row in portraits for face in row["faces"])
    shown = _shown_trials(results, trials, frames, traces, cameras, MOST_BYTES - spent)
    content: dict[str, Any] = {
        "prototypes": [
            {"event": label, "name": names[label], "colour": colours[label]}
            for label in event_order(traces.columns)
        ],
        "trials": [
            {
                **trial,
                "name": names.get(trial["label"], trial["label"]),
                "colour": colours.get(trial["label"], NEUTRAL_COLOUR),
            }
            for trial in shown
        ],
        "sessions": session_overviews(results, trials, shown) if len(traces.columns) else [],
        "colours": colours,
        "names": names,
        "before_s": BEFORE_S,
        "after_s": AFTER_S,
        "during_s": results.own_parameters.during_s,
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("video_page.html").render(
        study=results.data.name,
        animal=animal,
        simulated=results.simulated,
        cross_fitted=results.own_parameters.cross_fitted,
        baseline_s=results.own_parameters.baseline_s,
        emotion_source=results.emotions.source,
        portraits=[
            {**row, "name": names[row["label"]], "colour": colours[row["label"]]} for row in portraits
        ],
        has_traces=len(traces.columns) > 0,
        content_sessions=len(content["sessions"]),
        content=_script_json(content),
    )


def _traces(results: Results, trials: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Similarity of each frame to each prototype, minus the trial's mean at rest."""
    parameters = results.own_parameters
    if isinstance(core_trials(results.data, parameters), Missing):
        return results.data.clips.head(0), pd.DataFrame()
    before_s = max(BEFORE_S, parameters.baseline_s)
    frames, values = similarity(results.data, trials, parameters, before_s=before_s, after_s=AFTER_S)
    rest = (frames["since_s"] < 0) & (frames["since_s"] >= -parameters.baseline_s - 1e-9)
    keys = [frames["session_id"], frames["trial"]]
    return frames, values - values.where(rest, axis=0).groupby(keys).transform("mean")


def _cameras(results: Results, trials: pd.DataFrame) -> dict[str, FaceCamera]:
    data = results.data
    return {
        str(name): FaceCamera(
            data.videos[name], data.times_s(name), mask=data.masks.get(name), simulated=results.simulated
        )
        for name in trials["session_id"].unique()
    }


def _portraits(
    results: Results,
    trials: pd.DataFrame,
    frames: pd.DataFrame,
    traces: pd.DataFrame,
    cameras: dict[str, FaceCamera],
) -> list[dict[str, Any]]:
    """For each prototype, the frame of each of its trials that is most like it; first the face at rest."""
    rows: list[dict[str, Any]] = []
    for label in event_order(traces.columns):
        faces: list[dict[str, Any]] = []
        for trial in trials[trials["core"] & (trials["label"] == label)].to_dict("records"):
            face = _most_alike(results, trial, frames, traces[label], cameras)
            faces += [face] if face else []
        if faces:
            rows.append({"label": label, "faces": sorted(faces, key=lambda face: -face["change"])})
    session = str(trials["session_id"].iloc[0])
    if rows and session in results.data.pictures:
        picture = shrink(results.data.face_picture(session), PORTRAIT_PX)
        picture = stamped(picture) if results.simulated else picture
        mean = {"picture": data_address(picture, quality=PORTRAIT_QUALITY), "words": "mean of the session"}
        for row in rows:
            row["mean"] = mean
    return rows


def _most_alike(
    results: Results,
    trial: dict[Any, Any],
    frames: pd.DataFrame,
    trace: pd.Series,
    cameras: dict[str, FaceCamera],
) -> dict[str, Any] | None:
    own = (frames["trial"] == trial["trial"]) & (frames["session_id"] == trial["session_id"])
    during = own & (frames["since_s"] >= 0) & (frames["since_s"] < results.own_parameters.during_s)
    found = trace[during.to_numpy()].dropna()
    if found.empty:
        return None
    best = frames.loc[found.idxmax()]
    picture = cameras[trial["session_id"]].take([int(best["frame"])], width_px=PORTRAIT_PX)[0]
    change = float(found.max())
    return {
        "picture": data_address(picture, quality=PORTRAIT_QUALITY),
        "change": change,
        "words": f"trial {trial['trial']}, {best['since_s']:.1f} s after the onset, Δr = {_signed(change)}",
    }


def _shown_trials(
    results: Results,
    trials: pd.DataFrame,
    frames: pd.DataFrame,
    traces: pd.DataFrame,
    cameras: dict[str, FaceCamera],
    most_bytes: int,
) -> list[dict[str, Any]]:
    """Stills and traces of each trial; fewer stills where they would be too many bytes."""
    shown: list[dict[str, Any]] = []
    step_s = STEP_S
    for place, trial in enumerate(trials.to_dict("records")):
        sheet, since_s, left_out = _sheet(results, trial, cameras, step_s)
        if place == 0 and sheet is not None:
            needed = sheet.n_bytes * len(trials)
            if needed > 0.85 * most_bytes:
                step_s *= needed / (0.85 * most_bytes)
                sheet, since_s, left_out = _sheet(results, trial, cameras, step_s)
        if sheet is None:
            continue
        own = (frames["trial"] == trial["trial"]) & (frames["session_id"] == trial["session_id"])
        own &= frames["since_s"] >= -BEFORE_S - 1e-9
        about = {
            "label": trial["label"],
            "kind": trial["kind"],
            "words": _trial_words(trial),
            "session_id": trial["session_id"],
            "number": trial["trial"],
            "sheet": dataclasses.asdict(sheet),
            "since_s": _rounded(since_s),
            "left_out": left_out.astype(int).tolist(),
            "trace_s": _rounded(frames.loc[own, "since_s"].to_numpy()),
            "traces": {name: _rounded(traces.loc[own, name].to_numpy(), 4) for name in traces.columns},
        }
        shown.append(about)
    return shown


def _sheet(
    results: Results, trial: dict[Any, Any], cameras: dict[str, FaceCamera], step_s: float
) -> tuple[Sheet | None, np.ndarray, np.ndarray]:
    name, onset_s = trial["session_id"], trial["onset_s"]
    camera = cameras[name]
    numbers = camera.between(onset_s - BEFORE_S, onset_s + AFTER_S, step_s=step_s)
    if not len(numbers):
        return None, np.empty(0), np.empty(0, bool)
    sheet = pack(camera.take(numbers.tolist(), width_px=STILL_PX), quality=STILL_QUALITY)
    return sheet, camera.times_s[numbers] - onset_s, ~results.data.valid(name)[numbers]


def _trial_words(trial: dict[Any, Any]) -> str:
    minutes, seconds = divmod(float(trial["onset_s"]), 60)
    return f"trial {trial['trial']}, session {trial['session']}, at {int(minutes)}:{seconds:04.1f} min"


def _rounded(values: np.ndarray, digits: int = 3) -> list[float | None]:
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _script_json(content: dict[str, Any]) -> Markup:
    """Give JSON that may stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
