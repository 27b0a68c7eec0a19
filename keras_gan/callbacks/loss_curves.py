"""Curves of a training run as one picture."""

import pathlib

import keras

from keras_gan.checks import check_installed
from keras_gan.files import replacing
from keras_gan.replicas import is_chief

PANELS = (
    ("losses", ("d_loss", "g_loss")),
    ("mean logits", ("d_real", "d_fake")),
    ("accuracy", ("d_accuracy",)),
)


class LossCurves(keras.callbacks.Callback):
    """Draws all logged values over the epochs into a PNG, anew each epoch.

    One panel each for both players' losses, mean logits, the
    discriminator's accuracy, and one for all else: penalties and metrics.
    Validation values (`val_...`) are dashed. Needs matplotlib, the extra
    `plots`.

    Args:
        path: file to write, such as `"curves.png"`.
        history: dict of lists, values of the epochs before, as
            `keras.callbacks.History.history` holds them; for a run that goes
            on.

    Raises:
        ImportError: matplotlib is not installed.

    Example:
    >>> curves = LossCurves("curves.png", history={"d_loss": [1.4, 1.2]})
    >>> curves.history["d_loss"]
    [1.4, 1.2]
    """

    def __init__(self, path, history=None):
        super().__init__()
        check_installed("matplotlib", "LossCurves", "plots")
        self.path = pathlib.Path(path)
        self.history = {key: list(v) for key, v in (history or {}).items()}

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            values = self.history.setdefault(name, [])
            values.extend([float("nan")] * (epoch - len(values)))
            values.append(float(value))
        if is_chief(self.model.distribute_strategy):
            self.draw()

    def get_state(self):
        """What `ExactBackup` keeps: the values so far."""
        return {"history": self.history}

    def set_state(self, state):
        """Goes on from the values that `get_state` told."""
        self.history = state["history"]

    def draw(self):
        """Writes the picture of the values so far."""
        from matplotlib.figure import Figure

        panels = [panel for panel in self.panels() if panel[1]]
        figure = Figure(figsize=(8, 2.6 * len(panels)), layout="constrained")
        all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)
        for axes, (title, names) in zip(all_axes[:, 0], panels):
            for name in names:
                values = self.history[name]
                style = "--" if name.startswith("val_") else "-"
                epochs = range(1, len(values) + 1)
                axes.plot(epochs, values, style, label=name, marker=".")
            axes.set_title(title, loc="left", fontsize="medium")
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small")
        all_axes[-1, 0].set_xlabel("epoch")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as path:
            figure.savefig(path, dpi=100)

    def panels(self):
        """Titles and names of the values in each panel."""
        names = [n for n in self.history if "learning_rate" not in n]
        names = [n for n in names if n != "loss"]
        rates = [n for n in self.history if "learning_rate" in n]
        panels, placed = [], set()
        for title, keys in PANELS:
            group = [n for n in names if n.removeprefix("val_") in keys]
            panels.append((title, group))
            placed.update(group)
        panels.append(("others", [n for n in names if n not in placed]))
        return [*panels, ("learning rates", rates)]
