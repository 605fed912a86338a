"""Start a genuine Kubernetes on this machine; used only where there is no Docker."""
