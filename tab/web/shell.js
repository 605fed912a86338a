// Run one line as a shell would: curl, which is an imitation, or kubectl, which is not.
"use strict";

const HOSTS = /^(kubernetes(\.default(\.svc(\.cluster\.local)?)?)?|localhost:6443|127\.0\.0\.1:6443|10\.96\.0\.1)(:443)?$/;
//: commands that would wait for what a tab has not
const NOT_HERE = ["attach", "cp", "debug", "edit", "exec", "port-forward", "proxy"];
const LONG = {
  "--request": "-X", "--header": "-H", "--data": "-d", "--data-raw": "-d", "--insecure": "-k",
  "--silent": "-s", "--include": "-i", "--write-out": "-w", "--output": "-o",
  "--max-time": "-m", "--no-buffer": "-N", "--show-error": "-S", "--cert": "-E",
};

// Split a line into words, with variables in their place; as sh does it.
const split = (line, variables) => {
  const filled = (text) => text.replace(/\$\{?(\w+)\}?/g, (_, name) => variables[name] ?? "");
  const words = [];
  let open = false;
  for (const [, double, single, bare, space] of
    line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+)|(\s+)/g)) {
    if (space === undefined) {
      const text = single ?? filled((double ?? bare).replace(/\\(.)/g, "$1"));
      if (open) words[words.length - 1] += text;
      else words.push(text);
    }
    open = space === undefined;
  }
  return words;
};

// Return the request of curl's arguments, or its own error as {code, error}.
const asked = (words) => {
  const request = { method: "", headers: [], body: "", trust: "", certificate: "", seconds: 60 };
  const shown = { head: false, body: true, format: "" };
  let url = "";
  const take = {
    "-X": (v) => { request.method = v; },
    "-H": (v) => { request.headers.push([v.split(":")[0], v.slice(v.indexOf(":") + 1).trim()]); },
    "-d": (v) => { request.body += v; },
    "-m": (v) => { request.seconds = Number(v); },
    "-w": (v) => { shown.format = v; },
    "-o": () => { shown.body = false; },
    "-E": (v) => { request.certificate = v.replace(/\.crt$/, ""); },
    "--cacert": () => { request.trust ||= "cluster"; },
    "--key": () => {},
  };
  const flag = {
    "-k": () => { request.trust = "any"; }, "-i": () => { shown.head = true; },
    "-s": () => {}, "-S": () => {}, "-N": () => {},
  };
  const rest = words.map((word) => LONG[word] ?? word);
  while (rest.length) {
    const word = rest.shift();
    if (take[word]) take[word](rest.shift() ?? "");
    else if (flag[word]) flag[word]();
    else if (/^-\w{2,}$/.test(word)) rest.unshift(...[...word.slice(1)].map((c) => `-${c}`));
    else if (word.startsWith("-")) return { code: 2, error: `curl: option ${word}: is unknown` };
    else url = word;
  }
  const [, scheme, host, path] = /^(?:(\w+):\/\/)?([^/?]*)(.*)$/.exec(url);
  if (scheme !== "https" || !HOSTS.test(host)) {
    return { code: 6, error: `curl: (6) Could not resolve host: ${host} (try https://kubernetes/)` };
  }
  if (!["", "admin", "super-admin"].includes(request.certificate)) {
    return { code: 58, error: "curl: (58) could not load PEM client certificate" };
  }
  request.path = path || "/";
  request.method ||= request.body ? "POST" : "GET";
  if (request.body && !request.headers.some(([name]) => /^content-type$/i.test(name))) {
    request.headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
  }
  return { request, shown };
};

// Do what curl would; return [exit code, status].
const curl = async (server, words, write) => {
  const { request, shown, code, error } = asked(words);
  if (error) return write(`${error}\n`, true), [code, 0];
  const decoder = new TextDecoder();
  let status = 0;
  const wrong = await server.request(request, (told, headers) => {
    status = told;
    if (!shown.head) return;
    const lines = headers.map(([name, value]) => `${name.toLowerCase()}: ${value}\n`).sort();
    write(`HTTP/2 ${status}\n${lines.join("")}\n`);
  }, (bytes) => shown.body && write(decoder.decode(bytes, { stream: true })));
  if (shown.format) {
    write(shown.format.replace(/%\{(http|response)_code\}/g, status || "000").replace(/\\n/g, "\n"));
  }
  if (!wrong) return [0, status];
  const [number, text] = /certificate/.test(wrong)
    ? [60, "SSL certificate problem: unable to get local issuer certificate"]
    : /deadline/.test(wrong) ? [28, "Operation timed out"] : [7, wrong];
  return write(`curl: (${number}) ${text}\n`, true), [number, status];
};

const kubectl = async (server, words, input, write) => {
  const other = words.find((word) => NOT_HERE.includes(word));
  if (other) return write(`kubectl ${other} needs more than this tab has.\n`, true), 1;
  const watches = words.some((word) => /^(-w|--watch(=true)?|--watch-only)$/.test(word));
  // Nothing else could end it.
  const limit = watches ? ["--request-timeout=20s"] : [];
  return server.kubectl([...words, ...limit], input, write);
};

// Run a line; return {code, status}. `variables` keeps what `NAME=$(command)` has said.
globalThis.shell = async (server, line, { variables = {}, input = "", write }) => {
  const [, name, inner] = /^(\w+)=\$\((.*)\)$/s.exec(line.trim()) ?? [];
  let kept = "";
  const told = name ? (text, error) => (error ? write(text, true) : void (kept += text)) : write;
  const [program, ...words] = split(inner ?? line, variables);
  let code = 127, status = 0;
  if (program === "curl") [code, status] = await curl(server, words, told);
  else if (program === "kubectl") code = await kubectl(server, words, input, told);
  else write(`${program}: command not found\n`, true);
  if (name) variables[name] = kept.trim();
  return { code, status };
};
