// Start the cluster in a Worker or Node; load wasm_exec.js and files.js first.
"use strict";

// Milliseconds for one step of a start; all steps together take a slow machine a minute.
const LIMIT = 600_000;
const HOME = "/root";
// The directories that the program finds, and that stay whatever a script removes: kubectl keeps
// its input in /tmp, and Python has mounted most of them.
const DIRECTORIES = ["/dev", "/etc", "/run", "/tmp", "/var", "/var/lib", "/var/log", HOME];
// The files that the program finds.
const FILES = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
  "/etc/group": "root:x:0:\n",
  "/etc/hosts": "127.0.0.1 localhost\n",
  "/etc/resolv.conf": "",
};

// Return a tree with these files, and `log` for what the program writes.
const memory = (log) => {
  const tree = fileTree(log, HOME), { O_CREAT, O_WRONLY } = tree.constants;
  for (const name of DIRECTORIES) tree.now("mkdir", name, 0o755, true);
  for (const [name, text] of Object.entries(FILES)) {
    const bytes = new TextEncoder().encode(text);
    const [, fd] = tree.now("open", name, O_CREAT | O_WRONLY, 0o644);
    tree.now("write", fd, bytes, 0, bytes.length, null);
    tree.now("close", fd);
  }
  return tree;
};

// Wait until the server is ready: then `kubernetes` has its functions. Return untilNode(), which
// waits until pods can run. Both fail if a step of the start takes longer than `limit`
// milliseconds. `onStep` gets each step's name, and "" when all is there. If the program ends, now
// or later, an uncaught error has its last log line, or its panic, or what JavaScript says if it
// has said nothing.
globalThis.startServer = async (module, { limit = LIMIT, onStep = () => {}, env = {} } = {}) => {
  let last = "", step = "loading the program", begin;
  const tree = memory((text) => {
    last = /^(panic|fatal error): /.test(last) ? last + text : text;
  });
  globalThis.fs = { ...globalThis.fs, ...tree };
  globalThis.onStep = (name) => {
    [step, begin] = [name, Date.now()];
    onStep(name);
  };
  // With it, Go would send the requests of `kubectl apply -f https://...` to other hosts.
  globalThis.fetch = undefined;
  process.cwd = () => HOME;
  const go = new Go();
  const variables = {
    // Go's heap profiler ends the program when it samples in a callback of JavaScript.
    GODEBUG: "memprofilerate=0",
    // Memory that WebAssembly has once is never given back: a start collects its garbage seldom,
    // and a long visit, which needs some 150 MB, more often.
    GOGC: "300",
    GOMEMLIMIT: "300MiB",
    HOME,
    KUBECTL_KUBERC: "false",
  };
  go.env = { ...variables, ...env };
  const instance = await WebAssembly.instantiate(module, go.importObject);
  const uncaught = (text) => queueMicrotask(() => { throw new Error(text.trim().split("\n")[0]); });
  // After its end, a call of Go's script fails with words that say nothing of the reason.
  go.run(instance).then(() => uncaught(last), ({ message }) => uncaught(last || message));
  begin ??= Date.now();
  const until = async (isDone, what) => {
    while (!isDone()) {
      if (Date.now() > begin + limit) {
        throw new Error(`${what} is not ready: ${step} has not ended after ${limit / 1000} s`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  await until(() => globalThis.kubernetes, "the API server");
  return { untilNode: () => until(() => !step, "the node") };
};
