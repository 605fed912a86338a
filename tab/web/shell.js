// Run one line as a shell would: curl, which is an imitation, or kubectl, which is not.
"use strict";

const HOSTS = /^(kubernetes(\.default(\.svc(\.cluster\.local)?)?)?(:443)?|(localhost|127\.0\.0\.1):6443|10\.96\.0\.1)$/;
// Commands of kubectl that need a running pod, an editor or a port.
const NOT_HERE = ["attach", "cp", "debug", "edit", "exec", "port-forward", "proxy"];
// Options of curl; those with two parameters take a value.
const OPTIONS = {
  "-X --request": (r, value) => { r.method = value; },
  "-H --header": (r, value) => { r.headers.push(value.split(/:(.*)/s, 2).map((one) => one.trim())); },
  "-d --data --data-raw": (r, value) => { r.body += `${r.body && "&"}${value}`; },
  "-m --max-time": (r, value) => { r.seconds = Number(value); },
  "-w --write-out": (r, value) => { r.format = value; },
  "-o --output": (r, _) => { r.silent = true; },
  "-E --cert": (r, value) => { r.certificate = value.replace(/\.crt$/, ""); },
  "--cacert": (r, _) => { r.trust ||= "cluster"; },
  "--key": (r, _) => {},
  "-k --insecure": (r) => { r.trust = "any"; },
  "-i --include": (r) => { r.shown = true; },
  "-s --silent": () => {}, "-S --show-error": () => {}, "-N --no-buffer": () => {},
};
const known = (word) => Object.keys(OPTIONS).find((names) => names.split(" ").includes(word));

// Outputs of `NAME=$(command)`, by name. A name without one is an error, as after `set -u`.
const variables = new Map();
const valueOf = (name) => { if (variables.has(name)) return variables.get(name); throw [2, `${name}: parameter not set`]; };
// Commands of kubectl share the standard input: each waits for the one before.
let turn = Promise.resolve();

// Send a request; return {status, headers, body, error}. `write` gets the body as it comes.
globalThis.send = async (request, write = () => {}, onHead = () => {}) => {
  const decoder = new TextDecoder(), answer = { body: "" };
  answer.error = await kubernetes.request(JSON.stringify(request), (told, headers) => {
    if (headers) return onHead(Object.assign(answer, { status: told, headers: JSON.parse(headers) }));
    const text = decoder.decode(told, { stream: true });
    answer.body += text;
    write(text);
  });
  return answer;
};

// Split a line into words, with the values of variables, as sh does; fail at syntax that needs a shell.
const split = (line) => {
  const filled = (text) => text.replace(/\\(.)|\$\{?(\w+)\}?/g, (_, sign, name) => sign ?? valueOf(name));
  const open = line.replace(/\\.|'[^']*'|("(?:[^"\\]|\\.)*")/g, "$1");
  const [sign] = /`|\$\(/.exec(open) ?? /[|<>;&"']/.exec(open.replace(/"(?:[^"\\]|\\.)*"/g, "")) ?? [];
  if (/["']/.test(sign)) throw [2, `a quote is not closed: ${sign}`];
  if (sign) throw [2, `${sign} needs a shell, and there is none: write one command a line, NAME=$(command) alone, values in quotes`];
  const words = /(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/g;
  const parts = /"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^"'\\]|\\.)+)/g;
  return (line.match(words) ?? []).map((word) => word.replace(parts, (_, double, single, plain) => single ?? filled(double ?? plain)));
};

// Return the request of curl's arguments; fail with [exit code, curl's words].
const requestOf = (words) => {
  const request = { method: "", headers: [], body: "", trust: "", certificate: "", seconds: 20, format: "" };
  let url = "";
  while (words.length) {
    const word = words.shift(), option = OPTIONS[known(word)];
    const [, first, more] = /^(-\w)(.+)$/s.exec(word) ?? [];
    if (option) option(request, option.length > 1 ? words.shift() ?? "" : undefined);
    else if (known(first)) words.unshift(first, OPTIONS[known(first)].length > 1 ? more : `-${more}`);
    else if (word.startsWith("-")) throw [2, `option ${word}: is unknown`];
    else url = word;
  }
  const [, scheme, host, path] = /^(?:(\w+):\/\/)?([^/?]*)(.*)$/.exec(url);
  if (scheme !== "https" || !HOSTS.test(host)) throw [6, `Could not resolve host: ${host} (try https://kubernetes/)`];
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
    if (request.shown) write(`HTTP/2 ${status}\n${lines.sort().join("")}\n`);
  };
  const { status = 0, error } = await send(request, (text) => request.silent || write(text), onHead);
  write(request.format.replace(/%\{(http|response)_code\}/g, status || "000").replace(/\\n/g, "\n"));
  if (/no such file/.test(error)) throw [58, "could not load PEM client certificate"];
  if (/certificate/.test(error)) throw [60, "SSL certificate problem: unable to get local issuer certificate"];
  if (error) throw /deadline/.test(error) ? [28, "Operation timed out"] : [7, error];
  return status;
};

const kubectl = (words, input, write) => {
  if (NOT_HERE.includes(words[0])) throw [1, `${words[0]} needs a running pod, an editor or a port; this tab has none of them`];
  // No Ctrl-C could end these.
  if (words.some((word) => /^(-w|--watch(=true|-only)?)$/.test(word))) words.push("--request-timeout=20s");
  if (words[0] === "rollout" && words[1] === "status") words.push("--timeout=20s");
  Object.assign(fs.standard, { at: 0, bytes: new TextEncoder().encode(input) });
  return kubernetes.kubectl(words, write);
};

const run = async (line, input, write) => {
  const [, name, inner] = /^(\w+)=\$\((.*)\)$/s.exec(line) ?? [];
  let kept = "", code = 0, status = 0, program = "sh", words;
  const told = name ? (text, error) => (error ? write(text, true) : void (kept += text)) : write;
  try {
    [program, ...words] = split(inner ?? line);
    if (program === "curl") status = await curl(words, told);
    else if (program === "kubectl") code = await (turn = turn.catch(() => {}).then(() => kubectl(words, input, told)));
    else throw [127, "command not found: only curl and kubectl are here"];
  } catch (error) {
    if (!Array.isArray(error)) throw error;
    code = error[0];
    write(`${program}: ${program === "curl" ? `(${code}) ` : ""}${error[1]}\n`, true);
  }
  if (name) variables.set(name, kept.trim());
  return { code, status };
};

// Run lines, with `input` for `-f -`; return {code, status} of the last.
globalThis.shell = async (lines, input, write) => {
  let last;
  for (const line of lines.replace(/\\\n\s*/g, "").trim().split("\n")) last = await run(line, input, write);
  return last;
};
