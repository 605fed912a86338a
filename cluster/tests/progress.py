"""A view of long work that keeps what it was told."""

from cluster.progress import Silent


class Notes(Silent):
    """Keeps every line in `shown`, and in `kept` those that stay on the screen."""

    def __init__(self):
        self.shown, self.kept = [], []

    def update(self, message):
        self.shown.append(message)

    def finish(self, message):
        self.shown.append(message)
        self.kept.append(message)
