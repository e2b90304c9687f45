"""The tables of a study are made anew from all answers and from the log of the pills."""

from __future__ import annotations

from pathlib import Path

from experiments.allocation import pills_taken
from experiments.allocation.files import has_allocation
from experiments.dataset.answers import answers_folder
from experiments.dataset.phenotype import update_phenotype
from experiments.dataset.study import description_file
from experiments.one_at_a_time import one_at_a_time


def update_tables(study: Path) -> list[str]:
    """Make the tables in ``phenotype`` anew: after a questionnaire, and when a session is in the dataset.

    Parameters
    ----------
    study : Path
        Folder of the study.

    Returns
    -------
    list of str
        What the experimenter should know.

    Raises
    ------
    FileNotFoundError
        If the folder is not a study.
    ValueError
        If answers were damaged, or another program is making the tables.
    """
    description_file(study)
    lock = study / "sourcedata" / "phenotype_in_use"
    with one_at_a_time(
        lock, busy=f"another program is writing {study / 'phenotype'}: give the command again"
    ):
        return update_phenotype(study, pill_taken=pills_taken(study))


def update_tables_of(study: Path, participant: str) -> list[str]:
    """Make the tables anew if anything is known of the participant; never fail, as a session ends with it.

    Returns
    -------
    list of str
        What the experimenter should know, also why the tables could not be made.
    """
    try:
        known = answers_folder(study, participant).is_dir() or has_allocation(study)
        return update_tables(study) if known else []
    except (ValueError, OSError) as error:
        return [
            f"the tables in {study / 'phenotype'} were not made ({error}); make them later with: python -m "
            f'experiments.questionnaires "{study}" --tables'
        ]
