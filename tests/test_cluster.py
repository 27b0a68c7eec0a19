"""Several real processes on this machine, and one that does what they do."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from test_cli import KILLED

from keras_gan.saving import check_file

HERE = pathlib.Path(__file__).parent
pytestmark = pytest.mark.large


def free_addresses(count):
    """Addresses of this machine that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for found in sockets:
        found.bind(("127.0.0.1", 0))
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return [f"127.0.0.1:{port}" for port in ports]


def environments(count):
    """By process, the environment that says which of how many it is."""
    if count == 1:
        return [dict(os.environ)]
    cluster = {"worker": free_addresses(count)}
    tasks = [{"type": "worker", "index": i} for i in range(count)]
    configs = [json.dumps({"cluster": cluster, "task": t}) for t in tasks]
    return [{**os.environ, "TF_CONFIG": config} for config in configs]


def run(jobs, command=("cluster_worker.py",), arguments=None):
    """Exit codes and errors of processes, one for each job."""
    arguments = arguments or [[json.dumps(job)] for job in jobs]
    processes = [
        subprocess.Popen(
            [sys.executable, *command, *arguments[i]],
            env=environment,
            cwd=HERE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, environment in enumerate(environments(len(jobs)))
    ]
    try:
        told = [process.communicate(timeout=400) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [p.returncode for p in processes], [errors for _, errors in told]


def trained(count, folder, **changes):
    """What each of some processes ended in, and the files that it wrote."""
    jobs = [
        {
            "out": str(folder / f"{count}_{i}.json"),
            "files": str(folder / f"{count}_{i}"),
            **changes,
        }
        for i in range(count)
    ]
    codes, errors = run(jobs)
    assert codes == [0] * count, "".join(text[-1500:] for text in errors)
    return [json.loads(pathlib.Path(job["out"]).read_text()) for job in jobs]


def assert_equal(one, other, **tolerances):
    for part in ("state", "logs", "ended"):
        assert one[part].keys() == other[part].keys()
        for name, value in one[part].items():
            np.testing.assert_allclose(
                other[part][name], value, err_msg=name, **tolerances
            )
    np.testing.assert_allclose(other["fakes"], one["fakes"], **tolerances)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    (found,) = trained(1, tmp_path_factory.mktemp("alone"))
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return trained(2, folder, saved=str(folder / "gan.keras"))


def test_two_processes_equal_one(alone, pair):
    assert [p["chief"] for p in pair] == [True, False]
    for process in pair:
        assert_equal(alone, process, rtol=1e-4, atol=1e-5)
    rates = alone["logs"]["learning_rate_discriminator"]
    assert rates[0] > rates[-1]


def test_each_process_fetches_its_own_rows_only(alone, pair):
    """36 rows in 3 passes, and the 12 held out after each and at the end."""
    assert len(alone["fetched"]) == 36 * 3 + 12 * 4
    first, second = (process["fetched"] for process in pair)
    assert len(first) == len(second) == len(alone["fetched"]) // 2
    assert sorted(first + second) == sorted(alone["fetched"])


def test_the_chief_alone_writes(pair):
    """Of our callbacks and of Keras' own, each told another folder."""
    chief, worker = [pathlib.Path(process["files"]) for process in pair]
    assert not list(worker.iterdir())
    pictures = [f"samples/epoch_000{i}.png" for i in (1, 2, 3)]
    files = ["log.csv", "gan.keras", "curves.png", "health.jsonl", *pictures]
    for name in files:
        assert (chief / name).stat().st_size > 0, name
    for folder in ("board/train", "pictures"):
        assert list((chief / folder).glob("events*")), folder
    assert len((chief / "log.csv").read_text().splitlines()) == 1 + 3


def test_all_may_save_to_one_path(pair):
    path = pathlib.Path(pair[0]["saved"])
    assert [file.name for file in path.parent.glob("*gan.keras")] == [path.name]
    check_file(path)


@pytest.mark.long
def test_three_processes_equal_one(alone, tmp_path):
    for process in trained(3, tmp_path):
        assert_equal(alone, process, rtol=1e-4, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("lost", [0, 1], ids=["chief", "worker"])
def test_a_lost_process_ends_all_and_they_go_on(lost, pair, tmp_path):
    """Killed at step 5 of 9, with backups of two steps."""
    folder = tmp_path / "backup"
    jobs = [
        {"out": str(tmp_path / f"{i}.json"), "dir": str(folder)}
        for i in range(2)
    ]
    jobs[lost]["kill"] = [5]
    codes, errors = run(jobs)
    assert codes[lost] == -signal.SIGKILL
    assert codes[1 - lost] == 1
    message = "LostWorker: Another process of the cluster was lost"
    assert message in errors[1 - lost]
    assert f"in task worker:{1 - lost}: " in errors[1 - lost]
    assert list(folder.iterdir())
    assert_they_go_on(folder, pair, tmp_path)


def assert_they_go_on(folder, pair, tmp_path):
    """From the backup to the end of the pair, to the last bit."""
    again = trained(2, tmp_path, dir=str(folder), files=None)
    for before, after in zip(pair, again):
        assert after["resumed"] > 0
        before = {**before, "logs": after["logs"]}
        assert_equal(before, after, rtol=0, atol=0)
    assert not folder.exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "step, place", [(4, "epoch 3, step 1"), (9, "epoch 4, step 1")]
)
def test_one_that_is_told_to_end_ends_all_in_a_backup(
    step, place, pair, tmp_path
):
    """Only the worker hears SIGTERM, in the second or in the last epoch."""
    folder = tmp_path / "backup"
    jobs = [
        {"out": str(tmp_path / f"{i}.json"), "dir": str(folder)}
        for i in range(2)
    ]
    jobs[1]["kill"] = [step, "SIGTERM"]
    codes, errors = run(jobs)
    assert codes == [128 + signal.SIGTERM] * 2, errors
    for text in errors:
        assert f"Stopped by SIGTERM before {place}" in text
        assert f"go on from {place}" in text
    assert_they_go_on(folder, pair, tmp_path)


@pytest.mark.long
def test_callbacks_that_cannot_share_files_are_refused(tmp_path):
    jobs = [
        {"out": str(tmp_path / f"{i}.json"), "restore": str(tmp_path / "b")}
        for i in range(2)
    ]
    codes, errors = run(jobs)
    assert codes == [1, 1]
    for text in errors:
        assert "Received: callbacks with BackupAndRestore" in text
    assert not (tmp_path / "b").exists()


def test_the_command_trains_a_cluster_and_one_process_writes(tmp_path):
    data = tmp_path / "table.npy"
    np.save(data, np.random.default_rng(0).uniform(-1, 1, (96, 4)))
    out = tmp_path / "run"
    command = ["-m", "keras_gan.cli", "train", "--data", data, "--out", out]
    command += ["--epochs", 2, "--batch-size", 16]
    command = [*map(str, command), "--strategy", "multi_worker"]
    codes, errors = run([None] * 2, command, [[], []])
    assert codes == [0, 0], "".join(text[-1500:] for text in errors)
    rows = (out / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "0", "1"]
    written = json.loads((out / "run.json").read_text())
    assert written["epochs_done"] == 2
    assert len(written["sessions"]) == 1


@pytest.mark.long
def test_a_folder_that_exists_is_refused_by_all(tmp_path):
    data, out = tmp_path / "table.npy", tmp_path / "run"
    np.save(data, np.random.default_rng(0).uniform(-1, 1, (96, 4)))
    out.mkdir()
    (out / "precious.txt").touch()
    command = ["-m", "keras_gan.cli", "train", "--data", data, "--out", out]
    command = [*map(str, command), "--strategy", "multi_worker"]
    codes, errors = run([None] * 2, command, [[], []])
    assert codes == [1, 1]
    assert all("exists and is not overwritten" in text for text in errors)


@pytest.mark.long
def test_a_command_that_is_told_to_end_is_gone_on_with(tmp_path):
    """SIGTERM reaches the chief alone, in the first epoch of two."""
    data, out = tmp_path / "table.npy", tmp_path / "run"
    np.save(data, np.random.default_rng(0).uniform(-1, 1, (96, 4)))
    options = ["--out", str(out), "--strategy", "multi_worker"]
    recipe = ["--data", str(data), "--epochs", "2", "--batch-size", "16"]
    command = ["-c", KILLED, "2", "SIGTERM", "100", "train"]
    codes, errors = run([None] * 2, [*command, *options, *recipe], [[], []])
    assert codes == [128 + signal.SIGTERM] * 2, errors
    assert json.loads((out / "run.json").read_text())["epochs_done"] == 1
    assert list((out / "backup").iterdir())
    command = ["-m", "keras_gan.cli", "train", "--resume"]
    # The strategy is that of the run.
    codes, errors = run([None] * 2, [*command, *options[:2]], [[], []])
    assert codes == [0, 0], errors
    assert json.loads((out / "run.json").read_text())["epochs_done"] == 2
    rows = (out / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "0", "1"]


@pytest.mark.long
def test_processes_with_other_backups_are_refused(tmp_path):
    """A folder that only one of them sees would let them wait for ever."""
    folder = tmp_path / "backup"
    jobs = [
        {"out": str(tmp_path / f"{i}.json"), "dir": str(folder), "stay": True}
        for i in range(2)
    ]
    assert run(jobs)[0] == [0, 0]
    jobs[1]["dir"] = str(tmp_path / "elsewhere")
    codes, errors = run(jobs)
    assert codes == [1, 1]
    assert "must agree on the backup" in errors[0]
