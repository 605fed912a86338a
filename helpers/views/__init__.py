"""Show requests, logs and objects, in a line, as a table or as a widget."""
