// The page *Try it*: recorded answers, and a genuine API server in a Worker.
"use strict";
{
  // In the order of the list at the end of the page, in its language.
  const [
    START, CANCEL, LOADING, COMPILING, STARTING, READY, FAILED, STOPPED, NOT_HERE, RECORDED,
    LIVE, GUESS, SHOW, RIGHT, WRONG, RUN, LINE, CALLER, WRITTEN, NOBODY, NONSENSE, ACCOUNT, ADMIN,
    MANIFEST, RESET, CHECK, SOLVED, REFUSED, TOO_MUCH, OUTPUT, BUSY,
  ] = [...document.querySelectorAll(".words li")].map((item) => item.textContent.trim());
  const CODES = [200, 201, 400, 401, 403, 404, 409, 422];
  const HIDDEN = 5 * 60_000;
  const place = document.getElementById("tab");
  const base = new URL(".", document.currentScript.src);
  const filled = (text, ...values) => values.reduce((one, value) => one.replace("{}", value), text);
  const made = (name, properties = {}, ...children) => {
    const one = Object.assign(document.createElement(name), properties);
    one.append(...children);
    return one;
  };
  const button = (text, onclick) => made("button", { type: "button", textContent: text, onclick });

  const state = made("p", { role: "status" });
  const bar = made("progress", { hidden: true, ariaLabel: START });
  const runs = [];
  let worker, asked, variables, busy = false, last = 0;

  const call = (message, told = () => {}) => new Promise((done, failed) => {
    asked.set(++last, { done, failed, told });
    worker.postMessage({ id: last, ...message });
  });
  const server = {
    request: (request, onHead, onChunk) => call({ request }, ({ head, chunk }) => {
      if (head) onHead(...head);
      else onChunk(chunk);
    }),
    kubectl: (kubectl, input, onText) => call({ kubectl, input }, ({ text }) => onText(...text)),
  };

  const stop = (why) => {
    worker?.terminate();
    worker = undefined;
    busy = false;
    for (const { failed } of asked?.values() ?? []) failed(new Error(why));
    show(false, why);
  };
  const show = (ready, text) => {
    state.textContent = text;
    bar.hidden = true;
    start.hidden = Boolean(worker);
    cancel.hidden = !worker || ready;
    console_.hidden = !ready;
    for (const one of runs) one.disabled = !ready;
  };
  const begin = async () => {
    const began = performance.now();
    asked = new Map();
    variables = {};
    worker = new Worker(new URL("worker.js", base));
    worker.onerror = (error) => stop(filled(FAILED, error.message));
    worker.onmessage = ({ data: { id, loaded, total, compiled, done, failed, ...told } }) => {
      if (compiled) state.textContent = STARTING;
      else if (loaded) progress(loaded, total);
      else if (done !== undefined || failed) {
        if (failed) asked.get(id).failed(new Error(failed));
        else asked.get(id).done(done);
        asked.delete(id);
      } else asked.get(id).told(told);
    };
    show(false, filled(LOADING, 0, "…"));
    bar.hidden = false;
    try {
      const bytes = await call({ start: new URL("kube-apiserver.wasm.gz", base).href });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      show(true, filled(READY, seconds, (bytes / 1e6).toFixed(0)));
      field.focus();
    } catch (error) {
      if (worker) stop(filled(FAILED, error.message));
    }
  };
  const progress = (loaded, total) => {
    const [some, all] = [loaded, total].map((bytes) => (bytes / 1e6).toFixed(0));
    Object.assign(bar, total ? { max: total, value: loaded } : {});
    // Whoever listens to the page need not hear each megabyte.
    if (loaded === total) state.textContent = COMPILING;
    else if (some % 10 === 0) state.textContent = filled(LOADING, some, all);
  };

  const start = button(START, begin);
  const cancel = button(CANCEL, () => stop(STOPPED));

  // Run lines one after the other, and write what they say; return the last status.
  const run = async (lines, output, options = {}) => {
    if (busy || !worker) return void (busy && (state.textContent = BUSY));
    busy = true;
    let status = 0;
    output.textContent = "";
    try {
      for (const line of lines) {
        const write = (text) => { output.textContent += text; };
        const answer = await shell(server, line, { variables, write, ...options });
        status = answer.status || status;
      }
    } catch (error) {
      output.textContent += `${error.message}\n`;
    }
    busy = false;
    return status;
  };

  // A block of the page: guess the code, then see the recorded answer, or have a live one.
  for (const block of document.querySelectorAll(".ask")) {
    const answer = block.nextElementSibling;
    const lines = block.querySelector("pre").textContent.replace(/\\\n\s*/g, "").trim().split("\n");
    const label = made("p", { role: "status" });
    const controls = made("p", { className: "ask-controls" });
    const status = answer.dataset.status;
    const reveal = (guess) => {
      answer.hidden = false;
      const verdict = guess && (guess === status ? RIGHT : filled(WRONG, status));
      label.textContent = [verdict, RECORDED].filter(Boolean).join(" ");
    };
    if (status !== "0") {
      answer.hidden = true;
      const guess = made("select", { ariaLabel: GUESS, onchange: () => reveal(guess.value) },
        made("option", { textContent: GUESS, value: "" }),
        ...CODES.map((code) => made("option", { textContent: code })));
      controls.append(guess, button(SHOW, () => reveal("")));
    } else label.textContent = RECORDED;
    const again = button(RUN, async () => {
      answer.hidden = false;
      await run(lines, answer);
      label.textContent = LIVE;
    });
    runs.push(again);
    controls.append(again);
    answer.before(controls, label);
  }

  // A line of one's own, with a caller, a manifest for `-f -`, and the lines before.
  const callers = {
    [WRITTEN]: ["", ""],
    [NOBODY]: [" --cacert ca.crt", " --context nobody"],
    [NONSENSE]: [' --cacert ca.crt -H "Authorization: Bearer nonsense"', " --context nobody --token nonsense"],
    [ACCOUNT]: [' --cacert ca.crt -H "Authorization: Bearer $TOKEN"', ' --context nobody --token "$TOKEN"'],
    [ADMIN]: [" --cacert ca.crt --cert admin.crt --key admin.key", ""],
  };
  const caller = made("select", {}, ...Object.keys(callers).map((name) => made("option", { textContent: name })));
  const field = made("input", { type: "text", autocomplete: "off", spellcheck: false });
  field.value = "kubectl auth whoami";
  const manifest = made("textarea", { rows: 6, spellcheck: false });
  const output = made("pre", { className: "answer", tabIndex: 0, role: "log", ariaLabel: OUTPUT });
  const history = [];
  let at = 0;
  field.onkeydown = (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !history.length) return;
    event.preventDefault();
    at = Math.max(0, Math.min(history.length, at + step));
    field.value = history[at] ?? "";
  };
  const form = made("form", {
    onsubmit(event) {
      event.preventDefault();
      at = history.push(field.value);
      const [forCurl, forKubectl] = callers[caller.value];
      const line = field.value + (/^\s*kubectl/.test(field.value) ? forKubectl : forCurl);
      run([line], output, { input: manifest.value });
    },
  }, made("label", {}, CALLER, caller), made("label", {}, LINE, field),
  made("details", {}, made("summary", { textContent: MANIFEST }), manifest),
  made("button", { textContent: RUN }), button(RESET, () => { stop(STOPPED); begin(); }));
  manifest.ariaLabel = MANIFEST;
  const console_ = made("div", { hidden: true }, form, output);

  // The drill: exactly one right, which the server itself tells.
  const verdict = made("p", { role: "status" });
  const asReporter = (method, path, body) => {
    let status, text = "";
    const decoder = new TextDecoder();
    const account = "system:serviceaccount:drill:reporter";
    return server.request({
      method, path, body: body && JSON.stringify(body), certificate: "super-admin", trust: "cluster",
      headers: [["Impersonate-User", account], ["Content-Type", "application/json"]],
    }, (code) => { status = code; }, (bytes) => { text += decoder.decode(bytes, { stream: true }); })
      .then(() => ({ status, body: JSON.parse(text) }));
  };
  const checkDrill = async () => {
    const { status } = await asReporter("GET", "/api/v1/namespaces/drill/pods");
    const { body } = await asReporter("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
      { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace: "drill" } });
    const own = body.status.resourceRules.filter(({ apiGroups }) => !apiGroups.every((g) => /^auth\w+\.k8s\.io$/.test(g)));
    const everywhere = await asReporter("GET", "/api/v1/pods");
    const smallest = JSON.stringify(own.map(({ verbs, resources }) => [verbs, resources])) === '[[["list"],["pods"]]]';
    if (status !== 200) verdict.textContent = filled(REFUSED, status);
    else if (smallest && everywhere.status === 403) verdict.textContent = SOLVED;
    else verdict.textContent = filled(TOO_MUCH, JSON.stringify(own.map(({ verbs, resources }) => ({ verbs, resources }))));
  };
  const check = button(CHECK, () => checkDrill().catch((error) => { verdict.textContent = error.message; }));
  runs.push(check);
  document.getElementById("drill").append(check, verdict);

  const able = location.protocol !== "file:" && globalThis.WebAssembly && globalThis.DecompressionStream
    && globalThis.Worker && matchMedia("(min-width: 601px)").matches;
  place.append(made("p", {}, start, cancel), bar, state, console_);
  show(false, able ? "" : NOT_HERE);
  if (!able) start.hidden = true;
  let hidden;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden && worker) hidden = setTimeout(() => stop(STOPPED), HIDDEN);
  });
}
