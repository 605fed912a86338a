// node node.js DIRECTORY: start the cluster that `python -m tab.build` has put into the directory.
// It prints {} when the API server is ready, and an answer to each line that it reads:
// {method, path, headers, body, certificate, trust}, a request; or {script, namespace, input,
// caller, session, seconds}, for the cluster's shell. A script is stopped after `seconds`; with
// `together`, its errors are in its text; with `background` it runs on, and the answer is {}.
"use strict";
const fs = require("fs"), path = require("path"), readline = require("readline");

const directory = path.resolve(process.argv[2]);
// Node 18, which Debian 12 has, needs it.
globalThis.crypto ??= require("crypto").webcrypto;
require(`${directory}/wasm_exec.js`);
require("./files.js");
require("./server.js");
// A pipe that is full takes the rest later, and process.exit() would lose that.
const print = (value) => new Promise((done) => {
  process.stdout.write(`${JSON.stringify(value)}\n`, done);
});

// Send a request; return {status, headers, body, error}.
const send = async (request) => {
  const decoder = new TextDecoder(), answer = { body: "" };
  answer.error = await kubernetes.request(JSON.stringify(request), (part, json) => {
    if (json) Object.assign(answer, { status: part, headers: JSON.parse(json) });
    else answer.body += decoder.decode(part, { stream: true });
  });
  return answer;
};

// Run a script; return {code, status, text, errors}: what it writes, and to its standard error.
const runScript = async ({ seconds, together, ...request }) => {
  const control = new AbortController(), answer = { text: "", errors: "" };
  const timer = seconds && setTimeout(() => control.abort(), seconds * 1000);
  const output = (text, isError) => { answer[isError && !together ? "errors" : "text"] += text; };
  const end = await kubernetes.shell(JSON.stringify(request), output, control.signal);
  clearTimeout(timer);
  return { ...answer, ...end };
};

(async () => {
  await startServer(await WebAssembly.compile(fs.readFileSync(`${directory}/kube-apiserver.wasm`)));
  await print({});
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { background, ...request } = JSON.parse(line);
    const answer = request.script ? runScript(request) : send(request);
    await print(background ? {} : await answer);
  }
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
