"""Break what a learner repairs, and judge what a learner answers."""
