"""An existing cluster: nothing is started here; an account of it is fenced in."""
