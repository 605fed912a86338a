// A Web Worker with a cluster and Python, for the lessons: call the function that a message
// names; its port gets progress and outputs, then the result or the failure.
import "../wasm_exec.js";
import "../files.js";
import "../server.js";
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { treeFileSystem } from "./files.js";
import { entries } from "./tar.js";

const PROGRAM = "../kube-apiserver.wasm.gz", PACK = "pack.tar.gz";
const CORE = "pyodide/pyodide.asm.wasm.gz";
// Directories that the cluster's programs and Python share.
const SHARED = ["/etc", "/root", "/run", "/tmp", "/var"];
// Of errors, by their names.
const NUMBERS = `import errno, json
json.dumps({name: number for number, name in errno.errorcode.items()})`;
const here = (name) => new URL(name, import.meta.url).href;

// What ends a wait of Python's when the learner stops a cell.
let stopping = Promise.withResolvers();
globalThis.untilStop = (promise) => Promise.race([promise, stopping.promise]);
globalThis.delay = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
// A Promise that also resolves after a time.
globalThis.limited = (promise, milliseconds) => {
  const { promise: late, resolve } = Promise.withResolvers();
  const timer = setTimeout(resolve, milliseconds);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
// Run a function of Python's soon, on a stack of its own.
globalThis.later = (run) => setTimeout(() => {
  run.callPromising().catch(({ message }) => console.warn(message)).finally(() => run.destroy());
});

// Fetch a gzip file; return it decompressed, as a Response. `count` gets the length of each part.
const load = async (name, type, count) => {
  const response = await fetch(here(name));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  const transform = (chunk, further) => {
    count(chunk.length);
    further.enqueue(chunk);
  };
  const received = response.body.pipeThrough(new TransformStream({ transform }));
  // With Content-Encoding, the browser has decompressed the file.
  const isPlain = response.headers.has("Content-Encoding");
  const bytes = isPlain ? received : received.pipeThrough(new DecompressionStream("gzip"));
  return new Response(bytes, { headers: { "Content-Type": type } });
};

let python, kernel, sendOutput, beMain;

// Start Python, with the packages of an archive. Its core is compressed, which it does not know.
const startPython = async (core, pack) => {
  const { fetch } = globalThis;
  globalThis.fetch = (address, ...options) =>
    String(address).endsWith(".wasm") ? core : fetch(address, ...options);
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
  beMain = python.pyimport("tab.python.doors").be_main;
};

const calls = {
  async start(report) {
    let loaded = 0;
    const count = (length) => report("loading", loaded += length);
    const program = load(PROGRAM, "application/wasm", count);
    const pack = load(PACK, "application/x-tar", count);
    await startPython(load(CORE, "application/wasm", count), pack);
    const module = await WebAssembly.compileStreaming(program);
    report("starting");
    await startServer(module, { onStep: (name) => report("step", name) });
    joinCluster();
    report("importing");
    await python.runPythonAsync("from tab.python import kernel");
  },
  // Run the code of a lesson from now on, in a folder.
  async open(folder) {
    kernel?.destroy();
    beMain();
    const { Kernel } = python.pyimport("tab.python.kernel");
    kernel = await Kernel.callPromising((text) => sendOutput(text), folder);
  },
  // Run a cell, and report its outputs; return whether it raised nothing.
  async run(source, tags, report) {
    sendOutput = (text) => report("output", text);
    stopping = Promise.withResolvers();
    beMain();
    return kernel.run.callPromising(source, python.toPy(tags));
  },
  async stop() {
    stopping.resolve("stop");
  },
  // For tests: evaluate Python.
  async evaluate(code) {
    const value = await python.runPythonAsync(code);
    return value?.toString?.() ?? String(value);
  },
};

onmessage = ({ data: { name, values }, ports: [port] }) => calls[name](
  ...values, (...report) => port.postMessage({ report }),
).then(
  (result) => port.postMessage({ result }),
  (error) => port.postMessage({ failure: error.message }),
);
