"""The facial-mimicry task of Korb et al. (2023), as its "Stimuli and task" reads.

``procedure.py`` is the course of a session, ``trial.py`` one trial, ``feedback.py`` the rule of the feedback,
``design.py`` the trial list, ``parameters.py`` every number, ``texts`` every word on the screen. ``plan.py``
and ``run.py`` are around it: what is checked and written before, and how everything is closed after.

Notes
-----
Differences from the paper, and choices where it is silent:

- Any stimulus set can be shown. The paper has 24 videos of 5 s; here their duration is that of the set.
- The limit of three successive trials with the same emotion begins anew after the break. Each valid order is
  equally probable; each video is shown equally often in both blocks, and may follow itself.
- Fixation crosses have durations evenly spaced from 2 to 3 s in random order, so their mean is 2.5 s in each
  block; they are shown for the nearest whole number of screen refreshes.
- A trial with both the right and a wrong key is answered with "Wrong button (only arrow up)".
- A press counts from the first refresh of the video up to its last but one: the feedback is drawn then.
- The response that is kept is the first press; every press is in the log.
- Videos are shown at their own size in pixels, scaled down where the screen is smaller, on a grey background.
- A page is turned with the response key, space or return. The escape key is answered after the trial.
"""
