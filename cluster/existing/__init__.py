"""An existing cluster: nothing is started here; a policy confines its account."""
