// Run lines: kubectl, which is genuine; curl, an imitation that knows the response's status; and
// all else, such as a pipe, by the shell of the cluster's program.
"use strict";

const NAMES = /^kubernetes(\.default(\.svc(\.cluster\.local)?)?)?(:443)?$/;
const ADDRESSES = /^((localhost|127\.0\.0\.1):6443|10\.96\.0\.1)$/;
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
// Commands of kubectl share the standard input: each waits for the one before.
let turn = Promise.resolve();
// What is thrown for a line that is more than one command.
const NEEDS_SHELL = Symbol("needs a shell");
// Puts the keys where the commands of the page look for them.
const KEYS = "cp /etc/kubernetes/ca.crt /etc/kubernetes/admin.crt /etc/kubernetes/admin.key .";

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

// Split a line into words, with the values of variables, as sh does; fail with NEEDS_SHELL at
// other syntax.
const split = (line) => {
  const escapeOrName = /\\(.)|\$\{?(\w+)\}?/g;
  const expand = (text) => text.replace(escapeOrName, (_, sign, name) => sign ?? valueOf(name));
  const open = line.replace(/\\.|'[^']*'|("(?:[^"\\]|\\.)*")/g, "$1");
  const unquoted = open.replace(/"(?:[^"\\]|\\.)*"/g, "");
  const [sign] = /`|\$\(/.exec(open) ?? /[|<>;&"']/.exec(unquoted) ?? [];
  if (/["']/.test(sign)) throw [2, `a quote is not closed: ${sign}`];
  if (sign) throw NEEDS_SHELL;
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

const kubectl = (words, input, write, signal) => {
  // Not every page has a button that would end these.
  const watches = words.some((word) => /^(-w|--watch(=true|-only)?)$/.test(word));
  if (watches) words.push("--request-timeout=20s");
  if (words[0] === "rollout" && words[1] === "status") words.push("--timeout=20s");
  Object.assign(fs.standard, { at: 0, bytes: new TextEncoder().encode(input) });
  return kubernetes.kubectl(words, write, signal);
};

// Run a script by the cluster's shell, with the values of variables; return its exit code.
const script = (text, input, write, signal) => {
  const quote = (value) => `'${value.replace(/'/g, "'\\''")}'`;
  const values = [...variables].map(([name, value]) => `export ${name}=${quote(value)}`);
  const request = { script: [KEYS, ...values, text].join("\n"), namespace: "default", input };
  return kubernetes.shell(JSON.stringify(request), write, signal);
};

const run = async (line, input, write, signal) => {
  const [, name, inner] = /^(\w+)=\$\((.*)\)$/s.exec(line) ?? [];
  let output = "", code = 0, status = 0, program = "sh", words;
  const keep = (text, isError) => (isError ? write(text, true) : void (output += text));
  const writeOrKeep = name ? keep : write;
  try {
    [program, ...words] = split(inner ?? line);
    if (program === "curl") status = await curl(words, writeOrKeep);
    else if (program === "kubectl") {
      turn = turn.catch(() => {}).then(() => kubectl(words, input, writeOrKeep, signal));
      code = await turn;
    } else throw NEEDS_SHELL;
  } catch (error) {
    if (error === NEEDS_SHELL) {
      code = await script(inner ?? line, input, writeOrKeep, signal);
    } else if (Array.isArray(error)) {
      code = error[0];
      write(`${program}: ${program === "curl" ? `(${code}) ` : ""}${error[1]}\n`, true);
    } else throw error;
  }
  if (name) variables.set(name, output.trim());
  return { code, status };
};

// What makes one script of lines: a here document, a loop, a condition, a function, a group, or
// a line's end in quotes.
const SCRIPT = /<<|^\s*(for|while|until|if|case|\w+ *\(\)|[({])/m;
const QUOTED = /"(?:[^"\\]|\\.)*"|'[^']*'/gs;
const isScript = (lines) =>
  SCRIPT.test(lines) || (lines.match(QUOTED) ?? []).some((text) => /[^\\]\n/.test(text));

// Run lines, with `input` for `-f -`; return {code, status} of the last. An AbortSignal ends a
// command.
globalThis.shell = async (lines, input, write, signal) => {
  if (isScript(lines)) {
    return { code: await script(lines, input, write, signal), status: 0 };
  }
  let last;
  for (const line of lines.replace(/\\\n\s*/g, "").trim().split("\n")) {
    last = await run(line, input, write, signal);
    if (signal?.aborted) break;
  }
  return last;
};
