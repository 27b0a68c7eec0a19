import json
import math
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import LabelledGAN
from conformance import compiled
from conformance import labelled_batch
from conformance import labelled_players
from conformance import patch_players

from keras_gan import GAN
from keras_gan import architectures
from keras_gan import constraints
from keras_gan import datasets
from keras_gan import layers
from keras_gan import penalties
from keras_gan import presets
from keras_gan import schedules
from keras_gan.callbacks import ExactBackup
from keras_gan.callbacks import Health
from keras_gan.callbacks import backup_files
from keras_gan.callbacks import callback_states
from keras_gan.callbacks import health_answers
from keras_gan.callbacks import health_signals
from keras_gan.callbacks.health_probe import Probe
from keras_gan.callbacks.health_probe import distances
from keras_gan.callbacks.health_probe import divergence
from keras_gan.callbacks.health_probe import held_out_gap
from keras_gan.callbacks.health_probe import variety

ALL = ("warn", "augment", "rates", "penalty", "roll_back", "stop")
CALM = ("rates", "penalty", "roll_back", "stop")


def circle(n=512, seed=0):
    """Points of a closed curve in four dimensions, and a little noise."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    parts = [f(k * angle) for k in (1, 2) for f in (np.cos, np.sin)]
    x = 0.7 * np.stack(parts, axis=1) + rng.normal(0, 0.05, (n, 4))
    return x.astype("float32")


def vector_gan(rate=1e-3, loss="non_saturating", rules=(), units=32, **kwargs):
    players = architectures.mlp((4,), latent_dim=4, units=(units, units))
    gan = GAN(*players, seed=0)
    adam = keras.optimizers.Adam
    gan.compile(
        adam(rate, 0.5), adam(rate, 0.5), loss=loss, penalties=rules, **kwargs
    )
    return gan


def image_gan(augment=None, rules=()):
    players = architectures.dcgan((8, 8, 1), latent_dim=4, width=4)
    gan = GAN(*players, augment=augment, seed=0)
    adam = keras.optimizers.Adam
    gan.compile(adam(1e-3, 0.5), adam(1e-3, 0.5), penalties=rules)
    return gan


def watch(gan, x, epochs=8, batch_size=32, validation=None, **kwargs):
    held_out = circle(256, seed=99) if validation is None else validation
    health = Health(x, held_out, **{"warm_up": 1000, **kwargs})
    history = fit(gan, x, [health], epochs, batch_size)
    return health, len(history["loss"])


def fit(gan, x, callbacks, epochs=1, batch_size=32):
    return gan.fit(
        x,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=callbacks,
    ).history


def restless():
    """A watch that has something to answer at each probe."""
    return Health(
        circle(64), thresholds={"d_gradient": 0.0}, answers=CALM, patience=1
    )


def given(health, *names):
    return [tuple(record[n] for n in names) for record in health.answers]


class Set(keras.callbacks.Callback):
    """Gives the model other values once."""

    def __init__(self, at, act):
        super().__init__()
        self.at, self.act, self.step = at, act, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.step == self.at:
            self.act(self.model)
        self.step += 1


class TestFailingRuns:
    """Runs that are made to fail; each answer is the one meant for it."""

    @pytest.mark.large
    def test_learning_rate_1(self, caplog):
        health, epochs = watch(vector_gan(1.0), circle(), answers=ALL)
        found = given(health, "signal", "answer")
        assert ("logit_gap", "warn") in found
        assert ("logit_gap", "rates") in found
        gan = health.model
        assert float(gan.d_optimizer.learning_rate) <= 0.5
        assert float(gan.g_optimizer.learning_rate) <= 0.5
        first = health.answers[0]
        assert first["value"] > first["threshold"] == 100.0
        assert first["step"] == 32 and first["epoch"] == 1
        for key in ("signal", "answer", "cause", "remedy", "effect"):
            assert str(first[key]) in caplog.text
        assert "threshold 100.0" in caplog.text

    @pytest.mark.large
    def test_wasserstein_without_penalty(self):
        gan = vector_gan(1e-2, "wasserstein", units=128, d_steps=5)
        health, epochs = watch(gan, 20 * circle(), answers=("roll_back",))
        found = given(health, "signal", "answer")
        assert ("logit_gap", "warn") in found
        assert [a for _, a in found].count("roll_back") == health.roll_backs
        assert 1 <= health.roll_backs <= 3 and epochs == 8

    @pytest.mark.large
    def test_frozen_discriminator(self):
        gan = vector_gan()
        gan.d_optimizer.learning_rate = 0.0
        health, epochs = watch(gan, circle(), answers=("stop",))
        assert given(health, "step", "signal", "value", "answer")[-1] == (
            (64, "d_moved", 0.0, "stop")
        )
        assert epochs == 4
        assert "last good step is 0" in health.answers[-1]["effect"]

    @pytest.mark.large
    def test_fooled_discriminator(self):
        gan = vector_gan()
        gan.d_optimizer.learning_rate = 0.0
        switched_off = {"d_moved": None}
        health, _ = watch(gan, circle(), 12, thresholds=switched_off)
        assert "d_accuracy_low" in {name for (name,) in given(health, "signal")}

    @pytest.mark.large
    def test_one_percent_of_the_data(self):
        """Held-out samples fall behind; augmentation rises and is felt."""
        rng = np.random.default_rng(0)
        x, others = rng.uniform(-1, 1, (2, 64, 8, 8, 1)).astype("float32")
        augment = layers.DiffAugment("translation", probability=0.1)
        gan = image_gan(augment)
        traced = gan.make_train_function
        times = []
        gan.make_train_function = lambda force=False: (
            times.append(force),
            traced(force),
        )
        health, _ = watch(
            gan,
            x[:16],
            120,
            16,
            validation=others,
            answers=("augment",),
            every=10,
        )
        found = given(health, "signal", "answer", "effect")
        assert found[0][:2] == ("held_out_gap", "warn")
        assert found[1] == (
            "held_out_gap",
            "augment",
            "augmentation probability 0.2",
        )
        assert augment.probability == 0.2 and True in times
        assert health.answers[0]["value"] > 0.5

    @pytest.mark.large
    def test_nan_at_step_500_stops(self, tmp_path):
        x = circle(600 * 4)
        x[499 * 4 + 1, 2] = np.nan
        path = tmp_path / "deep" / "health.jsonl"
        health, epochs = watch(vector_gan(), x, 2, 4, path=path)
        assert epochs == 1
        assert given(health, "step", "signal", "value", "answer") == [
            (500, "non_finite", "d_loss=nan", "stop")
        ]
        lines = path.read_text().splitlines()
        assert [json.loads(line) for line in lines] == health.answers

    @pytest.mark.large
    def test_nan_goes_back_three_times(self):
        x = circle()
        x[300, 2] = np.nan
        health, epochs = watch(vector_gan(), x, answers=("roll_back", "rates"))
        assert given(health, "step", "answer") == [
            (10, "roll_back"),
            (26, "roll_back"),
            (42, "roll_back"),
            (58, "stop"),
        ]
        assert epochs == 4 and health.roll_backs == 3
        assert float(health.model.d_optimizer.learning_rate) == (
            pytest.approx(1e-3 / 8)
        )
        assert "last good step is 48" in health.answers[-1]["effect"]
        # Steps after the way back make the epoch's logs.
        history = health.model.history.history
        assert np.isfinite(history["d_loss"][:3]).all()

    @pytest.mark.large
    def test_collapse(self):
        """A generator of one sample, after its warm-up."""

        def collapse(gan):
            kernel, bias = gan.generator.trainable_variables[-2:]
            kernel.assign(0 * kernel)
            gan.g_optimizer.learning_rate = 0.0

        held = Health(
            circle(),
            warm_up=1000,
            answers=("roll_back",),
            thresholds={"d_accuracy": None, "g_moved": None},
        )
        gan = vector_gan()
        fit(gan, circle(), [Set(48, collapse), held], epochs=8)
        assert given(held, "step", "signal", "answer") == [
            (80, "diversity", "warn"),
            (80, "duplicates", "warn"),
            (112, "diversity", "roll_back"),
        ]
        assert held.values["diversity"] > 0.1, "went back"
        assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-3)
        assert held.roll_backs == 1


def test_what_a_way_back_brings_back():
    """All that training moves: seeds, counters, slots and both players."""
    gan = vector_gan(rules=[penalties.LeCam(0.1)])
    x = circle(64)
    health = Health(x, answers=("roll_back",))
    fit(gan, x, [health])
    variables = [*gan.variables, *gan.optimizer.variables]
    variables += gan.penalties[0].variables
    before = [np.array(v) for v in variables]
    fit(gan, x, [])
    changed = [
        not np.array_equal(a, v) for a, v in zip(before, variables, strict=True)
    ]
    assert sum(changed) > 20
    assert health.act("roll_back") == "back to step 2; 2 left"
    for a, v in zip(before, variables):
        np.testing.assert_array_equal(a, v)


def test_no_copy_of_what_is_not_finite():
    gan = vector_gan()
    health = Health(answers=("roll_back",))
    health.set_model(gan)
    health.on_train_begin()
    good = np.array(gan.generator.weights[0])
    gan.generator.weights[0].assign(np.nan * good)
    assert health_answers.good_copy(gan) is None
    health.keep()
    health.roll_back()
    np.testing.assert_array_equal(good, gan.generator.weights[0])


class TestQuiet:
    @pytest.mark.large
    def test_training_is_not_touched(self):
        """Batch norm, dropout, augmentation, seeds and lazy penalties."""

        def run(*callbacks):
            keras.utils.set_random_seed(1)
            augment = layers.AdaptiveAugment(
                "translation", interval=1, images_to_full=500, target=-1
            )
            rules = [penalties.LeCam(0.1), penalties.R1(1.0, every=3)]
            gan = compiled(
                patch_players(),
                "hinge",
                rules,
                augment=augment,
            )
            history = fit(gan, x, callbacks, epochs=2, batch_size=8)
            return history, [*gan.variables, *gan.optimizer.variables]

        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, (32, 6, 6, 2)).astype("float32")
        history, plain = run()
        watched_history, watched = run(Health(x, x, every=2, answers=ALL))
        assert history == watched_history
        for a, b in zip(plain, watched, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=a.path)

    def test_constraints_act_in_training_only(self):
        gan = vector_gan(rules=[constraints.WeightClip(0.01)])
        gan.discriminator.trainable_variables[0].assign_add(
            np.ones((4, 32), "float32")
        )
        Probe(gan, circle(16), None, None, 8)()
        assert np.max(gan.discriminator.trainable_variables[0]) > 0.9

    @pytest.mark.large
    @pytest.mark.parametrize(
        "preset",
        ["mlp", pytest.param("dcgan", marks=pytest.mark.long), "r3gan_small"],
    )
    def test_healthy_presets(self, preset):
        """The bundled images, each preset with its own defaults, short."""
        train, test = datasets.load("fashion_mnist_10k", batch_size=64)
        gan = getattr(presets, preset)((28, 28, 1), seed=0)
        health = Health(train, test, every=20, warm_up=0, answers=ALL)
        # An untrained generator is no collapse: some signals wait.
        health.warm_up = 2_000
        gan.fit(train.take(80), verbose=0, shuffle=False, callbacks=[health])
        assert health.answers == []
        assert health.values["diversity"] > 0.2
        assert set(health.values) == {
            *set(health_signals.SIGNALS)
            - {"class_divergence", "d_gradient_jump", "g_gradient_jump"},
            "sign_real",
            "sign_held_out",
        }


class TestAnswers:
    def test_ladder_climbs_one_rung_an_alarm(self):
        gan = vector_gan(rules=[penalties.R1(0.5)])
        health = restless()
        fit(gan, circle(64), [health], epochs=9)
        assert given(health, "epoch", "answer", "effect") == [
            (0, "warn", "nothing was changed"),
            (
                1,
                "rates",
                "learning rate of d_optimizer 0.0005, "
                "learning rate of g_optimizer 0.0005",
            ),
            (2, "penalty", "weight of r1 1"),
            *(
                (
                    3 + k,
                    "roll_back",
                    "back to step 0, learning rate of d_optimizer "
                    f"{rate:g}, learning rate of g_optimizer {rate:g}; "
                    f"{2 - k} left",
                )
                for k, rate in enumerate([0.0005, 0.00025, 0.000125])
            ),
            (6, "stop", "training ends; the last good step is 0"),
        ]
        assert gan.penalties[0].weight == 1.0

    def test_patience_counts_alarms_in_a_row(self):
        health = Health(patience=3, answers=("stop",))
        gan = vector_gan()
        health.set_model(gan)
        health.on_train_begin()
        alarm = {"d_real": 500.0, "d_fake": 0.0}
        calm = {"d_real": 1.0, "d_fake": 0.0}
        health.thresholds |= {"d_moved": None, "g_moved": None}
        for logs in (alarm, alarm, calm, alarm, alarm):
            health.check(logs)
        assert health.answers == []
        health.check(alarm)
        assert given(health, "answer", "value") == [("warn", 500.0)]
        health.check(calm)
        for _ in range(3):
            health.check(alarm)
        assert given(health, "answer") == [("warn",)] * 2

    def test_one_answer_at_a_time(self):
        health = Health(patience=1, answers=("rates",))
        health.set_model(vector_gan())
        health.on_train_begin()
        # Both say rates: one halving a probe.
        health._probe = lambda: {"d_gradient": 900.0, "g_gradient": 900.0}
        for _ in range(2):
            health.check({})
        assert [a for (a,) in given(health, "answer")].count("rates") == 1
        assert float(health.model.d_optimizer.learning_rate) == (
            pytest.approx(5e-4)
        )

    def test_new_weight_of_a_penalty_is_felt(self):
        gan = vector_gan(0.0, rules=[penalties.R1(0.5)])
        first = fit(gan, circle(32), [])["r1"][0]
        assert health_answers.penalty(gan) == "weight of r1 1"
        second = fit(gan, circle(32), [])["r1"][0]
        assert second == pytest.approx(2 * first, rel=1e-5)

    def test_schedules_are_left_alone(self):
        half = schedules.Linear(0.5, 0.1, 100)
        augment = layers.DiffAugment("translation", probability=half)
        gan = image_gan(augment, [penalties.R1(half)])
        assert health_answers.augment(gan) is None
        assert health_answers.penalty(gan) is None
        gan.compile(
            keras.optimizers.Adam(schedules.Linear(1e-3, 0.0, 100)),
            keras.optimizers.Adam(1e-3),
        )
        assert (
            health_answers.rates(gan) == "learning rate of g_optimizer 0.0005"
        )
        adaptive = image_gan(layers.AdaptiveAugment("translation"))
        assert health_answers.augment(adaptive) is None

    def test_probability_ends_at_its_limit(self):
        augment = layers.DiffAugment("translation", probability=0.75)
        gan = image_gan(augment)
        assert health_answers.augment(gan) == "augmentation probability 0.8"
        assert health_answers.augment(gan) is None

    def test_nothing_beyond_warning_by_default(self):
        gan = vector_gan(rules=[penalties.R1(0.5)])
        health = Health(circle(64), thresholds={"d_gradient": 0.0}, patience=1)
        history = fit(gan, circle(64), [health], epochs=6)
        assert given(health, "answer") == [("warn",)]
        assert len(history["loss"]) == 6

    def test_stop_names_the_backup_of_a_healthy_moment(self, tmp_path):
        class Sick(Health):
            def measured(self, logs):
                return {"d_gradient": 0.0 if self.step <= 4 else 1e9}

        backup = ExactBackup(tmp_path, every=2)
        health = Sick(every=2, answers=("stop",), patience=4, backup=backup)
        fit(vector_gan(), circle(96), [backup, health], epochs=9)
        assert health.step == 20
        named = health.answers[-1]["effect"].split()[-1]
        # Before step 3, kept beside the two newest and that of the end.
        found = [f.name for f in sorted(tmp_path.iterdir())]
        assert named == str(tmp_path / "backup_00000002")
        assert found == [f"backup_{n:08d}" for n in (2, 10, 11)]
        _, facts = backup_files.read(pathlib.Path(named))
        assert (facts["epoch"], facts["step"]) == (0, 2)
        shutil.rmtree(named)
        assert health.stop().endswith("good step is 4")

    def test_without_a_stop_the_backups_go_at_the_end(self, tmp_path):
        backup = ExactBackup(tmp_path / "a", every=2)
        health = Health(every=2, backup=backup)
        fit(vector_gan(), circle(96), [backup, health], epochs=2)
        assert health.good["file"] and not (tmp_path / "a").exists()


class TestState:
    def test_json_there_and_back(self):
        gan = vector_gan(rules=[penalties.R1(0.5)])
        health = restless()
        fit(gan, circle(64), [health], epochs=4)
        arrays = {}
        told = callback_states.to_json(health.get_state(), arrays, "health")
        state = callback_states.from_json(json.loads(json.dumps(told)), arrays)
        other = Health(circle(64), answers=CALM)
        fresh = vector_gan(rules=[penalties.R1(0.5)])
        other.set_state(state)
        again = {}
        assert callback_states.to_json(other.get_state(), again, "") == (
            callback_states.to_json(state, {}, "")
        )
        for a, b in zip(arrays.values(), again.values(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert other.roll_backs == 1 and other.step == 8
        fit(fresh, circle(64), [other], epochs=1)
        assert fresh.penalties[0].weight == 1.0
        assert len(other.history["d_gradient"]) == 5

    def test_state_in_the_middle_of_a_run(self):
        """The last good copy is part of it, and the settings of before."""
        health = Health(circle(64), answers=("roll_back",))
        gan = vector_gan(rules=[penalties.R1(0.5)])
        health.set_model(gan)
        health.on_train_begin()
        weight = gan.generator.trainable_variables[0]
        expected = np.array(weight)
        state = health.get_state()
        weight.assign_add(np.ones(weight.shape, "float32"))
        health.keep()
        gan.penalties[0].weight = 8.0
        health.set_state(state)
        assert gan.penalties[0].weight == 0.5
        health.act("roll_back")
        np.testing.assert_array_equal(weight, expected)

    def test_another_run_begins_anew(self):
        health = Health(circle(64), answers=("roll_back",))
        fit(vector_gan(rules=[penalties.R1(0.5)]), circle(64), [health])
        gan = vector_gan(rules=[penalties.R1(2.0)])
        before = np.array(gan.generator.trainable_variables[0])
        health.set_model(gan)
        health.on_train_begin()
        assert gan.penalties[0].weight == 2.0
        weight = gan.generator.trainable_variables[0]
        weight.assign_add(np.ones(weight.shape, "float32"))
        health.act("roll_back")
        np.testing.assert_array_equal(weight, before)


class TestSignals:
    def test_held_out_gap_by_hand(self):
        real = np.array([2.0, 2.1, 1.9, 2.0], "float32")
        fake = np.array([-2.0, -2.0], "float32")
        gap = held_out_gap(real, real - 1.0, fake)
        assert float(gap) == pytest.approx(0.25)
        # A lead of 0.05 is below 3 standard errors, 3 * 0.05.
        assert float(held_out_gap(real, real - 0.05, fake)) == 0.0

    def test_variety_by_hand(self):
        real = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], "float32")
        mean, nearest = distances(real)
        assert float(mean) == pytest.approx(20 / 3, rel=1e-5)
        np.testing.assert_allclose(nearest, [5, 5, 5], rtol=1e-5)
        fake = np.array([[0.0, 0.0], [0.0, 0.0], [6.0, 8.0]], "float32")
        found = variety(real, fake)
        assert float(found["diversity"]) == pytest.approx(1.0, rel=1e-5)
        assert float(found["duplicates"]) == pytest.approx(2 / 3)
        assert float(variety(fake, fake)["duplicates"]) == 0.0
        assert float(variety(real, 0 * real)["diversity"]) == 0.0

    def test_divergence_by_hand(self):
        assert divergence([4, 0], [2, 2]) == pytest.approx(math.log(2))
        assert divergence([3, 3], [5, 5]) == 0.0
        assert divergence([0, 2], [4, 0]) == pytest.approx(math.log(5))

    def test_gradient_norms_are_those_of_the_step(self):
        """SGD with rate 1 moves by the gradient; one step tells its norm."""
        players = architectures.mlp((4,), latent_dim=4, units=(8, 8))
        for rules in ([], [penalties.R1(0.5, every=4)]):
            gan = GAN(*players, seed=0)
            gan.compile(
                keras.optimizers.SGD(1.0),
                keras.optimizers.SGD(0.0),
                penalties=rules,
            )
            x = circle(16)
            before = health_answers.weights_of(gan.discriminator)
            # A penalty of every k-th step counts whatever the step.
            gan.d_optimizer.iterations.assign(0 if not rules else 1)
            found = Probe(gan, x, None, None, 16)()
            gan.d_optimizer.iterations.assign(0)
            fit(gan, x, [], batch_size=16)
            after = health_answers.weights_of(gan.discriminator)
            norm = np.linalg.norm(after - before)
            assert found["d_gradient"] == pytest.approx(norm, rel=1e-4)
            assert found["g_gradient"] > 0

    def test_signs_are_about_the_middle(self):
        """The same for losses that feel differences of logits only."""
        gan = vector_gan()
        found = Probe(gan, circle(64), circle(64, 1), None, 8)()
        bias = gan.discriminator.trainable_variables[-1]
        bias.assign_add(np.array([50.0], "float32"))
        moved = Probe(gan, circle(64), circle(64, 1), None, 8)()
        assert abs(found["sign_real"]) < 1
        assert moved["sign_real"] == found["sign_real"]
        assert moved["sign_held_out"] == found["sign_held_out"]

    def test_classes(self):
        """All fakes in one class of two, reals in both: KL ln 2 of ln 2."""
        signs = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(
                    2,
                    use_bias=False,
                    kernel_initializer=keras.initializers.Constant(
                        [[9.0, -9.0]] + [[0.0, 0.0]] * 3
                    ),
                ),
            ]
        )
        gan = vector_gan(0.0)
        gan.generator.trainable_variables[-1].assign([3.0, 0, 0, 0])
        x = circle(64)
        x[:32, 0], x[32:, 0] = 1.0, -1.0
        health = Health(x, classifier=signs, warm_up=0, patience=1)
        fit(gan, x, [health])
        assert health.values["class_divergence"] == pytest.approx(1.0)
        assert ("class_divergence",) in given(health, "signal")

    def test_jump_over_the_running_median(self):
        history = {}
        for norm in (1.0, 2.0, 3.0, 2.0, 2.0):
            assert health_signals.jumps({"d_gradient": norm}, history) == {}
        found = health_signals.jumps({"d_gradient": 30.0}, history)
        assert found == {"d_gradient_jump": 15.0}
        limits = health_signals.thresholds_of({})
        assert health_signals.alarms(found, limits, 9) == ["d_gradient_jump"]
        health_signals.jumps({"d_gradient": math.nan}, history)
        assert history["d_gradient"] == [1.0, 2.0, 3.0, 2.0, 2.0, 30.0]
        for _ in range(30):
            health_signals.jumps({"d_gradient": 1.0}, history)
        assert len(history["d_gradient"]) == 25

    @pytest.mark.parametrize("name", health_signals.SIGNALS)
    def test_each_side_of_each_threshold(self, name):
        signal = health_signals.SIGNALS[name]
        limits = health_signals.thresholds_of({})
        sign = 1 if signal.above else -1
        for factor, expected in ((-0.5, []), (0.5, [name])):
            value = signal.threshold * (1 + sign * factor)
            found = health_signals.alarms({name: value}, limits, 9)
            assert found == expected
        bad = {name: math.nan}
        assert health_signals.alarms(bad, limits, 9) == [name]
        cold = health_signals.alarms(bad, limits, 0.9)
        assert cold == ([] if signal.waits else [name])
        assert not health_signals.alarms(bad, limits | {name: None}, 9)


SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_gan
from keras_gan.callbacks import Health

x = np.random.default_rng(0).uniform(-1, 1, (64, 4)).astype("float32")
x[50] = np.nan
found = {}
for name in ("one", "two"):
    strategy = tf.distribute.get_strategy()
    if name == "two":
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        players = keras_gan.architectures.mlp((4,), 4, units=(8,))
        keras.utils.set_random_seed(1)
        for player in players:
            for w in player.weights:
                w.assign(0.3 * np.sin(np.arange(np.prod(w.shape)) + 1)
                         .reshape(w.shape))
        gan = keras_gan.GAN(*players, seed=1)
        gan.compile(keras.optimizers.Adam(0.0), keras.optimizers.SGD(0.0))
    health = Health(x[:48], x[:32], every=2, answers=("rates", "roll_back"),
                    thresholds={"d_moved": None, "g_moved": None})
    gan.fit(x, batch_size=16, verbose=0, shuffle=False, callbacks=[health])
    found[name] = [health.values, health.answers]
json.dump(found, open(sys.argv[1], "w"))
"""


