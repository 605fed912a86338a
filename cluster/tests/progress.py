"""A view of long work that keeps what it was told."""

from cluster.progress import Silent


class Notes(Silent):
    """Keeps every line in `shown`, in `kept` those that stay on the screen.

    `details` has how far each step of `shown` was.
    """

    def __init__(self):
        self.shown, self.kept, self.details = [], [], []

    def update(self, message, detail=""):
        self.shown.append(message)
        self.details.append(detail)

    def finish(self, message):
        self.shown.append(message)
        self.kept.append(message)
