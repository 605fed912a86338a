// The messages of views, in few messages to the page: a loop may change a value a million times.

/** Milliseconds between two messages. */
const PAUSE = 50;

/**
 * @typedef {{
 *   type: string, comm_id: string, buffers: string[],
 *   data: {method?: string, state?: Record<string, any>},
 * }} Message of a comm, as Jupyter has it
 */

/** Return whether it has new values of a widget, and nothing else. @param {Message} message */
const isUpdate = ({ type, data, buffers }) =>
  type === "comm_msg" && data.method === "update" && !buffers.length;

/**
 * Return `add` for each message, as JSON, and `flush` for those that are to be sent at once; of
 * values that change again before they are sent, the last ones are.
 *
 * @param {(messages: Message[]) => void} send
 * @param {() => number} clock milliseconds
 */
export const newMessages = (send, clock = () => performance.now()) => {
  /** @type {Message[]} */
  let kept = [];
  /** The last message of each comm. @type {Map<string, Message>} */
  const last = new Map();
  let sent = -PAUSE;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (kept.length) send(kept);
    kept = [];
    last.clear();
    sent = clock();
  };
  return {
    /** @param {string} json */
    add(json) {
      /** @type {Message} */
      const message = JSON.parse(json);
      const before = last.get(message.comm_id);
      if (before && isUpdate(before) && isUpdate(message)) {
        Object.assign(before.data.state ?? {}, message.data.state);
      } else {
        kept.push(message);
        last.set(message.comm_id, message);
      }
      // Python that computes lets no timer run.
      if (clock() - sent >= PAUSE) flush();
      else timer ??= setTimeout(flush, PAUSE);
    },
    flush,
  };
};
