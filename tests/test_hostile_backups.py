"""Backups that are broken or made to harm, with a sum that fits.

`tests/test_resume.py` has those whose sum does not fit. None may be used, run
code, fill the memory or change a variable.
"""

import json
import os
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from test_hostile_files import BOUNDED
from test_hostile_files import CHANGES
from test_hostile_files import mutated
from test_hostile_files import small_gan

from keras_gan.callbacks import ExactBackup
from keras_gan.callbacks import backup_files

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)


def fit(gan, folder, **kwargs):
    backup = ExactBackup(folder, 1, delete_checkpoint=False, **kwargs)
    gan.fit(X, batch_size=4, shuffle=False, verbose=0, callbacks=[backup])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The one backup of a run."""
    folder = tmp_path_factory.mktemp("whole")
    fit(small_gan(), folder, keep=1)
    (backup,) = folder.iterdir()
    return backup


def forged(body):
    return json.dumps({"sha256": backup_files.sum_of(body), "body": body})


def entry(**changes):
    """Another first array in the manifest."""

    def change(body):
        body["arrays"][0].update(changes)

    return change


def fact(name, value):
    def change(body):
        body["facts"][name] = value

    return change


def without(name):
    def change(body):
        del body["facts"][name]

    return change


def twice(body):
    body["arrays"].append(body["arrays"][0])


def state_of(callbacks):
    return fact("callbacks", {"History_1": callbacks})


CASES = {
    "shape bomb": entry(shape=[2**40, 2**20]),
    "negative shape": entry(shape=[-1, -1]),
    "shape of text": entry(shape=["9"]),
    "shape of halves": entry(shape=[0.5]),
    "deep shape": entry(shape=[1] * 200),
    "objects": entry(dtype="O"),
    "text": entry(dtype="string"),
    "no type": entry(dtype=None),
    "structured": entry(dtype=[["a", "<i4"]]),
    "an array twice": twice,
    "no arrays": lambda body: body.update(arrays=[]),
    "arrays of numbers": lambda body: body.update(arrays=[1, 2]),
    "no facts": lambda body: body.pop("facts"),
    "facts are a list": lambda body: body.update(facts=[]),
    "another format": lambda body: body.update(format=99),
    "format of text": lambda body: body.update(format="1"),
    "no epoch": without("epoch"),
    "no setting": without("setting"),
    "no callbacks": without("callbacks"),
    "epoch of text": fact("epoch", "1"),
    "negative epoch": fact("epoch", -3),
    "step of text": fact("step", [0]),
    "negative step": fact("step", -1),
    "place of text": fact("next_batch", "0"),
    "logs of text": fact("logs", "x"),
    "callbacks are a list": fact("callbacks", []),
    "state of a missing array": state_of({"history": {"array": "x"}}),
    "state without a name": state_of({}),
}


@pytest.mark.parametrize("name", CASES)
def test_forged_backup_is_refused(name, whole, tmp_path):
    shutil.copytree(whole, tmp_path / whole.name)
    path = tmp_path / whole.name / "manifest.json"
    body = json.loads(path.read_text())["body"]
    CASES[name](body)
    path.write_text(forged(body))
    refused(tmp_path)


def refused(folder):
    gan = small_gan()
    before = [np.array(v) for v in gan.running_state().values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="None of the backups|Received"):
            fit(gan, folder)
    after = gan.running_state().values()
    for value, variable in zip(before, after, strict=True):
        np.testing.assert_array_equal(value, variable)
    assert int(gan.g_optimizer.iterations) == 0


def deep(text):
    return "[" * 100_000


FILES = {
    "empty": lambda text: "",
    "a number": lambda text: "1",
    "a list": lambda text: "[]",
    "no body": lambda text: "{}",
    "not a number": lambda text: text.replace("1", "NaN", 1),
    "deep": deep,
    "binary": lambda text: "\x00\xff",
}


@pytest.mark.parametrize("name", FILES)
def test_broken_manifest_is_refused(name, whole, tmp_path):
    shutil.copytree(whole, tmp_path / whole.name)
    path = tmp_path / whole.name / "manifest.json"
    path.write_text(FILES[name](path.read_text()))
    refused(tmp_path)


def test_manifest_is_not_read_beyond_its_limit(whole, tmp_path):
    shutil.copytree(whole, tmp_path / whole.name)
    os.truncate(tmp_path / whole.name / "manifest.json", 2**33)
    refused(tmp_path)


def test_pipes_are_not_waited_for(whole, tmp_path):
    shutil.copytree(whole, tmp_path / whole.name)
    path = tmp_path / whole.name / "arrays.bin"
    path.unlink()
    os.mkfifo(path)
    refused(tmp_path)


def fuzz(whole, folder, name, share, changes):
    """A changed backup is refused, or is as it was."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    content = (whole / name).read_bytes()
    (folder / name).write_bytes(mutated(content, share, changes))
    arrays, facts = backup_files.read(whole)
    try:
        found, told = backup_files.read(folder)
    except backup_files.BROKEN as error:
        assert str(error)
        return
    assert told == facts and list(found) == list(arrays)
    for key, value in arrays.items():
        np.testing.assert_array_equal(found[key], value)


NAMES = st.sampled_from(["arrays.bin", "manifest.json"])
SHARES = st.floats(0.5, 1) | st.just(1.0)


@settings(max_examples=100, **BOUNDED)
@given(NAMES, SHARES, CHANGES)
def test_fuzzed_backups(whole, tmp_path, name, share, changes):
    fuzz(whole, tmp_path / "fuzz", name, share, changes)


@pytest.mark.large
@settings(max_examples=1_500, **BOUNDED)
@given(NAMES, SHARES, CHANGES)
def test_fuzzed_backups_at_length(whole, tmp_path, name, share, changes):
    fuzz(whole, tmp_path / "fuzz", name, share, changes)
