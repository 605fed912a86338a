"""Say who is allowed to do what, and why a request was denied."""
