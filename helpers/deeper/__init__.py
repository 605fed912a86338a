"""Serve the lessons of `notebooks/deeper/`; no core lesson uses these modules."""
