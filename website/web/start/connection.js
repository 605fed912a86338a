// The page's side of a Worker: calls by number, so that several can run at once.
//
// The page sends {id, name, values}, or {cancel: id}. The Worker answers {id, report} any number of
// times, and then {id, result} or {id, failure}. dispatcher.js is the Worker's side.

/**
 * @typedef {{id: number, report?: any[], result?: any, failure?: string}} Reply
 * @typedef {(...report: any[]) => void} Listener
 * @typedef {{
 *   resolve: (result: any) => void, reject: (error: Error) => void, onReport: Listener,
 * }} Call
 * @typedef {{result: Promise<any>, cancel: () => void}} Running
 * @typedef {{
 *   postMessage: (message: any) => void, terminate: () => void,
 *   onmessage: ((event: any) => void) | null,
 * }} Port
 */

/** The error of a call whose Worker was ended meanwhile. */
export class Closed extends Error {}

export class Connection {
  /** @type {Map<number, Call>} */
  #calls = new Map();
  #count = 0;
  /** @type {Port} */
  #worker;

  /** @param {Port} worker */
  constructor(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
  }

  /**
   * Call a function of the Worker; `cancel` asks it to end early.
   *
   * @param {string} name
   * @param {any[]} values
   * @param {Listener} onReport
   * @returns {Running}
   */
  call(name, values, onReport = () => {}) {
    const id = ++this.#count;
    const result = new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, onReport });
    });
    this.#worker.postMessage({ id, name, values });
    return { result, cancel: () => this.#worker.postMessage({ cancel: id }) };
  }

  /** End the Worker; its calls fail with Closed. */
  close() {
    this.#worker.terminate();
    for (const { reject } of this.#calls.values()) reject(new Closed("the Worker was ended"));
    this.#calls.clear();
  }

  /** @param {Reply} reply */
  #receive({ id, report, result, failure }) {
    // Messages of a Worker may arrive after its end.
    const call = this.#calls.get(id);
    if (!call) return;
    if (report) return void call.onReport(...report);
    this.#calls.delete(id);
    if (failure === undefined) call.resolve(result);
    else call.reject(new Error(failure));
  }
}

/**
 * Return a Worker with the page's own Content-Security-Policy. One whose script comes by HTTP has
 * none, and could send requests to any host.
 *
 * @param {URL} address of its script
 */
export const startWorker = (address) => {
  const script = `import ${JSON.stringify(address.href)};`;
  const blob = new Blob([script], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(blob), { type: "module" });
};
