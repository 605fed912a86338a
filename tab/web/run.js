// The page of a lesson, which can run. From a file a page has this script alone.
"use strict";
{
  const all = (selector) => [...document.querySelectorAll(selector)];
  const byName = (selector, pair) => Object.fromEntries(all(selector).map(pair));
  const sentence = /(\w+) (.*)/s;
  const words = byName(".run-words li", (item) => sentence.exec(item.textContent.trim()).slice(1));
  const at = byName("[id^=run-]", (element) => [element.id.slice(4), element]);
  const say = (name, ...values) =>
    values.reduce((text, value) => text.replace("{}", () => value), words[name]);
  const base = new URL(".", document.currentScript.src);
  // The style sheet says what each phase shows: unable, able, starting, ready.
  const show = (phase, text) => {
    document.body.dataset.run = phase;
    at.state.textContent = text;
  };
  /** Gigabytes of memory of a machine that has room for cluster and Python. */
  const ROOM = 8;
  // Python waits for the cluster by JavaScript Promise Integration.
  const reasonAgainst = () =>
    globalThis.obstacle(ROOM) || ("Suspending" in WebAssembly ? "" : "promises");
  let loading;
  const offer = async () => {
    const reason = reasonAgainst();
    if (reason) return show("unable", say(reason));
    try {
      loading ??= import(new URL("notebook/lesson.js", base).href)
        .then(({ connect }) => connect({ base, at, say, show }));
      const earlier = await loading;
      if (document.body.dataset.run !== "able") show("able", earlier);
    } catch ({ message }) {
      loading = undefined;
      show("unable", say("unloaded", message));
    }
  };
  // A window that has become wider can start it; one that has become narrow keeps what runs.
  globalThis.smallWindow.addEventListener("change", () => {
    if (!/starting|ready/.test(document.body.dataset.run)) offer();
  });
  // Lessons that cannot run in a tab have a sentence in place of the button.
  if (at.start) offer();
}
