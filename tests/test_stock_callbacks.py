"""Keras' own callbacks, and their effect on both players."""

import csv

import keras
import numpy as np
import pytest
from conformance import STRUCTURES
from test_conformance import assert_equal
from test_conformance import dataset
from test_conformance import fit
from test_conformance import state


def marked(case):
    """Labels, and two updates a step, by default; all others at length."""
    fast = case.name in ("wgan_gp", "labels")
    marks = () if fast else (pytest.mark.large, pytest.mark.long)
    return pytest.param(case, id=case.name, marks=marks)


@pytest.fixture(params=map(marked, STRUCTURES))
def case(request):
    return request.param


def made(case):
    """The case's model, with the same weights each time."""
    keras.utils.set_random_seed(1)
    return case.make_gan()


def rates(gan):
    optimizers = (gan.d_optimizer, gan.g_optimizer)
    return [float(optimizer.learning_rate) for optimizer in optimizers]


def test_learning_rate_scheduler_moves_both_rates(case):
    gan = case.make_gan()
    before = rates(gan)
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = fit(gan, case, epochs=2, callbacks=[halve]).history
    np.testing.assert_allclose(rates(gan), np.array(before) / 4, rtol=1e-6)
    for name, rate in zip(("discriminator", "generator"), before):
        logged = history[f"learning_rate_{name}"]
        np.testing.assert_allclose(logged, [rate / 2, rate / 4], rtol=1e-6)


def test_reduce_on_plateau_cuts_both_rates(case):
    gan = case.make_gan()
    before = rates(gan)
    reduce = keras.callbacks.ReduceLROnPlateau(
        monitor="g_loss", mode="min", factor=0.1, patience=1, min_delta=1e6
    )
    fit(gan, case, epochs=2, callbacks=[reduce])
    np.testing.assert_allclose(rates(gan), np.array(before) / 10, rtol=1e-6)


def test_early_stopping_stops_and_restores_both_players(case):
    gan = case.make_gan()
    weights = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(gan.get_weights())
    )
    stop = keras.callbacks.EarlyStopping(
        monitor="val_g_loss",
        mode="min",
        min_delta=1e6,
        patience=2,
        restore_best_weights=True,
    )
    history = fit(
        gan,
        case,
        epochs=9,
        validation_data=dataset(case, 1),
        callbacks=[keep, stop],
    ).history
    assert len(history["g_loss"]) == 3
    assert_equal(weights[0], gan.get_weights())


def test_model_checkpoint_holds_the_whole_model(case, tmp_path):
    gan = case.make_gan()
    path = str(tmp_path / "{epoch}.keras")
    fit(gan, case, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    loaded = keras.saving.load_model(tmp_path / "2.keras")
    assert_equal(state(gan), state(loaded))
    first = keras.saving.load_model(tmp_path / "1.keras")
    fit(first, case)
    assert_equal(state(gan), state(first))


def test_backup_and_restore_ends_like_an_undisturbed_run(case, tmp_path):
    undisturbed = made(case)
    fit(undisturbed, case, epochs=3)

    def crash(epoch, logs):
        if epoch == 2:
            raise InterruptedError

    killed = made(case)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    bang = keras.callbacks.LambdaCallback(on_epoch_begin=crash)
    with pytest.raises(InterruptedError):
        fit(killed, case, epochs=3, callbacks=[backup, bang])
    resumed = made(case)
    resumed.seed_generator.state.assign([0, 0])
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    history = fit(resumed, case, epochs=3, callbacks=[backup]).history
    assert len(history["d_loss"]) == 1
    assert_equal(state(undisturbed), state(resumed))


def test_csv_logger_writes_each_value(case, tmp_path):
    gan = case.make_gan()
    path = tmp_path / "log.csv"
    logger = keras.callbacks.CSVLogger(str(path))
    history = fit(gan, case, epochs=2, callbacks=[logger]).history
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Keras adds empty columns for the validation that did not take place.
    columns = {name for name in rows[0] if not name.startswith("val_")}
    assert columns == {"epoch", *history}
    for name, logged in history.items():
        np.testing.assert_allclose([float(r[name]) for r in rows], logged)


def test_tensorboard_gets_values_of_both_players(case, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing import event_accumulator

    gan = case.make_gan()
    board = keras.callbacks.TensorBoard(str(tmp_path))
    history = fit(gan, case, epochs=2, callbacks=[board]).history
    reader = event_accumulator.EventAccumulator(
        str(tmp_path / "train"), size_guidance={"tensors": 0}
    )
    reader.Reload()
    tags = set(reader.Tags()["tensors"])
    wanted = {f"epoch_{name}" for name in history}
    wanted |= {"epoch_learning_rate_discriminator"}
    wanted |= {"epoch_learning_rate_generator"}
    assert wanted <= tags


def test_terminate_on_nan_stops_when_either_player_breaks(case):
    for player in ("discriminator", "generator"):
        gan = case.make_gan()
        weight = getattr(gan, player).trainable_variables[0]
        weight.assign(weight * np.nan)
        stop = keras.callbacks.TerminateOnNaN()
        history = fit(gan, case, epochs=4, callbacks=[stop]).history
        assert len(history["d_loss"]) == 1
