// What the page says of a start: the step, and the share of the download.

/** Words for the steps of the program, by its names for them. */
const STEPS = new Map(Object.entries({
  "making keys": "keys",
  "starting the etcd": "starting",
  "starting the API server": "starting",
  "starting kube-controller-manager": "controllers",
  "starting kube-scheduler": "scheduler",
  "starting the kubelet": "kubelet",
  "waiting for the node": "node",
}));

/** @typedef {(word: string, ...values: any[]) => string} Say */

/** Parts of the download of which each is told: 5 %. */
const PARTS = 20;
/** Bytes of which each step is told where the total is unknown. */
const STEP = 10e6;
/** Milliseconds after which the time that is left can be judged. */
const JUDGED = 3000;

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export class Progress {
  /** The sentence of the moment. @type {string} */
  sentence;
  /** The share and the time that is left, for the eye; "" outside of a download. */
  detail = "";
  /** @type {number | string} */
  #part = -1;
  /** @type {Say} */
  #say;
  /** @type {() => number} */
  #clock;
  #began;

  /**
   * @param {Say} say
   * @param {() => number} clock milliseconds
   */
  constructor(say, clock = () => performance.now()) {
    this.#say = say;
    this.#clock = clock;
    this.#began = clock();
    this.sentence = say("loading", 0, "…");
  }

  /**
   * Take what download.js reports; return whether there is something new to tell.
   *
   * @param {number} [loaded]
   * @param {number} [total]
   */
  update(loaded, total = 0) {
    if (!loaded) return this.#tell("keys", "keys");
    if (loaded === total) return this.#tell(PARTS + 1, "compiling");
    const part = Math.floor(total ? (PARTS * loaded) / total : loaded / STEP);
    const isNew = this.#tell(part, "loading", megabytes(loaded), total ? megabytes(total) : "…");
    if (isNew) this.detail = this.#left(loaded, total);
    return isNew;
  }

  /**
   * Take the name of a step of the program; return whether there is something new to tell.
   *
   * @param {string} name
   */
  step(name) {
    const word = STEPS.get(name);
    return word ? this.#tell(word, word) : false;
  }

  /**
   * @param {number | string} part
   * @param {string} word
   * @param {string[]} values
   */
  #tell(part, word, ...values) {
    if (part === this.#part) return false;
    this.#part = part;
    this.detail = "";
    this.sentence = this.#say(word, ...values);
    return true;
  }

  /**
   * @param {number} loaded
   * @param {number} total
   */
  #left(loaded, total) {
    const elapsed = this.#clock() - this.#began;
    if (!total || elapsed < JUDGED) return "";
    return this.#say("left", Math.ceil((elapsed * (total - loaded)) / loaded / 1000));
  }
}
