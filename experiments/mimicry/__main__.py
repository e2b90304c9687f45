"""The facial-mimicry session: ``python -m experiments.mimicry STUDY --participant ID --stimuli SET``."""

from __future__ import annotations

import sys

import typer

from experiments.mimicry import options
from experiments.mimicry.command import carry_out
from experiments.mimicry.options import Choices
from experiments.mimicry.parameters import SessionParameters
from experiments.session import SessionStopped

N_PRACTICE = SessionParameters().n_practice

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def session(
    study: options.StudyFolder,
    participant: options.ParticipantId = None,
    stimuli: options.StimulusSet = None,
    rig: options.RigFile = None,
    age: options.Age = None,
    sex: options.Sex = None,
    group: options.Group = None,
    language: options.Language = "en",
    resume: options.Resume = False,
    new_run: options.NewRun = False,
    close: options.Close = False,
    trials: options.NTrials = None,
    practice: options.NPractice = N_PRACTICE,
    seed: options.Seed = None,
    learn_key: options.LearnKey = False,
    allow_unmeasured_refresh: options.UnmeasuredRefresh = False,
    skip_signal_check: options.SkipSignalCheck = False,
    simulate: options.Simulate = False,
    participants: options.NParticipants = None,
    simulate_keys: options.SimulateKeys = False,
    null: options.Null = False,
    as_json: options.AsJson = False,
) -> None:
    """Run the facial-mimicry session of Korb et al. (2023), or simulate it.

    Instructions, 4 practice trials, 2 blocks of 48 trials with a break; in each trial a cross, a video in
    which a face changes, and feedback. Escape asks whether to stop (during a trial: when it is over).
    """
    carry_out(Choices(**locals()))


def main() -> None:
    """Run the command; wrong input is told in one line."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (SessionStopped, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        while isinstance(error.__context__, OSError):  # what came first: closing the files fails as well
            error = error.__context__
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
