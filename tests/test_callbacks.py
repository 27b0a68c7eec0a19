import math

import keras
import numpy as np
import pytest
from conformance import compiled
from conformance import small
from PIL import Image

from keras_gan import penalties
from keras_gan.callbacks import LossCurves
from keras_gan.callbacks import SampleGrid
from keras_gan.callbacks import StopOnNonFinite
from keras_gan.callbacks.sample_grid import image_grid

IMAGES = np.zeros((16, 4, 4, 1), "float32")


def image_gan():
    return compiled(small((4, 4, 1)), "non_saturating")


def fit(gan, *callbacks, **kwargs):
    options = {"batch_size": 8, "verbose": 0, "shuffle": False, **kwargs}
    return gan.fit(IMAGES, callbacks=list(callbacks), **options)


class TestStopOnNonFinite:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_names_the_first_value_that_went(self, value, caplog):
        gan = image_gan()

        class Poison(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                if self.epoch == 1 and batch == 1:
                    bias = gan.discriminator.trainable_variables[-1]
                    bias.assign([value])

            def on_epoch_begin(self, epoch, logs=None):
                self.epoch = epoch

        guard = StopOnNonFinite()
        history = fit(gan, Poison(), guard, epochs=5).history
        assert len(history["d_loss"]) == 2
        assert guard.name in history and not math.isfinite(guard.value)
        assert (guard.epoch, guard.batch) == (1, 1)
        assert f"{guard.name} became" in caplog.text
        assert "epoch 2, batch 1" in caplog.text

    @pytest.mark.parametrize("name", ["d_loss", "r1", "val_fid", "d_fake"])
    def test_looks_at_every_value(self, name):
        guard = StopOnNonFinite()
        guard.set_model(image_gan())
        guard.on_train_begin()
        guard.on_epoch_begin(0)
        guard.on_epoch_end(0, {"g_loss": 1.0, name: math.nan})
        assert guard.name == name and guard.model.stop_training

    def test_a_penalty_that_went_first_is_named(self):
        class Late(penalties.Penalty):
            calls = 0

            def __call__(self, discriminate, real, fake):
                self.calls += 1
                # The first call is that of the check before training.
                bad = math.nan if self.calls > 3 else 0.0
                return bad * discriminate(real)

        for name in ("bad", "zzz"):
            rule = Late(1.0, name)
            gan = compiled(small((4, 4, 1)), "non_saturating", [rule])
            gan.run_eagerly = True
            guard = StopOnNonFinite()
            fit(gan, guard, epochs=3)
            assert (guard.name, guard.epoch, guard.batch) == (name, 1, 0)

    def test_lets_healthy_runs_go_on(self):
        guard = StopOnNonFinite()
        history = fit(image_gan(), guard, epochs=3).history
        assert len(history["d_loss"]) == 3
        assert guard.name is None

    def test_forgets_before_the_next_run(self):
        guard = StopOnNonFinite()
        gan = image_gan()
        guard.name = "d_loss"
        fit(gan, guard)
        assert guard.name is None


class TestSampleGrid:
    def test_grid_by_hand(self):
        images = np.stack(
            [
                np.full((300, 300, 1), v, "float32")
                for v in (-2, np.nan, 0, 1, 5)
            ]
        )
        grid = image_grid(images, columns=2)
        assert grid.shape == (900, 600, 1) and grid.dtype == np.uint8
        tiles = grid[150::300, 150::300, 0]
        np.testing.assert_array_equal(tiles, [[0, 0], [128, 255], [255, 255]])

    def test_small_images_are_enlarged(self):
        images = np.linspace(-1, 1, 2 * 16).reshape(2, 4, 4, 1)
        grid = image_grid(images, columns=2)
        assert grid.shape == (240, 480, 1)
        np.testing.assert_array_equal(
            grid[::60, ::60], image_grid(images, 2, min_side=0)
        )

    def test_files_of_a_run(self, tmp_path):
        watcher = SampleGrid(tmp_path / "a" / "b", every=2, rows=2, columns=3)
        gan = image_gan()
        fit(gan, watcher, epochs=5)
        folder = tmp_path / "a" / "b"
        names = sorted(file.name for file in folder.iterdir())
        assert names == ["epoch_0002.png", "epoch_0004.png", "samples.gif"]
        with Image.open(folder / "samples.gif") as animation:
            assert animation.n_frames == 2
            assert animation.info["loop"] == 0
        fit(
            gan,
            SampleGrid(folder, rows=2, columns=3),
            initial_epoch=5,
            epochs=6,
        )
        expected = image_grid(gan.generate(6, seed=0), columns=3)
        with Image.open(folder / "epoch_0006.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), expected[..., 0])

    def test_latents_stay_and_training_is_not_touched(self, tmp_path):
        def train(*watchers):
            keras.utils.set_random_seed(3)
            gan = image_gan()
            fit(gan, *watchers, epochs=2)
            return gan.get_weights()

        for a, b in zip(train(), train(SampleGrid(tmp_path))):
            np.testing.assert_array_equal(a, b)
        watcher = SampleGrid(tmp_path)
        watcher.set_model(image_gan())
        np.testing.assert_array_equal(watcher.samples(), watcher.samples())

    def test_animation_is_of_this_run(self, tmp_path):
        for epochs in (4, 2):
            watcher = SampleGrid(tmp_path, rows=1, columns=2)
            gan = image_gan()
            watcher.set_model(gan)
            for epoch in range(epochs):
                gan.averaged_generator.weights[-1].assign([epoch / 4] * 16)
                watcher.on_epoch_end(epoch)
            watcher.on_train_end()
            with Image.open(tmp_path / "samples.gif") as animation:
                assert animation.n_frames == epochs

    def test_one_row_a_class(self, tmp_path):
        class Labelled:
            num_classes = 3

            def generate(self, labels, seed):
                self.labels = labels
                return np.zeros((len(labels), 4, 4, 1))

        watcher = SampleGrid(tmp_path, columns=2)
        watcher.set_model(Labelled())
        watcher.samples()
        assert watcher.model.labels.tolist() == [0, 0, 1, 1, 2, 2]

    def test_webp_and_color(self, tmp_path):
        gan = compiled(small((4, 4, 3)), "hinge")
        watcher = SampleGrid(tmp_path, rows=1, columns=2, animation="webp")
        watcher.set_model(gan)
        watcher.on_train_begin()
        for epoch in range(2):
            watcher.on_epoch_end(epoch)
            gan.averaged_generator.weights[-1].assign([0.9] * 48)
        watcher.on_train_end()
        with Image.open(tmp_path / "samples.webp") as animation:
            assert animation.n_frames == 2
        with Image.open(tmp_path / "epoch_0001.png") as picture:
            assert picture.mode == "RGB"

    def test_tensorboard_gets_the_grid(self, tmp_path):
        pytest.importorskip("tensorboard")
        from tensorboard.backend.event_processing import event_accumulator

        board = tmp_path / "board"
        watcher = SampleGrid(tmp_path, animation=None, tensorboard_dir=board)
        fit(image_gan(), watcher, epochs=2)
        reader = event_accumulator.EventAccumulator(str(board))
        reader.Reload()
        assert reader.Tags()["tensors"] == ["samples"]
        assert not list(tmp_path.glob("samples.*"))

    def test_vectors_are_refused_before_training(self, tmp_path):
        gan = compiled(small((6,)), "hinge")
        with pytest.raises(ValueError, match=r"samples of shape=\(6,\)"):
            gan.fit(
                np.zeros((8, 6), "float32"),
                verbose=0,
                callbacks=[SampleGrid(tmp_path)],
            )
        assert int(gan.images_seen) == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            {"every": 0},
            {"rows": 0},
            {"columns": -1},
            {"seed": -1},
            {"animation": "mp4"},
        ],
    )
    def test_bad_arguments(self, arguments, tmp_path):
        (name,) = arguments
        with pytest.raises(ValueError, match=f"Received: {name}="):
            SampleGrid(tmp_path, **arguments)


