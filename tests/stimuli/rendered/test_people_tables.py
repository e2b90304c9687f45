import pytest

from stimuli.rendered.identities import draw_people
from stimuli.rendered.people_tables import TABLE_FILE, built_in_people, people_text, read_people, rounded
from stimuli.rendered.plan import cast


def test_the_ten_built_in_people():
    people = built_in_people()
    assert [person.identity for person in people] == [f"id{k:02d}" for k in range(1, 11)]
    assert [person.sex for person in people] == ["female", "male"] * 5
    ancestries = {
        name.split("/")[1].split("-")[0]
        for person in people
        for name, weight in person.shape.items()
        if name.startswith("macrodetails/") and weight > 0.5
    }
    assert {"african", "asian", "caucasian"} <= ancestries


def test_table_and_people_are_the_same_thing(tmp_path):
    assert people_text(built_in_people()) == TABLE_FILE.read_text(encoding="utf-8")
    drawn = [rounded(person) for person in draw_people(12, seed=9)]
    path = tmp_path / "people.toml"
    path.write_text(people_text(drawn), encoding="utf-8")
    assert read_people(path) == drawn


def test_default_seed_shows_the_table_and_draws_more_only_beyond_it():
    assert cast(4, seed=1) == built_in_people()[:4]
    assert cast(12, seed=1)[:10] == built_in_people()
    assert cast(12, seed=1)[10:] == [rounded(person) for person in draw_people(12, seed=1)[10:]]
    assert cast(3, seed=2) == [rounded(person) for person in draw_people(3, seed=2)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sex = "female"', 'sex = "other"', "sex is 'other'"),
        ("lash_length = ", "lashes = ", "without lash_length; with lashes, which is not known"),
        ("skin = [", "skin = [2.0, ", "skin is"),
        ('kind = "', 'kind = "mohawk', "expected parted, pulled_back, short or curls"),
        ("hair_colour = [", 'hair_colour = "brown" # [', "hair_colour is 'brown'"),
        ("brow_seed = ", "brow_seed = -", "whole number"),
        ("covers_ears = ", "covers_ears = 1 # ", "expected true or false"),
        ('"macrodetails/', '"macro/', "no shape target 'macro/"),
        ("[id01.shape]", "[id01.form]", "the table \\[id01.shape\\] is missing"),
        ("[id01]", "[id-01]", "letters and digits alone|is missing"),
    ],
)
def test_mistakes_in_a_table_are_named(tmp_path, old, new, message):
    text = people_text(built_in_people()[:1])
    assert old in text
    path = tmp_path / "people.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_people(path)


def test_table_without_people(tmp_path):
    path = tmp_path / "people.toml"
    path.write_text("# nobody\n", encoding="utf-8")
    with pytest.raises(ValueError, match="describes nobody"):
        read_people(path)
    with pytest.raises(FileNotFoundError, match="table not found"):
        read_people(tmp_path / "missing.toml")
