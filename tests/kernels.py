"""Real kernels, for tests of what a notebook does to what is around it."""

import os
import time
from contextlib import contextmanager

from jupyter_client.manager import KernelManager

from cluster.tests.slowness import scaled

CONNECT = "from helpers import connect\ncluster = connect()\ncluster.server"


@contextmanager
def kernel(state: str, **settings: str):
    """Run a kernel whose cluster is the one in the directory `state`.

    `settings` are those of jupyter_client's KernelManager.
    """
    manager = KernelManager(kernel_name="python3", **settings)
    manager.start_kernel(env={**os.environ, "LAB_STATE_DIR": state})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=scaled(60))
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def finish(client, timeout: float = 240, shown: str = "") -> tuple[str, str]:
    """Return the text of the running cell's outputs, and its error.

    With `shown` as soon as that is in the text.
    """
    text, error = "", ""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        message = client.get_iopub_msg(timeout=deadline - time.monotonic())
        content = message["content"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            if message["parent_header"].get("msg_type") == "execute_request":
                return text, error
        elif message["msg_type"] == "error":
            error = f"{content['ename']}: {content['evalue']}"
        elif "text" in content:
            text += content["text"]
        elif "data" in content:
            text += content["data"].get("text/plain", "")
        if shown and shown in text:
            return text, error
    raise AssertionError(f"the cell did not end in {timeout} s: {text}")


def run(client, code: str) -> str:
    """Run a cell that must not fail; return its text."""
    client.execute(code)
    text, error = finish(client)
    assert not error, f"{text}\n{error}"
    return text
