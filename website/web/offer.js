// What the scripts of the two kinds of pages on which a server can start have in common: the
// elements and sentences of a page, and the offer. From a file a page has these scripts alone.
"use strict";
{
  /** Functions of a page's scripts; start/exchange.js calls them for another page. */
  globalThis.pageScripts = [];
  globalThis.pageLeft = new AbortController();
  const base = new URL(".", document.currentScript.src);
  /** Do it on this page, and on each that takes its place. */
  globalThis.onPage = (run) => {
    globalThis.pageScripts.push(run);
    run();
  };
  const SMALL = "(max-width: 600px), (pointer: coarse) and (max-height: 600px)";
  const smallWindow = matchMedia(SMALL);
  const sentence = /(\w+) (.*)/s;
  const byName = (selector, pair) =>
    Object.fromEntries([...document.querySelectorAll(selector)].map(pair));

  /**
   * Return elements whose ids begin with `name`, by the rest of it; `say` for the sentences of the
   * list `words`; `show` for a phase and its text; `base`, the address of the scripts; and
   * `signal`, which is aborted when the page is left.
   */
  globalThis.pageParts = (name, words) => {
    const texts = byName(`.${words} li`, (item) => sentence.exec(item.textContent.trim()).slice(1));
    const at = byName(`[id^=${name}-]`, (element) => [element.id.slice(name.length + 1), element]);
    const say = (word, ...values) =>
      values.reduce((text, value) => text.replace("{}", () => value), texts[word]);
    // The style sheet says what each phase shows: unable, able, starting, ready.
    const show = (phase, text) => {
      document.body.dataset[name] = phase;
      at.state.textContent = text;
    };
    return { at, say, show, base, signal: globalThis.pageLeft.signal };
  };

  /** Return the name of what is missing, or ""; `room` is the gigabytes that the machine needs. */
  globalThis.obstacle = (room) => location.protocol === "file:" ? "file"
    : smallWindow.matches ? "narrow"
    : navigator.deviceMemory < room ? "memory"
    : globalThis.WebAssembly && globalThis.DecompressionStream ? "" : "old";

  /**
   * Show why no server can start, by `reason()`, or what `load()` returns a Promise of, with which
   * one can; `failed` is the sentence for a script that cannot be loaded.
   */
  globalThis.offerServer = (name, { say, show, signal }, { reason, load, failed }) => {
    const { dataset } = document.body;
    let loading;
    const offer = async () => {
      const why = reason();
      if (why) return show("unable", say(why));
      try {
        const text = await (loading ??= load());
        // A cluster that runs already has said so.
        if (!/^(able|starting|opening|ready)$/.test(dataset[name])) show("able", text ?? "");
      } catch ({ message }) {
        loading = undefined;
        show("unable", say(failed, message));
      }
    };
    // A window that has become wider can start it; one that has become narrow keeps what runs.
    smallWindow.addEventListener("change", () => {
      if (!/starting|opening|ready/.test(dataset[name])) offer();
    }, { signal });
    offer();
  };
}
