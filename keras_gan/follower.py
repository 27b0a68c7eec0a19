"""A run folder as the processes see it that write nothing."""

from keras_gan import callbacks
from keras_gan.run_folder import RunFolder


class Follower(RunFolder):
    """Trains beside the chief, which alone writes into the folder.

    It reads what the chief reads, the recipe, the model and the backup, so
    that all go on at one place.
    """

    def watchers(self, gan, recipe, history):
        """The guard alone: what it sees is the same in all processes."""
        return [callbacks.StopOnNonFinite()]

    def begin(self, gan):
        """Writes nothing."""

    def keep(self, gan, epoch, logs):
        """Counts the epochs."""
        self.run["epochs_done"] = epoch + 1

    def write_samples(self, gan):
        """Writes nothing."""

    def finish(self, gan, backup):
        """Leaves the backups to the chief."""
        backup.shelf.writes = False
        return super().finish(gan, backup)
