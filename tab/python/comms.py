"""Join the widgets of Python with their views on the page, as a kernel of Jupyter does.

A page that shows no view gets no message: one that begins to listen gets the state of
each widget first. Messages of the page are handled one after the other, by a thread of
their own (`doors.VIEWS`), also while a cell waits.
"""

import base64
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import comm
from comm.base_comm import BaseComm

#: outputs of an output widget that are kept, and characters of one that it prints
MOST, LONGEST = 100, 50_000
#: takes a message for the page, as JSON; None while it does not listen
_send: Callable[[str], None] | None = None
#: the output widgets that take what a thread shows, by its ident; the last one has it
_captures: dict[int, list[str]] = {}
#: output widgets whose next output replaces the others
_old: set[str] = set()


class PageComm(BaseComm):
    """A comm whose other end is on the page."""

    def publish_msg(
        self,
        msg_type: str,
        data: dict | None = None,
        metadata: dict | None = None,
        buffers: list | None = None,
        **_: object,
    ) -> None:
        """Send a message to the page, if it listens."""
        _note_capture(self.comm_id, data or {})
        if _send:
            message = {
                "type": msg_type,
                "comm_id": self.comm_id,
                "data": data or {},
                "metadata": metadata or {},
                "buffers": [base64.b64encode(part).decode() for part in buffers or ()],
            }
            _send(json.dumps(message, default=str))


def install() -> None:
    """Have widgets open such comms."""
    comm.create_comm = PageComm


def listen(send: Callable[[str], None]) -> None:
    """Send the page what opens each widget, and each message from now on."""
    global _send
    _send = send
    if widgets := sys.modules.get("ipywidgets"):
        for widget in list(_widgets(widgets).values()):
            if widget.comm is None:
                continue
            state, paths, buffers = widgets.widgets.widget._remove_buffers(
                widget.get_state()
            )
            data = {"state": state, "buffer_paths": paths}
            version = {"version": widgets.__protocol_version__}
            widget.comm.publish_msg("comm_open", data, version, buffers)


def receive(message: str) -> None:
    """Let a widget have a message of its view, as JSON."""
    fields = json.loads(message)
    content = {"comm_id": fields["comm_id"], "data": fields["data"]}
    buffers = [memoryview(base64.b64decode(text)) for text in fields["buffers"]]
    manager: Any = comm.get_comm_manager()
    if fields["comm_id"] not in manager.comms:
        # Python has closed it meanwhile.
        return
    handle = {"comm_msg": manager.comm_msg, "comm_close": manager.comm_close}
    whole = {"content": content, "metadata": {}, "buffers": buffers}
    # Without a stream and an identity, which kernels of Jupyter have.
    handle[fields["type"]](None, "", whole)


def end() -> None:
    """Close all widgets: the views of helpers end their threads and watches."""
    global _send
    _send = None
    if widgets := sys.modules.get("ipywidgets"):
        for widget in list(_widgets(widgets).values()):
            widget.close()
    _captures.clear()
    _old.clear()


def capture(output: dict) -> bool:
    """Give what the running thread shows to its output widget, if it has one."""
    thread = threading.get_ident()
    names = _captures.get(thread, [])
    widgets = _widgets(sys.modules["ipywidgets"]) if names else {}
    if not names or names[-1] not in widgets:
        return False
    widget = widgets[names[-1]]
    if output["output_type"] == "clear_output":
        _old.add(widget.model_id)
        if not output["wait"]:
            widget.outputs = ()
        return True
    shown = [] if widget.model_id in _old else list(widget.outputs)
    _old.discard(widget.model_id)
    last = shown[-1] if shown else {}
    if output["output_type"] == "stream" and last.get("name") == output["name"]:
        text = (last["text"] + output["text"])[-LONGEST:]
        shown[-1] = {**last, "text": text}
    else:
        shown.append(output)
    widget.outputs = tuple(shown[-MOST:])
    return True


def _widgets(module: Any) -> dict[str, Any]:
    """Return the widgets that are open, by the ids of their comms."""
    return module.widgets.widget._instances


def _note_capture(comm_id: str, data: dict) -> None:
    """Note that an output widget begins or ends to take what its thread shows."""
    named = data.get("state", {}).get("msg_id")
    if data.get("method") != "update" or named is None:
        return
    names = _captures.setdefault(threading.get_ident(), [])
    if named:
        names.append(comm_id)
    elif comm_id in names:
        names.remove(comm_id)
    if not names:
        del _captures[threading.get_ident()]