@pytest.mark.long
def test_two_replicas(tmp_path):
    """The probe, the way back and the lower rates, as on one replica."""
    out = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(out.read_text())
    (one, _), (two, answers) = found["one"], found["two"]
    for name in ("d_gradient", "g_gradient", "diversity", "sign_real"):
        assert one[name] == pytest.approx(two[name], rel=1e-4), name
    (record,) = answers
    assert (record["step"], record["answer"]) == (4, "roll_back")
    assert found["one"][1] == answers


class TestData:
    def test_first_rows_of_each_kind(self):
        x, y = circle(300).astype("float64"), np.arange(300)
        batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)
        for data in ((x, y), batches):
            rows, labels = Health(data).data[0]
            np.testing.assert_allclose(rows[:128], x[:128], rtol=1e-6)
            assert rows.dtype == "float32" and labels.dtype == "int64"
            assert 128 <= len(rows) == len(labels) <= 150

    def test_held_out_samples_stand_in(self):
        health = Health(validation_data=circle(32))
        fit(vector_gan(), circle(64), [health])
        assert health.values["d_gradient"] > 0
        assert "held_out_gap" not in health.values

    def test_logs_alone(self):
        health = Health()
        fit(vector_gan(), circle(64), [health], epochs=2)
        assert set(health.values) == {
            *("d_accuracy", "d_accuracy_low", "logit_gap"),
            *("d_moved", "g_moved"),
        }

    def test_conditional_model(self):
        gan = compiled(labelled_players(), "hinge", model=LabelledGAN)
        batch = labelled_batch()
        health = Health(batch, batch, every=1)
        gan.fit(*batch, batch_size=4, verbose=0, callbacks=[health])
        assert health.values["g_gradient"] > 0
        assert health.values["held_out_gap"] == 0.0

    def test_steps_per_execution(self):
        gan = vector_gan(steps_per_execution=4)
        steps = []

        class Counted(Health):
            def check(self, logs):
                steps.append(self.step)

        fit(gan, circle(512), [Counted(every=6)], epochs=2)
        assert steps == [8, 12, 20, 24, 32]

    def test_data_that_does_not_fit_fails_before_training(self):
        gan = vector_gan()
        with pytest.raises(ValueError):
            fit(gan, circle(64), [Health(np.zeros((8, 5), "float32"))])
        assert int(gan.images_seen) == 0

    @pytest.mark.parametrize(
        "arguments, error",
        [
            ({"every": 0}, ValueError),
            ({"every": "step"}, TypeError),
            ({"warm_up": -1}, ValueError),
            ({"patience": 0}, ValueError),
            ({"answers": "stop"}, TypeError),
            ({"answers": ("halt",)}, ValueError),
            ({"thresholds": [1]}, TypeError),
            ({"thresholds": {"fid": 1}}, ValueError),
            ({"classifier": "resnet"}, TypeError),
            ({"backup": "folder"}, TypeError),
            ({"training_data": np.zeros((1, 4))}, ValueError),
        ],
    )
    def test_bad_arguments(self, arguments, error):
        (name,) = arguments
        with pytest.raises(error, match=f"Received: {name}"):
            Health(**arguments)
