// Run one line as a shell would: curl, which is an imitation, or kubectl, which is not.
"use strict";

const NAMES = /^kubernetes(\.default(\.svc(\.cluster\.local)?)?)?(:443)?$/;
const ADDRESSES = /^((localhost|127\.0\.0\.1):6443|10\.96\.0\.1)$/;
// Commands of kubectl that need a running pod, an editor or a port.
const NOT_HERE = ["attach", "cp", "debug", "edit", "exec", "port-forward", "proxy"];
// Options of curl that a value follows, and those without one; each changes a request.
const VALUES = {
  "-X --request": (r, value) => { r.method = value; },
  "-H --header": (r, value) => {
    r.headers.push(value.split(/:(.*)/s, 2).map((part) => part.trim()));
  },
  "-d --data --data-raw": (r, value) => { r.body += `${r.body && "&"}${value}`; },
  "-m --max-time": (r, value) => { r.seconds = Number(value); },
  "-w --write-out": (r, value) => { r.format = value; },
  "-o --output": (r) => { r.silent = true; },
  "-E --cert": (r, value) => { r.certificate = value.replace(/\.crt$/, ""); },
  "--cacert": (r) => { r.trust ||= "cluster"; },
  "--key": () => {},
};
const FLAGS = {
  "-k --insecure": (r) => { r.trust = "any"; },
  "-i --include": (r) => { r.includes = true; },
  "-s --silent": () => {}, "-S --show-error": () => {}, "-N --no-buffer": () => {},
};
const find = (options, word) =>
  Object.entries(options).find(([names]) => names.split(" ").includes(word))?.[1];

// Outputs of `NAME=$(command)`, by name. A name without one is an error, as after `set -u`.
const variables = new Map();
const valueOf = (name) => {
  if (variables.has(name)) return variables.get(name);
  throw [2, `${name}: parameter not set`];
};
// Commands of kubectl share the standard input, and what it keeps in variables: each waits for
// the one before.
let turn = Promise.resolve();

// Send a request; return {status, headers, body, error}. `write` gets the body as it comes.
globalThis.send = async (request, write = () => {}, onHead = () => {}) => {
  const decoder = new TextDecoder(), answer = { body: "" };
  answer.error = await kubernetes.request(JSON.stringify(request), (part, json) => {
    if (json) return onHead(Object.assign(answer, { status: part, headers: JSON.parse(json) }));
    const text = decoder.decode(part, { stream: true });
    answer.body += text;
    write(text);
  });
  return answer;
};

// Split a line into words, with the values of variables, as sh does; fail at syntax that needs
// a shell.
const split = (line) => {
  const escapeOrName = /\\(.)|\$\{?(\w+)\}?/g;
  const expand = (text) => text.replace(escapeOrName, (_, sign, name) => sign ?? valueOf(name));
  const open = line.replace(/\\.|'[^']*'|("(?:[^"\\]|\\.)*")/g, "$1");
  const unquoted = open.replace(/"(?:[^"\\]|\\.)*"/g, "");
  const [sign] = /`|\$\(/.exec(open) ?? /[|<>;&"']/.exec(unquoted) ?? [];
  if (/["']/.test(sign)) throw [2, `a quote is not closed: ${sign}`];
  if (sign) {
    throw [2, `${sign} needs a shell, and there is none: ` +
      "write one command a line, NAME=$(command) alone, values in quotes"];
  }
  const words = /(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/g;
  const parts = /"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^"'\\]|\\.)+)/g;
  const value = (_, double, single, plain) => single ?? expand(double ?? plain);
  return (line.match(words) ?? []).map((word) => word.replace(parts, value));
};

// Return the request of curl's arguments; fail with [exit code, curl's words].
const requestOf = (words) => {
  const request = {
    method: "", headers: [], body: "", trust: "", certificate: "", seconds: 20, format: "",
  };
  let url = "";
  while (words.length) {
    const word = words.shift();
    const [, first, more] = /^(-\w)(.+)$/s.exec(word) ?? [];
    if (find(VALUES, word)) find(VALUES, word)(request, words.shift() ?? "");
    else if (find(FLAGS, word)) find(FLAGS, word)(request);
    else if (find(VALUES, first)) words.unshift(first, more);
    else if (find(FLAGS, first)) words.unshift(first, `-${more}`);
    else if (word.startsWith("-")) throw [2, `option ${word}: is unknown`];
    else url = word;
  }
  const [, scheme, host, path] = /^(?:(\w+):\/\/)?([^/?]*)(.*)$/.exec(url);
  if (scheme !== "https" || !(NAMES.test(host) || ADDRESSES.test(host))) {
    throw [6, `Could not resolve host: ${host} (try https://kubernetes/)`];
  }
  request.path = path || "/";
  request.method ||= request.body ? "POST" : "GET";
  if (request.body && !request.headers.some(([name]) => /^content-type$/i.test(name))) {
    request.headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
  }
  return request;
};

