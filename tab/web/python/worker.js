// A Web Worker with a cluster and Python, for the lessons; the page calls it.
import "../wasm_exec.js";
import "../files.js";
import "../server.js";
import { newOutputs } from "../worker/celloutputs.js";
import { newCommands } from "../worker/commands.js";
import { dispatch } from "../worker/dispatcher.js";
import { compile, newDownload } from "../worker/download.js";
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { treeFileSystem } from "./files.js";
import { entries } from "./tar.js";

const PROGRAM = "../kube-apiserver.wasm.gz", PACK = "pack.tar.gz";
const CORE = "pyodide/pyodide.asm.wasm.gz", LIBRARY = "pyodide/python_stdlib.zip";
// How many of them there are.
const FILES = 4;
// Directories that the cluster's programs and Python share.
const SHARED = ["/etc", "/root", "/run", "/tmp", "/var"];
// Errors by their names.
const NUMBERS = `import errno, json
json.dumps({name: number for number, name in errno.errorcode.items()})`;
const here = (name) => new URL(name, import.meta.url).href;

// Threads of doors.py that the page starts: that of cells, and that of the messages of views.
const MAIN = 1, VIEWS = 2;
// A stop of the learner's ends a wait of such a thread.
const stops = new Map();
// How many calls the learner has stopped.
globalThis.stopped = 0;
globalThis.untilStop = (promise, thread) => {
  const stop = stops.get(thread);
  return stop ? Promise.race([promise, stop.promise]) : promise;
};
const stopWith = (signal, thread) => {
  const stop = Promise.withResolvers();
  stops.set(thread, stop);
  signal.addEventListener("abort", () => {
    globalThis.stopped += 1;
    stop.resolve("stop");
  }, { once: true });
};
globalThis.delay = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
// A Promise that also resolves after a time.
globalThis.limited = (promise, milliseconds) => {
  const { promise: late, resolve } = Promise.withResolvers();
  const timer = setTimeout(resolve, milliseconds);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
// A cell would end the Worker, and the page would wait for it.
globalThis.close = () => { throw new Error("a cell cannot end the Worker of its page"); };
// Run a function of Python's soon, on a stack of its own.
globalThis.later = (run) => setTimeout(() => {
  run.callPromising().catch(({ message }) => console.warn(message)).finally(() => run.destroy());
});

const { start, ...commands } = newCommands();
let python, kernel, sendOutput, be, messages, endListening;
// The last call that the thread of views handles: they take turns.
let last = Promise.resolve();
const inTurn = (work) => {
  last = last.then(work, work);
  return last;
};

// Start Python, with the packages of an archive. Its core is compressed, which it does not know,
// and the bytes of its library are counted.
const startPython = async (core, library, pack) => {
  const { fetch } = globalThis, loaded = { wasm: core, zip: library };
  globalThis.fetch = (address, ...options) =>
    loaded[String(address).split(".").at(-1)] ?? fetch(address, ...options);
  python = await loadPyodide({
    indexURL: here("pyodide/"),
    stdout: (text) => console.log(text),
    stderr: (text) => console.warn(text),
    env: { HOME: "/root", PYTHONDONTWRITEBYTECODE: "1" },
  });
  globalThis.fetch = fetch;
  const { FS } = python, folders = new Set();
  for (const { name, bytes } of entries(new Uint8Array(await (await pack).arrayBuffer()))) {
    const path = `/${name}`, folder = path.slice(0, path.lastIndexOf("/"));
    if (!folders.has(folder)) FS.mkdirTree(folder);
    folders.add(folder);
    FS.writeFile(path, bytes);
  }
};

// Let Python have the cluster's files, network and programs.
const joinCluster = () => {
  const { FS } = python;
  // Plain values: during a call of Emscripten's, none of Python's can be asked.
  const numbers = JSON.parse(python.runPython(NUMBERS));
  const files = treeFileSystem(FS, numbers, globalThis.fs);
  for (const directory of SHARED) {
    FS.mkdirTree(directory);
    FS.mount(files, { root: directory }, directory);
  }
  python.runPython("from tab.python import machine; machine.install()");
  be = python.pyimport("tab.python.doors").be;
};

dispatch(self, {
  ...commands,
  // Start both, with attempts of earlier visits; report "loading" with bytes and their total or 0,
  // then the steps.
  async start([attempts], report) {
    const count = (loaded, total) => report("loading", loaded, total);
    const download = newDownload(FILES, count);
    // The program arrives and is compiled while Python starts.
    const program = compile(download, here(PROGRAM));
    const pack = download(here(PACK), "application/x-tar");
    const core = download(here(CORE), "application/wasm");
    const library = download(here(LIBRARY), "application/zip");
    await Promise.all([program, startPython(core, library, pack)]);
    await start(await program, report);
    joinCluster();
    report("importing");
    await python.runPythonAsync("from tab.python import kernel");
    python.pyimport("tab.python.visit").write_attempts(attempts ?? "");
  },
  // Run the code of a lesson from now on, in a folder.
  async open([folder]) {
    // As those of a kernel of Jupyter do, views and programs of the lesson before end with it.
    stops.get(VIEWS)?.resolve("stop");
    await last.catch(() => {});
    stops.clear();
    be(MAIN);
    if (kernel) {
      await kernel.end.callPromising();
      messages = undefined;
      endListening?.();
      be(MAIN);
      python.pyimport("tab.python.processes").end_all();
    }
    kernel?.destroy();
    const { Kernel } = python.pyimport("tab.python.kernel");
    kernel = await Kernel.callPromising((text) => sendOutput(text), folder);
  },
  // Run a cell, and report its outputs; return whether it raised nothing. A cancel stops it.
  async run([source, tags, id], report, signal) {
    const outputs = newOutputs(report);
    sendOutput = (text) => {
      // A page that shows a view has its widget already.
      messages?.flush();
      outputs.add(text);
    };
    stopWith(signal, MAIN);
    be(MAIN);
    return kernel.run.callPromising(source, python.toPy(tags), id ?? "").finally(outputs.end);
  },
  // Report the messages of widgets in lists, after those that open the widgets that are there a
  // report without any; until another lesson opens.
  async listen(_, report) {
    const { newMessages } = await import("../worker/viewmessages.js");
    const own = newMessages(report);
    await inTurn(() => {
      messages = own;
      be(VIEWS);
      return kernel.listen.callPromising((text) => own.add(text));
    });
    own.flush();
    report();
    await new Promise((resolve) => { endListening = resolve; });
  },
  // Let Python have a message of a view; report what it shows. A cancel stops it.
  async tell([message], report, signal) {
    const { add, end } = newOutputs(report);
    return inTurn(async () => {
      if (signal.aborted) return;
      stopWith(signal, VIEWS);
      be(VIEWS);
      await kernel.receive.callPromising(JSON.stringify(message), add).finally(end);
      messages?.flush();
    });
  },
  // Return the attempts at exercises since the last call, lines of JSON.
  async attempts() {
    return python.pyimport("tab.python.visit").new_attempts();
  },
  // Have these, and no others.
  async keep([attempts]) {
    python.pyimport("tab.python.visit").write_attempts(attempts);
  },
  // For tests: evaluate Python.
  async evaluate([code]) {
    const value = await python.runPythonAsync(code);
    return value?.toString?.() ?? String(value);
  },
});
