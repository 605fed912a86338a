// The page *Try it*: recorded answers, and a genuine API server in a Worker.
"use strict";
{
  // In the order of the list at the end of the page, in its language.
  const [
    LOADING, COMPILING, STARTING, READY, FAILED, STOPPED, NOT_HERE, RECORDED, LIVE, RIGHT, WRONG,
    SOLVED, REFUSED, TOO_MUCH, BUSY,
  ] = [...document.querySelectorAll(".words li")].map((item) => item.textContent.trim());
  // Who asks, in the order of the page: what is added to a line of each program.
  const CA = " --cacert ca.crt", BEARER = `${CA} -H "Authorization: Bearer`;
  const CALLERS = [
    {},
    { curl: CA, kubectl: " --context nobody" },
    { curl: `${BEARER} nonsense"`, kubectl: " --context nobody --token nonsense" },
    { curl: `${BEARER} $TOKEN"`, kubectl: ' --context nobody --token "$TOKEN"' },
    { curl: `${CA} --cert admin.crt --key admin.key`, kubectl: "" },
  ];
  // In the order of the page.
  const [
    start, cancel, bar, state, own, caller, line, history, manifest, reset, output, choices, drill,
  ] = document.querySelectorAll("[id^=tab-]");
  const base = new URL(".", document.currentScript.src);
  const able = location.protocol !== "file:" && globalThis.WebAssembly && globalThis.Worker
    && globalThis.DecompressionStream && matchMedia("(min-width: 601px)").matches;
  const filled = (text, ...values) => values.reduce((one, value) => one.replace("{}", value), text);
  const runs = [];
  let worker, busy;

  const show = (text, ready = false) => {
    state.textContent = text;
    start.hidden = !able || worker;
    cancel.hidden = bar.hidden = !worker || ready;
    own.hidden = !ready;
    for (const one of runs) one.disabled = !ready;
  };
  const stop = (why) => {
    worker?.terminate();
    worker = busy = undefined;
    show(why);
  };
  const call = (name, given, told) => new Promise((done, failed) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      if (data.told) told(...data.told);
      else if (data.failed) failed(new Error(data.failed));
      else done(data.done);
    };
    worker.postMessage({ name, given }, [port2]);
  });
  const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
  const progress = (loaded, total) => {
    const [some, all] = [loaded, total].map(megabytes);
    if (total) Object.assign(bar, { max: total, value: loaded });
    if (!loaded) state.textContent = STARTING;
    else if (loaded === total) state.textContent = COMPILING;
    // Whoever listens to the page need not hear each megabyte.
    else if (some % 10 === 0) state.textContent = filled(LOADING, some, all);
  };
  const begin = async () => {
    const began = performance.now();
    worker = new Worker(new URL("worker.js", base));
    worker.onerror = ({ message }) => stop(filled(FAILED, message));
    show(filled(LOADING, 0, "…"));
    try {
      const bytes = await call("start", [new URL("kube-apiserver.wasm.gz", base).href], progress);
      show(filled(READY, ((performance.now() - began) / 1000).toFixed(0), megabytes(bytes)), true);
      line.focus();
    } catch (error) {
      stop(filled(FAILED, error.message));
    }
  };
  start.onclick = begin;
  cancel.onclick = () => stop(STOPPED);
  reset.onclick = () => { stop(STOPPED); begin(); };

  // Run lines, and write what they say; return whether nothing else was running.
  const run = async (lines, place, input = "") => {
    if (busy) return void (state.textContent = BUSY);
    busy = true;
    place.textContent = "";
    const write = (text) => { place.textContent += text; };
    await call("shell", [lines, input], write).catch((error) => write(`${error.message}\n`));
    busy = false;
    return true;
  };

  // A block of the page: guess the code, then see the recorded answer, or have a live one.
  for (const block of document.querySelectorAll(".ask")) {
    const answer = block.nextElementSibling, { status } = answer.dataset;
    const [controls, label] = choices.content.cloneNode(true).querySelectorAll("p");
    const [guess, see, again] = controls.querySelectorAll("select, button");
    const reveal = () => {
      answer.hidden = false;
      const verdict = guess.value && (guess.value === status ? RIGHT : filled(WRONG, status));
      label.textContent = `${verdict} ${RECORDED}`.trim();
    };
    guess.onchange = see.onclick = reveal;
    if (status === "0") reveal(guess.parentNode.remove(), see.remove());
    else answer.hidden = true;
    again.onclick = async () => {
      answer.hidden = false;
      if (await run(block.querySelector("pre").textContent, answer)) label.textContent = LIVE;
    };
    runs.push(again);
    answer.before(controls, label);
  }

  // A line of one's own, with a caller, a manifest for `-f -`, and the lines before.
  own.onsubmit = (event) => {
    event.preventDefault();
    history.prepend(new Option(line.value));
    const [program] = line.value.trim().split(/\s/);
    run(line.value + (CALLERS[caller.selectedIndex][program] ?? ""), output, manifest.value);
  };

  // The drill: exactly one right, which the server itself tells.
  const [check, verdict] = drill.querySelectorAll("button, [role=status]");
  const asReporter = (path, body) => call("send", [{
    method: body ? "POST" : "GET", path, body, certificate: "super-admin", trust: "cluster",
    headers: [["Impersonate-User", "system:serviceaccount:drill:reporter"], ["Content-Type", "application/json"]],
  }], () => {});
  const checked = async () => {
    const { status } = await asReporter("/api/v1/namespaces/drill/pods");
    if (status !== 200) return filled(REFUSED, status);
    const review = JSON.stringify({ spec: { namespace: "drill" } });
    const { body } = await asReporter("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review);
    // Without those that everybody has.
    const rules = JSON.parse(body).status.resourceRules
      .filter(({ apiGroups: [group] }) => !/^auth\w+\.k8s\.io$/.test(group))
      .map(({ verbs, resources }) => ({ verbs, resources }));
    const everywhere = await asReporter("/api/v1/pods");
    const smallest = JSON.stringify(rules) === '[{"verbs":["list"],"resources":["pods"]}]';
    return smallest && everywhere.status === 403 ? SOLVED : filled(TOO_MUCH, JSON.stringify(rules));
  };
  check.onclick = async () => {
    verdict.textContent = await checked().catch((error) => error.message);
  };
  runs.push(check);

  show(able ? "" : NOT_HERE);
  let hidden;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    // Its memory is for others if nobody has seen the page for minutes.
    if (document.hidden && worker) hidden = setTimeout(() => stop(STOPPED), 5 * 60_000);
  });
}
