from pathlib import Path

import pytest

from stimuli.pairs import read_expressions, read_pairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("a1", "a2", "b1", "b2"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(name.encode())
        (tmp_path / "photos" / f"{name}.tem").write_bytes(name.encode())
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "pairs.tsv"
    path.write_text(text.replace(" ", "\t"), encoding="utf-8")
    return path


def test_paths_start_at_the_table_and_directions_come_from_the_columns(folder: Path) -> None:
    table = read_pairs(write(folder, "identity sex happy angry\nid01 male photos/a1.jpg photos/a2.jpg\n"))
    assert table.expressions == ("happy", "angry")
    assert table.directions == ("HappyToAngry", "AngryToHappy")
    (pair,) = table.pairs
    assert (pair.pair, pair.identity, pair.sex) == ("id01", "id01", "male")
    assert pair.photographs == (folder / "photos/a1.jpg", folder / "photos/a2.jpg")
    assert pair.landmark_files == (None, None)


def test_columns_may_come_in_any_order_with_landmarks_and_windows_line_ends(folder: Path) -> None:
    header = "happy_landmarks angry pair happy sex identity"
    text = f"{header}\r\nphotos/a1.tem photos/a2.jpg p photos/a1.jpg male x\r\n\r\n"
    path = folder / "pairs.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(" ", "\t").encode())
    table = read_pairs(path)
    assert table.expressions == ("angry", "happy")
    assert table.pairs[0].pair == "p"
    assert table.pairs[0].landmark_files == (None, folder / "photos/a1.tem")


def test_a_second_pair_of_a_person_gets_its_own_name(folder: Path) -> None:
    rows = "x male photos/a1.jpg photos/a2.jpg\nx male photos/b1.jpg photos/b2.jpg\n"
    assert [pair.pair for pair in read_pairs(write(folder, "identity sex h a\n" + rows)).pairs] == [
        "x",
        "x_2",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns identity and sex"),
        ("identity,sex,happy,angry\n", "not tab separated"),
        ("identity happy angry\n", "lacks the column sex"),
        ("identity sex happy\n", "photographs in 1 column.s. instead of 2"),
        ("identity sex happy angry sad\n", "has no pairs below its header"),
        ("identity sex happy happy\n", "happy more than once"),
        ("identity sex happy Happy\n", "not different names of expressions"),
        ("identity sex happy angry sad_landmarks\n", "sad_landmarks belongs to no expression"),
        ("identity sex happy angry\n", "no pairs"),
        ("identity sex happy angry\nx woman photos/a1.jpg photos/a2.jpg\n", "pair 1: sex is 'woman'"),
        ("identity sex happy angry\nx male photos/a1.jpg\n", "pair 1: angry is empty"),
        ("identity sex happy angry\nx male photos/a1.jpg photos/a2.jpg more\n", "pair 1: 5 fields"),
        ("identity sex happy angry\n../x male photos/a1.jpg photos/a2.jpg\n", "use letters, digits"),
        ("identity sex happy angry\nx male photos/a1.jpg photos/a1.jpg\n", "are the same"),
        (
            "identity sex pair h a\nx male P photos/a1.jpg photos/a2.jpg\ny male p photos/b1.jpg b2.jpg\n",
            "pair 2: the pair name p occurs twice",
        ),
    ],
)
def test_mistakes_in_the_table_are_told(folder: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_pairs(write(folder, text))


def test_all_missing_files_are_listed(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"(?s)c1\.jpg.*c2\.jpg"):
        read_pairs(
            write(
                folder, "identity sex h a\nx male photos/c1.jpg photos/a2.jpg\ny male photos/b1.jpg c2.jpg\n"
            )
        )
    with pytest.raises(FileNotFoundError, match="table of pairs not found"):
        read_pairs(folder / "nothing.tsv")


def test_a_spreadsheet_file_is_refused(folder: Path) -> None:
    (folder / "pairs.tsv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a UTF-8 text file"):
        read_pairs(folder / "pairs.tsv")


def test_any_two_of_several_expressions(folder: Path) -> None:
    rows = "id01 male photos/a1.jpg photos/a2.jpg photos/b1.jpg\nid02 male photos/a1.jpg photos/a2.jpg\n"
    path = write(folder, "identity sex happy angry neutral\n" + rows)
    assert read_expressions(path) == ["happy", "angry", "neutral"]
    assert read_pairs(path).expressions == ("happy", "angry")
    chosen = read_pairs(path, expressions=("neutral", "happy"))
    assert chosen.directions == ("NeutralToHappy", "HappyToNeutral")
    assert [pair.pair for pair in chosen.pairs] == ["id01"]
    assert [photograph.name for photograph in chosen.pairs[0].photographs] == ["b1.jpg", "a1.jpg"]
    with pytest.raises(ValueError, match=r"no photographs of sad\. It has: happy, angry, neutral"):
        read_pairs(path, expressions=("sad", "happy"))
    with pytest.raises(ValueError, match="must differ"):
        read_pairs(path, expressions=("happy", "happy"))
