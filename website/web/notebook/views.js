// The views of a lesson's widgets, which are in Python. A file of its own draws them: it is loaded
// with the first view.

import { Area } from "./area.js";

/**
 * @typedef {(word: string, ...values: any[]) => string} Say
 * @typedef {import("../start/connection.js").Connection} Connection
 * @typedef {import("../start/connection.js").Running} Running
 * @typedef {{
 *   receive: (messages: any[]) => void,
 *   show: (id: string, place: HTMLElement) => Promise<(() => void) | undefined>,
 * }} Manager of manager.js
 * @typedef {{
 *   base: URL, say: Say, connection: () => Connection | undefined,
 *   onCall: (call: Running, place: Element | undefined) => void,
 *   onOutput: (output: any, place: Element | undefined) => void,
 * }} Lesson its cells get the calls and the outputs of a view, by the view's element
 */

/** Load the style of the views. @param {string} address */
const addStyle = (address) => {
  if (document.querySelector(`link[href="${address}"]`)) return;
  const link = document.createElement("link");
  document.head.append(Object.assign(link, { rel: "stylesheet", href: address }));
};

export class Views {
  #lesson;
  /** @type {Promise<Manager> | undefined} */
  #manager;

  /** @param {Lesson} lesson */
  constructor(lesson) {
    this.#lesson = lesson;
  }

  /**
   * Show a widget in an element; return what removes it again, or undefined if only JupyterLab can
   * show it. Fail if what shows it cannot be loaded.
   *
   * @param {string} id
   * @param {HTMLElement} place
   */
  async show(id, place) {
    this.#manager ??= this.#connect();
    const manager = this.#manager;
    try {
      return await (await manager).show(id, place);
    } catch (error) {
      if (this.#manager === manager) this.#manager = undefined;
      throw error;
    }
  }

  /** @returns {Promise<Manager>} */
  async #connect() {
    const { base, say, connection: current, onCall, onOutput } = this.#lesson;
    const { Manager } = await import(new URL("views/manager.js", base).href);
    addStyle(new URL("views/manager.css", base).href);
    const connection = /** @type {Connection} */ (current());
    const page = {
      say, newArea: (/** @type {HTMLElement} */ element) => new Area(element, { say, views: this }),
      send: (/** @type {any} */ message, /** @type {Element | undefined} */ place) => {
        const call = connection.call("tell", [message], (output) => onOutput(output, place));
        onCall(call, place);
        return call.result;
      },
    };
    /** @type {Manager} */
    const manager = new Manager(page);
    await new Promise((resolve) => {
      const listening = connection.call("listen", [], (messages) => {
        if (messages) manager.receive(messages);
        else resolve(undefined);
      });
      // With another lesson, or a new cluster, its widgets end.
      const end = () => {
        this.#manager = undefined;
        resolve(undefined);
      };
      listening.result.then(end, end);
    });
    return manager;
  }
}