class TestLossCurves:
    @pytest.fixture(autouse=True)
    def matplotlib(self):
        pytest.importorskip("matplotlib")

    def test_every_value_has_a_place(self, tmp_path):
        curves = LossCurves(tmp_path / "deep" / "curves.png")
        history = fit(
            image_gan(), curves, epochs=2, validation_data=IMAGES
        ).history
        drawn = {name for _, names in curves.panels() for name in names}
        assert drawn == set(history) - {"loss"}
        assert curves.history == history
        with Image.open(tmp_path / "deep" / "curves.png") as picture:
            assert picture.size[0] == 800
            assert len(np.unique(np.asarray(picture))) > 50
        assert [f.name for f in (tmp_path / "deep").iterdir()] == ["curves.png"]

    def test_history_of_the_epochs_before(self, tmp_path):
        curves = LossCurves(tmp_path / "c.png", history={"d_loss": [9.0, 8.0]})
        fit(image_gan(), curves, initial_epoch=2, epochs=3)
        assert curves.history["d_loss"][:2] == [9.0, 8.0]
        assert len(curves.history["d_loss"]) == 3
        assert len(curves.history["g_loss"]) == 3
        assert math.isnan(curves.history["g_loss"][0])

    def test_missing_matplotlib(self, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(ImportError, match=r"keras_gan\[plots\]"):
            LossCurves("curves.png")
