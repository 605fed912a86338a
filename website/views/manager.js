// The views of widgets on the page of a lesson: the base and the controls of ipywidgets, the
// output of `interact`, and the live HTML of the helpers. Other widgets have a sentence.

import "@lumino/widgets/style/index.css";
import "@jupyter-widgets/base/css/index.css";
import "@jupyter-widgets/controls/css/widgets.css";
import "./views.css";
import * as base from "@jupyter-widgets/base";
import { ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import { MessageLoop } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import live from "../../helpers/data/live.js";

/** The widget of the helpers whose script is above: others bring theirs, which no page runs. */
const LIVE = "helpers.views.widgets.live.Live";
const BINARY = { image: "png", audio: "mpeg", video: "mp4" };

const addressOf = (model, kind) => {
  const value = model.get("value"), format = model.get("format") || BINARY[kind];
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (format === "url") return new TextDecoder().decode(bytes);
  const type = format === "svg" ? "svg+xml" : format;
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `data:${kind}/${type};base64,${btoa(text)}`;
};

/** The pictures of ipywidgets have addresses of blobs, which the policy of the page refuses. */
class ImageView extends controls.ImageView {
  update() {
    this.el.src = addressOf(this.model, "image");
    for (const side of ["width", "height"]) {
      const size = this.model.get(side);
      if (size) this.el.setAttribute(side, size);
      else this.el.removeAttribute(side);
    }
    this.el.alt = this.model.get("_dom_classes").join(" ");
  }
  remove() {
    this.el.src = "";
    super.remove();
  }
}

/** A slider whose handles have a name for who cannot see it: the label is no part of them. */
const withName = (View) => class extends View {
  render() {
    super.render();
    this.name();
    // A change of the orientation makes the handles anew.
    this.listenTo(this.model, "change", () => this.name());
  }
  name() {
    const { description, _model_name: kind } = this.model.attributes;
    const name = description || kind.replace("Model", "");
    for (const handle of this.el.querySelectorAll("[role=slider]")) handle.ariaLabel = name;
  }
};
const SLIDERS = Object.fromEntries(Object.entries(controls)
  .filter(([name]) => name.endsWith("SliderView")).map(([name, View]) => [name, withName(View)]));

class AnyModel extends base.DOMWidgetModel {}
class AnyView extends base.DOMWidgetView {
  render() {
    super.render();
    live.render({ model: this.model, el: this.el });
  }
}

class OutputModel extends base.DOMWidgetModel {}
class OutputView extends base.DOMWidgetView {
  render() {
    super.render();
    this.area = this.model.widget_manager.page.newArea(this.el);
    this.listenTo(this.model, "change:outputs", () => this.draw());
    this.draw();
  }
  draw() {
    this.area.replace(this.model.get("outputs") ?? []);
  }
  remove() {
    this.area.replace([]);
    super.remove();
  }
}

/** A widget of a package that is not here. */
class OtherModel extends base.DOMWidgetModel {}
class OtherView extends base.DOMWidgetView {
  render() {
    super.render();
    this.el.textContent = this.model.widget_manager.page.say("other");
  }
}

const MODULES = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/controls": { ...controls, ...SLIDERS, ImageView },
  "@jupyter-widgets/output": { OutputModel, OutputView },
  anywidget: { AnyModel, AnyView },
};
const UNSEEN = ["AudioModel", "VideoModel", "FileUploadModel"];

/** Return whether the page has what shows a widget. */
const isHere = ({ _model_module: module, _model_name: name, _anywidget_id: id }) =>
  Boolean(MODULES[module]?.[name]) && !UNSEEN.includes(name) && (!id || id === LIVE);

const decode = (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new DataView(bytes.buffer);
};
const encode = (buffer) => {
  const bytes = new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset, buffer.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};

/** One end of a comm; the other end is in Python. */
class Comm {
  target_name = "jupyter.widget";
  /** Resolves when all messages so far have come to the model. */
  taken = Promise.resolve();

  constructor(comm_id, send) {
    this.comm_id = comm_id;
    this.post = send;
  }
  open() {
    return "";
  }
  close() {
    this.post({ type: "comm_close", comm_id: this.comm_id, data: {}, buffers: [] });
    return "";
  }
  on_msg(callback) {
    this.onMessage = callback;
  }
  on_close(callback) {
    this.onClose = callback;
  }
  send(data, callbacks, _, buffers = []) {
    const { comm_id } = this, { place, status } = callbacks?.iopub ?? {};
    const idle = () => status?.({ content: { execution_state: "idle" } });
    const message = { type: "comm_msg", comm_id, data, buffers: buffers.map(encode) };
    this.post(message, place).then(idle, idle);
    return "";
  }
}

export class Manager extends ManagerBase {
  #comms = new Map();

  /**
   * `page.send` takes a message for Python, and the element of its view, and returns a Promise that
   * resolves when Python has taken it; `page.newArea` returns what shows outputs in an element;
   * `page.say` has the sentences of the page.
   */
  constructor(page) {
    super();
    this.page = page;
  }

  async loadClass(name, module) {
    return MODULES[module]?.[name] ?? (name.endsWith("View") ? OtherView : OtherModel);
  }

  async _get_comm_info() {
    return {};
  }

  async _create_comm(_, id) {
    return new Comm(id, this.page.send);
  }

  callbacks(view) {
    return { iopub: { place: view?.el } };
  }

  /** Take messages of Python's: those that open a comm may name one that a later one opens. */
  receive(messages) {
    for (const message of messages) this.#receive(message);
  }

  #receive({ type, comm_id, data, metadata, buffers }) {
    const content = { comm_id, data, target_name: this.comm_target_name };
    const message = { content, metadata, buffers: buffers.map(decode) };
    if (type === "comm_open") {
      const comm = new Comm(comm_id, this.page.send);
      if (!isHere(data.state)) {
        Object.assign(data.state, { _model_module: "", _view_module: "" });
        Object.assign(data.state, { _model_name: "OtherModel", _view_name: "OtherView" });
      }
      this.#comms.set(comm_id, comm);
      comm.taken = this.handle_comm_open(comm, message).catch(() => {});
      return;
    }
    const comm = this.#comms.get(comm_id);
    if (!comm) return;
    const isClosed = type === "comm_close";
    if (isClosed) this.#comms.delete(comm_id);
    comm.taken = comm.taken
      .then(() => comm[isClosed ? "onClose" : "onMessage"]?.(message))
      .catch((error) => console.warn(error.message));
  }

  /**
   * Show a widget in an element; return what removes it again, or undefined if its comm is closed
   * or another package has the widget.
   */
  async show(id, place) {
    if (!this.has_model(id)) return undefined;
    const model = await this.get_model(id);
    if (model instanceof OtherModel) return undefined;
    const { luminoWidget: widget } = await this.create_view(model);
    // As Widget.attach() does, also in a page that is not shown at the moment.
    MessageLoop.sendMessage(widget, Widget.Msg.BeforeAttach);
    place.replaceChildren(widget.node);
    MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
    return () => {
      // As Widget.detach() does, which asks for an element that is shown.
      if (widget.isDisposed) return;
      MessageLoop.sendMessage(widget, Widget.Msg.BeforeDetach);
      widget.node.remove();
      MessageLoop.sendMessage(widget, Widget.Msg.AfterDetach);
      widget.dispose();
    };
  }
}
