"""A cluster of the learner's own: nothing is started here, and much is asked."""
