"""Build, keep and load the image of the lessons' pods."""
