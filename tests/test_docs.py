"""What the documents show runs, and what they name is there."""

import ast
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from keras_gan import cli
from keras_gan import losses
from keras_gan import presets

ROOT = pathlib.Path(__file__).parent.parent
CONDITIONED = (
    *("acgan", "conditional", "infogan", "regularised"),
    "semi_supervised",
)
READMES = ["README.md", "README.zh-CN.md"]


def python_of(name):
    text = (ROOT / name).read_text()
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))


def test_both_languages_show_one_example():
    first, second = (ast.unparse(ast.parse(python_of(r))) for r in READMES)
    assert second in first


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("README.md", marks=pytest.mark.large),
        pytest.param("README.zh-CN.md", marks=pytest.mark.long),
    ],
)
def test_python_example_runs_in_short_form(name, tmp_path):
    code = python_of(name)
    short = code.replace("epochs=13", "epochs=1, steps_per_epoch=2")
    assert short != code
    command = [sys.executable, "-W", "error::UserWarning", "-c", short]
    subprocess.run(command, check=True, cwd=tmp_path)
    made = {file.name for file in tmp_path.iterdir()}
    assert {"samples", "fashion.keras", "served"} <= made


@pytest.mark.parametrize("name", READMES)
def test_commands_exist(name):
    lines = re.findall(r"^keras-gan (.*)", (ROOT / name).read_text(), re.M)
    assert len(lines) == 8
    for line in lines:
        verb, *arguments = shlex.split(line, comments=True)
        options = {o for p in cli.main.commands[verb].params for o in p.opts}
        assert {a for a in arguments if a.startswith("--")} <= options


@pytest.mark.parametrize("name", READMES)
def test_the_two_commands_are_those_of_ci(name):
    text = (ROOT / name).read_text()
    install, test = re.findall(r"^python3 -m venv .*", text, re.M)
    assert install.endswith(".venv/bin/keras-gan train")
    assert test.endswith(".venv/bin/pytest -n auto")
    english = (ROOT / "README.md").read_text()
    assert install in english and test in english
    pattern = re.search(
        "grep '(.*)' README.md", (ROOT / ".ci" / "run").read_text()
    )
    assert re.findall(pattern[1] + ".*", english, re.M) == [test]


@pytest.mark.parametrize(
    "path", [*READMES, "CONTRIBUTING.md", "TPU.md", "benchmarks/README.md"]
)
def test_links_lead_somewhere(path):
    text = (ROOT / path).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / path).parent.joinpath(target).exists(), target
    assert "@@" not in text


def test_readme_quotes_the_table_of_objectives():
    """As `benchmarks/objectives.py` wrote it, not as typed by hand."""
    readme = (ROOT / "README.md").read_text()
    parts = (ROOT / "benchmarks" / "objectives.md").read_text().split("\n\n")
    tables = [part for part in parts if part.startswith("| loss | none")]
    assert len(tables) == 2
    for table in tables:
        assert len(table.strip().splitlines()) == 2 + len(losses.LOSSES)
        assert table.strip() in readme


def test_readme_quotes_the_table_of_presets():
    table = (ROOT / "benchmarks" / "presets.md").read_text().strip()
    # What takes labels, or codes, is measured by other numbers.
    plain = set(presets.__all__) - {*CONDITIONED}
    assert len(table.splitlines()) == 3 + len(plain)
    assert table in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *("throughput_short", "time_to_quality", "precision"),
        *("conditional", "augmentation"),
    ],
)
def test_readme_quotes_what_benchmarks_wrote(name):
    table = (ROOT / "benchmarks" / f"{name}.md").read_text().strip()
    assert len(table.splitlines()) > 3
    assert table in (ROOT / "README.md").read_text()


def test_tpu_page_quotes_the_table_of_compilations():
    table = (ROOT / "benchmarks" / "tpu_compile.md").read_text().strip()
    assert len(table.splitlines()) > 2
    assert table in (ROOT / "TPU.md").read_text()


def test_benchmarks_page_quotes_the_tables_of_the_input_pipeline():
    text = (ROOT / "benchmarks" / "input_pipeline.md").read_text()
    page = (ROOT / "benchmarks" / "README.md").read_text()
    *_, stream = tables = [part.strip() for part in text.split("\n\n")]
    assert stream.startswith("| 100,000 images")
    assert len(stream.splitlines()) == 2 + 3
    assert all(table in page for table in tables)


def test_large_files_stay_out():
    for file in ROOT.rglob("*"):
        private = {".venv", ".git", "runs", "build"} & set(file.parts)
        if file.is_file() and not private:
            assert file.stat().st_size < 10e6, file
