// A page with commands: the reader predicts the status code of each, then sees its recorded answer.
// Where a server can run, tryit/live.js adds it.
"use strict";
globalThis.onPage(() => {
  /** Gigabytes of memory of a machine that has room for the server. */
  const ROOM = 4;
  const page = globalThis.pageParts("tab", "words"), { at, say } = page;
  if (!at.start) return;

  // The first prediction of each command, kept by the browser for a later visit.
  const KEPT = "kubernetes-api-notebooks/predictions";
  const readPredictions = () => {
    try {
      return Object(JSON.parse(localStorage.getItem(KEPT)));
    } catch {
      // A browser can refuse to keep anything, and another page can have kept something else.
      return {};
    }
  };
  const keepPrediction = (command, prediction) => {
    const predictions = readPredictions();
    if (predictions[command]) return;
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...predictions, [command]: prediction }));
    } catch { /* They are counted until the page is left. */ }
    blocks.find((block) => block.command === command).prediction ??= prediction;
  };
  const showScore = () => {
    const predictions = blocks.map(({ prediction }) => prediction).filter(Boolean);
    const right = predictions.filter(({ guess, code }) => guess === code);
    at.tally.hidden = !predictions.length;
    at.score.textContent = predictions.length
      ? say("score", right.length, predictions.length) : "";
  };

  // A block of the page: predict the code, then see the recorded answer, or a live one.
  const blocks = [...document.querySelectorAll(".ask")].map((block) => {
    const answer = block.nextElementSibling, recorded = answer.textContent;
    const { status } = answer.dataset;
    const [controls, label] = at.choices.content.cloneNode(true).querySelectorAll("p");
    const [guess, see, run, stop] = controls.querySelectorAll("select, button");
    const command = block.querySelector("pre").textContent.trim();
    const prediction = readPredictions()[command];
    const tell = (whence, code) => {
      Object.assign(answer, { hidden: false, tabIndex: 0 });
      const verdict = guess.value === String(code) ? "right" : guess.value ? "wrong" : "code";
      // kubectl shows no code, and curl without a response has none.
      label.textContent = `${Number(code) ? say(verdict, code) : ""} ${say(whence)}`.trim();
      if (Number(code) && guess.value) {
        keepPrediction(command, { guess: guess.value, code: String(code) });
        showScore();
      }
    };
    see.onclick = () => { answer.textContent = recorded; tell("recorded", status); };
    answer.before(controls, label);
    answer.hidden = true;
    if (status === "0") guess.parentNode.remove();
    else if (prediction) guess.value = prediction.guess;
    return { command, recorded, prediction, guess, answer, label, run, stop, tell };
  });
  at.forget.onclick = () => {
    try { localStorage.removeItem(KEPT); } catch { /* Nothing was kept. */ }
    for (const block of blocks) {
      block.prediction = undefined;
      block.guess.value = "";
    }
    showScore();
  };
  showScore();

  globalThis.offerServer("tab", page, {
    reason: () => globalThis.obstacle(ROOM),
    load: () => import(new URL("tryit/live.js", page.base).href)
      .then(({ connect }) => connect({ ...page, blocks })),
    failed: "broken",
  });
});
