"""The pictures of the documentation: their scripts draw the committed files, legibly."""

import re
import subprocess
import sys
import tomllib

import pytest

from clantune_strategies import recipes

INTRINSIC = re.compile(r'width="(\d+)[.\d]*pt" height="(\d+)[.\d]*pt"')


@pytest.fixture
def strategies(root):
    return root / "docs/strategies/pictures"


@pytest.fixture(params=["docs/pictures/draw_run.py", "docs/strategies/pictures/draw.py"])
def script(request, root):
    return root / request.param


@pytest.fixture
def folder(script):
    return script.parent


def draw(script, *arguments):
    command = [sys.executable, script, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_script_draws_every_picture_again(script, folder, tmp_path):
    assert draw(script, "--into", tmp_path).returncode == 0
    drawn = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in folder.glob("*.svg")}
    assert committed
    names = sorted({*drawn, *committed})
    different = [name for name in names if drawn.get(name) != committed.get(name)]
    assert different == [], f"draw them again: python {script}"


def test_every_strategy_and_recipe_has_a_picture(root, strategies):
    file = root / "plugins/strategies/pyproject.toml"
    points = tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]
    names = {*points["clantune.strategies"]}
    names |= {name.replace("_", "-") for name in recipes.__all__ if name != "Recipe"}
    assert {file.stem for file in strategies.glob("*.svg")} == names


def test_every_picture_is_shown(root, folder):
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md")]
    shown = {
        (page.parent / target).resolve()
        for page in pages
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+\.svg)\)", page.read_text("utf-8"))
    }
    assert {*folder.glob("*.svg")} <= shown


def test_pictures_are_small(folder):
    for file in folder.glob("*.svg"):
        assert file.stat().st_size < 60_000
        width, height = map(int, INTRINSIC.search(file.read_text("utf-8")).groups())
        assert width <= 500
        assert height <= 250


def test_pictures_of_strategies_have_one_size(strategies):
    for file in strategies.glob("*.svg"):
        assert 'width="360pt" height="180pt"' in file.read_text("utf-8")


def test_an_unknown_picture_is_an_error(strategies, tmp_path):
    done = draw(strategies / "draw.py", "roulette", "--into", tmp_path)
    assert done.returncode == 2
    assert (
        "error: there is no picture 'roulette'; the pictures are boltzmann, everyone, "
    ) in done.stderr
    assert [*tmp_path.iterdir()] == []


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_is_legible_on_white_and_on_black(folder):
    drawn = "".join(file.read_text("utf-8") for file in folder.glob("*.svg"))
    colours, page = set(re.findall(r"#[0-9a-f]{6}\b", drawn)) - {"#ffffff"}, luminance("#131416")
    assert len(colours) == 3
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) > 4.0
        assert (luminance(colour) + 0.05) / (page + 0.05) > 4.0