// Do what curl would; return the status, or fail as `requestOf` does.
const curl = async (words, write) => {
  const request = requestOf(words);
  const onHead = ({ status, headers }) => {
    const lines = Object.entries(headers).map(([name, all]) => `${name.toLowerCase()}: ${all}\n`);
    if (request.includes) write(`HTTP/2 ${status}\n${lines.sort().join("")}\n`);
  };
  const writeBody = (text) => request.silent || write(text);
  const { status = 0, error } = await send(request, writeBody, onHead);
  const format = request.format.replace(/%\{(http|response)_code\}/g, status || "000");
  write(format.replace(/\\n/g, "\n"));
  if (/no such file/.test(error)) throw [58, "could not load PEM client certificate"];
  if (/certificate/.test(error)) {
    throw [60, "SSL certificate problem: unable to get local issuer certificate"];
  }
  if (error) throw /deadline/.test(error) ? [28, "Operation timed out"] : [7, error];
  return status;
};

const kubectl = (words, input, write) => {
  if (NOT_HERE.includes(words[0])) {
    throw [1, `${words[0]} needs a running pod, an editor or a port; this tab has none of them`];
  }
  // No Ctrl-C could end these.
  const watches = words.some((word) => /^(-w|--watch(=true|-only)?)$/.test(word));
  if (watches) words.push("--request-timeout=20s");
  if (words[0] === "rollout" && words[1] === "status") words.push("--timeout=20s");
  Object.assign(fs.standard, { at: 0, bytes: new TextEncoder().encode(input) });
  return kubernetes.kubectl(words, write);
};

const run = async (line, input, write) => {
  const [, name, inner] = /^(\w+)=\$\((.*)\)$/s.exec(line) ?? [];
  let output = "", code = 0, status = 0, program = "sh", words;
  const keep = (text, isError) => (isError ? write(text, true) : void (output += text));
  const writeOrKeep = name ? keep : write;
  try {
    [program, ...words] = split(inner ?? line);
    if (program === "curl") status = await curl(words, writeOrKeep);
    else if (program === "kubectl") {
      turn = turn.catch(() => {}).then(() => kubectl(words, input, writeOrKeep));
      code = await turn;
    } else throw [127, "command not found: only curl and kubectl are here"];
  } catch (error) {
    if (!Array.isArray(error)) throw error;
    code = error[0];
    write(`${program}: ${program === "curl" ? `(${code}) ` : ""}${error[1]}\n`, true);
  }
  if (name) variables.set(name, output.trim());
  return { code, status };
};

// Run lines, with `input` for `-f -`; return {code, status} of the last.
globalThis.shell = async (lines, input, write) => {
  let last;
  for (const line of lines.replace(/\\\n\s*/g, "").trim().split("\n")) {
    last = await run(line, input, write);
  }
  return last;
};
