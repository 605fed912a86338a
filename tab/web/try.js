// A page with commands: their recorded answers, and a genuine API server in a Worker.
"use strict";
{
  // The sentences of the page, in its language, and its elements, by name.
  const all = (selector) => [...document.querySelectorAll(selector)];
  const byName = (selector, pair) => Object.fromEntries(all(selector).map(pair));
  const sentence = /(\w+) (.*)/s;
  const words = byName(".words li", (item) => sentence.exec(item.textContent.trim()).slice(1));
  const at = byName("[id^=tab-]", (element) => [element.id.slice(4), element]);
  const say = (name, ...values) =>
    values.reduce((text, value) => text.replace("{}", () => value), words[name]);
  const base = new URL(".", document.currentScript.src);
  const unable = location.protocol === "file:" ? "file"
    : matchMedia("(max-width: 600px)").matches ? "narrow"
    : globalThis.WebAssembly && globalThis.DecompressionStream ? "" : "old";
  let worker, witness, hidden;

  // The style sheet says what each phase shows: unable, able, starting, ready.
  const show = (phase, text) => {
    document.body.dataset.tab = phase;
    at.state.textContent = text;
  };
  const stop = (why) => {
    worker?.terminate();
    worker = undefined;
    for (const place of all("[aria-busy]")) place.ariaBusy = null;
    for (const label of all("[role=status]")) {
      if (label.textContent === words.waiting) label.textContent = "";
    }
    show("able", why);
  };
  const call = (name, values, onReport) => new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel(), called = worker;
    port1.onmessage = ({ data }) => {
      // Messages of a Worker may arrive after its end.
      if (worker !== called) return;
      if (data.report) return void onReport(...data.report);
      port1.close();
      if (data.failure) reject(new Error(data.failure));
      else resolve(data.result);
    };
    worker.postMessage({ name, values }, [port2]);
  });
  const megabytes = (bytes) => (bytes ? (bytes / 1e6).toFixed(0) : "…");
  const progress = (loaded, total) => {
    if (total) Object.assign(at.bar, { max: total, value: loaded });
    const step = !loaded ? "starting" : loaded === total ? "compiling" : "loading";
    // A screen reader reads out each change.
    if (step === "loading" && megabytes(loaded) % 10) return;
    at.state.textContent = say(step, megabytes(loaded), megabytes(total));
  };
  const begin = async () => {
    const began = performance.now();
    worker = new Worker(new URL("worker.js", base));
    worker.onerror = ({ target, message }) =>
      target === worker && stop(say("ended", message ?? "worker.js"));
    show("starting", say("loading", 0, "…"));
    at.cancel.focus();
    // Answers of an earlier server, and the verdict on it.
    for (const answer of all(".ask ~ .answer")) answer.hidden = true;
    for (const place of all(".ask + p + p, #tab-output, #tab-verdict")) place.textContent = "";
    try {
      await call("start", [new URL("kube-apiserver.wasm.gz", base).href], progress);
      // Read before the reader can grant anything.
      witness = at.drill && await rights("default", "drill");
      show("ready", say("ready", ((performance.now() - began) / 1000).toFixed(0)));
    } catch ({ message }) {
      stop(say("failed", at.state.textContent, message));
    }
  };
  at.start.onclick = begin;
  at.cancel.onclick = () => { stop(say("stopped")); at.start.focus(); };
  at.reset.onclick = () => { stop(""); begin(); };

  // Run lines, and write their output, in a log below a heading; return {code, status}.
  const run = async (lines, place, heading = "", input = "") => {
    if (place.ariaBusy) return void place.append(`${say("busy")}\n`);
    place.ariaBusy = true;
    // The theme takes a hidden place out of the order of Tab.
    Object.assign(place, { hidden: false, tabIndex: 0 });
    // A log is not written anew: a screen reader would read out all of it.
    if (heading) place.append(heading); else place.textContent = "";
    place.scrollIntoView({ block: "nearest" });
    const write = (text) => {
      place.append(text);
      if (heading) place.scrollTop = place.scrollHeight;
    };
    const result = await call("shell", [lines, input], write)
      .catch(({ message }) => write(message));
    place.ariaBusy = null;
    return result;
  };

  // A block of the page: predict the code, then see the recorded answer, or a live one.
  for (const block of all(".ask")) {
    const answer = block.nextElementSibling, recorded = answer.textContent;
    const { status } = answer.dataset;
    const [controls, label] = at.choices.content.cloneNode(true).querySelectorAll("p");
    const [guess, see, again] = controls.querySelectorAll("select, button");
    const tell = (whence, code) => {
      Object.assign(answer, { hidden: false, tabIndex: 0 });
      const verdict = guess.value === String(code) ? "right" : guess.value ? "wrong" : "code";
      // kubectl shows no code, and curl without a response has none.
      label.textContent = `${Number(code) ? say(verdict, code) : ""} ${say(whence)}`.trim();
    };
    see.onclick = () => { answer.textContent = recorded; tell("recorded", status); };
    again.onclick = async () => {
      label.textContent = say("waiting");
      const result = await run(block.querySelector("pre").textContent, answer);
      if (result) tell("live", result.status);
    };
    answer.before(controls, label);
    answer.hidden = true;
    if (status === "0") guess.parentNode.remove();
  }

  // A line of one's own, with a caller, a manifest for `-f -`, and the lines before.
  let past = [], back = 0;
  // A page of messages leads here with a line, which runs when its reader says so.
  at.line.value = new URLSearchParams(location.hash.slice(1)).get("line") ?? at.line.value;
  at.own.onsubmit = (event) => {
    event.preventDefault();
    const typed = at.line.value.trim(), options = at.caller.selectedOptions[0].dataset;
    past = [typed, ...past.filter((earlier) => earlier !== typed)];
    back = 0;
    at.line.select();
    const line = typed + (options[typed.split(/\s/)[0]] ?? "");
    run(line, at.output, `$ ${line}\n`, at.manifest.value);
  };
  at.line.onkeydown = (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    back = Math.max(-1, Math.min(back + step, past.length - 1));
    at.line.value = past[back] ?? "";
  };

  // The drill: a ServiceAccount with one permission beyond those that each of them has.
  const outputOf = async (line) => {
    let text = "";
    await call("shell", [line, ""], (more) => { text += more; });
    return text;
  };
  const rights = async (account, namespace) => {
    const list = `kubectl auth can-i --list --no-headers --namespace ${namespace}`;
    const table = await outputOf(`${list} --as system:serviceaccount:drill:${account}`);
    return [...table.matchAll(/^(\S*) +\[(.*)\] +\[(.*)\] +\[(.*)\]$/gm)].flatMap(
      ([, resource, path, names, verbs]) =>
        verbs.split(" ").map((verb) => `${verb} ${resource}${path} ${names}`.trim()),
    );
  };
  const judge = async () => {
    const get = "kubectl get serviceaccount reporter --namespace drill -o name";
    if (!/^serviceaccount\//.test(await outputOf(get))) return say("absent");
    const status = await outputOf(at.drill.dataset.line);
    if (status !== "200") return say("refused", status);
    const excess = [], namespaces = await outputOf("kubectl get namespaces -o name");
    for (const [, name] of namespaces.matchAll(/\/(.*)/g)) {
      const allowed = name === "drill" ? [...witness, "list pods"] : witness;
      const more = (await rights("reporter", name)).filter((right) => !allowed.includes(right));
      excess.push(...more.map((right) => `${right} -n ${name}`));
    }
    if (!excess.length) return say("solved");
    return say("excess", excess.length, excess.slice(0, 5).join(", "));
  };
  if (at.drill) {
    at.check.onclick = async () => {
      at.verdict.textContent = say("waiting");
      at.verdict.textContent = await judge();
    };
  }

  show(unable ? "unable" : "able", unable && say(unable));
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    // Free the memory if the page stays hidden.
    if (document.hidden && worker) hidden = setTimeout(() => stop(say("hidden")), 5 * 60_000);
  });
}
