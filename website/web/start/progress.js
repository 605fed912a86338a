// What the page says of a start: the step, the share of the download, and the time.

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
  /** @type {number | string} */
  #part = -1;
  /** @type {Say} */
  #say;
  /** @type {() => number} */
  #clock;
  #began;
  /** Bytes that are loaded, and their total; 0 outside of a download. */
  #loaded = 0;
  #total = 0;

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
    [this.#loaded, this.#total] = loaded === total ? [0, 0] : [loaded ?? 0, total];
    if (!loaded) return this.#tell("keys", "keys");
    if (loaded === total) return this.#tell(PARTS + 1, "compiling");
    const part = Math.floor(total ? (PARTS * loaded) / total : loaded / STEP);
    return this.#tell(part, "loading", megabytes(loaded), total ? megabytes(total) : "…");
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
    this.sentence = this.#say(word, ...values);
    return true;
  }

  /** The time that is left of a download, or else how long the start has taken so far. */
  get time() {
    const elapsed = this.#clock() - this.#began, loaded = this.#loaded, total = this.#total;
    if (!total || elapsed < JUDGED) return this.#say("elapsed", Math.floor(elapsed / 1000));
    return this.#say("left", Math.ceil((elapsed * (total - loaded)) / loaded / 1000));
  }
}

/**
 * Show the time of a start each second, until it has ended.
 *
 * @param {Progress} progress
 * @param {HTMLElement} place that no screen reader reads out
 * @param {() => boolean} isStarting
 */
export const showTime = (progress, place, isStarting) => {
  const timer = setInterval(() => {
    if (isStarting()) place.textContent = progress.time;
    else clearInterval(timer);
  }, 1000);
};
