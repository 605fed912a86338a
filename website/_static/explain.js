// The meaning of a pasted message, by the rules of helpers/data/errors.toml; nothing is sent.
// helpers/messages does the same in Python, and a test compares both.
"use strict";
const explainText = (() => {
  const LIMIT = 20_000;
  const MOST_ROLES = 10;
  const COLOURS = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?/g;
  const PROMPT = /^[ \t]*(?:(?:[$#%>|❯➜│]|PS>|>>>)[ \t]+)+/u;
  const CONTROL = /[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\ufeff]/g;
  const BREAK = /[\r\n]+[\t\n\x0b\x0c\r \x85\xa0\u2028\u2029\u3000]*/g;
  const BLANKS = /[\t\n\x0b\x0c\r \x85\xa0\u2028\u2029\u3000]+/g;
  const MARKS = [
    ['\\"', '"'], ["&quot;", '"'], ["&#34;", '"'], ["&#39;", "'"], ["&lt;", "<"], ["&gt;", ">"],
    ["\\u003c", "<"], ["\\u003e", ">"], ["\u201c", '"'], ["\u201d", '"'], ["\u2018", "'"],
    ["\u2019", "'"], ["\\n", " "], ["\\t", " "],
  ];
  const USER = '([^" ,]{1,300})';
  const UNQUOTED = [
    [`([a-z0-9-]{1,253})(\\.[a-z0-9.-]{1,253})? ([^" ,:]{1,253}) is forbidden: `
      + `(?=User ${USER} cannot [a-z]{1,40} resource \\1)`, '$1$2 "$3" is forbidden: '],
    [`User ${USER} cannot ([a-z]{1,40}) resource ([a-z0-9./-]{1,300}) `
      + "in API group (?:([a-z0-9.-]{1,253}) )?(?=in the namespace|at the cluster)",
    'User "$1" cannot $2 resource "$3" in API group "$4" '],
    ['in API group ("[a-z0-9.-]{0,253}") in the namespace ([a-z0-9-]{1,63})',
      'in API group $1 in the namespace "$2"'],
    [`User ${USER} cannot ([a-z]{1,40}) path (/[^" ,]{0,300})`, 'User "$1" cannot $2 path "$3"'],
  ].map(([pattern, plain]) => [new RegExp(pattern, "g"), plain]);
  const CLASS_OR_BLANK = /(\[(?:\\.|[^\]\\])*\])| \??/g;
  const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
  const UNBINDABLE = ["system:serviceaccount:", "system:anonymous", "system:node:"];
  const NAMELESS = ["list", "watch", "create", "deletecollection"];

  const trim = (text) => text.replace(/^ +| +$/g, "");
  // Characters as Python counts them, not halves of a pair.
  const shorten = (text) => {
    const all = [...text];
    if (all.length <= LIMIT) return [text, false];
    const half = LIMIT / 2;
    return [`${all.slice(0, half).join("")}\n${all.slice(-half).join("")}`, true];
  };
  const withQuotes = (unquoted) => UNQUOTED.reduce(
    (text, [pattern, plain]) => text.replace(pattern, plain), unquoted);
  const readings = (pasted) => {
    let text = pasted.replace(COLOURS, "");
    // For a line here, Python's ^ knows only the newline.
    text = text.split("\n").map((line) => line.replace(PROMPT, "")).join("\n");
    text = text.replace(CONTROL, "");
    while (text.includes('\\\\"')) text = text.replaceAll('\\\\"', '\\"');
    for (const [mark, plain] of MARKS) text = text.replaceAll(mark, plain);
    const spaced = withQuotes(trim(text.replace(BLANKS, " ")));
    const joined = withQuotes(trim(text.replace(BREAK, "").replace(BLANKS, " ")));
    return [spaced, joined, spaced.replaceAll(" ", "")];
  };
  const compile = (pattern) => new RegExp(pattern.replaceAll("(?P<", "(?<"), "gu");
  const compiled = new WeakMap();
  const forms = (rule) => {
    if (!compiled.has(rule)) {
      const [bare, excluded] = [rule.pattern, rule.excludes]
        .map((pattern) => compile(pattern.replace(CLASS_OR_BLANK, (_, group) => group ?? "")));
      compiled.set(rule, [compile(rule.pattern), bare, rule.excludes && excluded]);
    }
    return compiled.get(rule);
  };
  const findRule = (rules, [spaced, joined, bare]) => {
    for (const rule of rules) {
      const [pattern, barePattern, excluded] = forms(rule);
      if (excluded && bare.search(excluded) >= 0) continue;
      for (const [form, text] of [[pattern, spaced], [pattern, joined], [barePattern, bare]]) {
        const matches = [...text.matchAll(form)].map(({ groups = {} }) =>
          Object.fromEntries(Object.entries(groups).map(([key, found]) => [key, found ?? ""])));
        if (matches.length) return [rule, matches];
      }
    }
    return undefined;
  };

  // As Python's shlex.quote.
  const quote = (text) =>
    text === "" ? "''" : /^[\w@%+=:,./-]+$/.test(text) ? text
      : `'${text.replaceAll("'", `'"'"'`)}'`;
  // A name that looks like an option is none.
  const quoted = (values) => Object.fromEntries(Object.entries(values).map(([key, text]) =>
    [key, text.startsWith("-") ? key.toUpperCase() : quote(text)]));
  const fillWith = (template, values) =>
    template.replace(/\{\{|\}\}|\{(\w+)\}/g, (found, key) => (key ? values[key] : found[0]));
  // Text between backticks is a command, unless it is a value and nothing else.
  const fill = (template, values) => template.split("`").map((part, place) =>
    fillWith(part, place % 2 && !/^\{\w+\}$/.test(part) ? quoted(values) : values)).join("`");
  const whatOf = ({ resource = "", sub = "", path = "" }) =>
    [resource, sub].filter(Boolean).join("/") || path;
  // A backtick would end the code that shows a value; quoting comes after this.
  const shown = (values) => Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, text.replaceAll("`", "'")]));
  const valuesOf = (rule, groups) => {
    const values = Object.fromEntries(Object.keys(groups).map((key) => [key, ""]));
    const found = Object.fromEntries(Object.entries(groups).filter(([, text]) => text)
      .map(([key, text]) => [key.replace(/[23]+$/, ""), text]));
    if (found.host && found.port) found.address = `${found.host}:${found.port}`;
    found.what = whatOf(found);
    const entries = Object.entries({ ...values, ...rule.defaults, ...found });
    return shown(Object.fromEntries(entries));
  };
  const kindOf = ({ resource = "", group = "" }) => `${resource}.${group}`.replace(/\.+$/, "");
  // A name that looks like an option is none.
  const named = (groups) => Object.fromEntries(Object.entries(groups).map(([key, text]) =>
    [key, text.startsWith("-") ? key.toUpperCase() : text]));
  const isNamed = ({ path, name, sub, verb }) =>
    !path && name && (sub || !NAMELESS.includes(verb));
  const checkCommand = (request) => {
    const { user, verb, sub = "", name, namespace = "", path = "" } = request;
    const what = path || kindOf(request) + (isNamed(request) ? `/${name}` : "");
    const part = sub && ` --subresource=${quote(sub)}`;
    const where = path ? "" : namespace ? ` -n ${quote(namespace)}` : " -A";
    return `kubectl auth can-i ${verb} ${quote(what)}${part}${where} --as=${quote(user)}`;
  };
  const roleCommands = (request) => {
    const { user, verb, sub = "", namespace = "", path = "" } = request;
    const account = ACCOUNT.exec(user);
    if (!account && UNBINDABLE.some((beginning) => user.startsWith(beginning))) return [];
    const owner = account ? [namespace ? "" : account[1], account[2]] : ["", user];
    const parts = [...(namespace ? owner.slice(1) : owner), verb, whatOf(request)];
    const name = parts.join("-").toLowerCase().replace(/[^a-z0-9.]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, "");
    const where = namespace && ` --namespace=${quote(namespace)}`;
    const [role, binding] = namespace ? ["role", "rolebinding"]
      : ["clusterrole", "clusterrolebinding"];
    const kind = kindOf(request) + (sub && `/${sub}`);
    let what = path ? `--non-resource-url=${quote(path)}` : `--resource=${quote(kind)}`;
    if (isNamed(request)) what += ` --resource-name=${quote(request.name)}`;
    const subject = account ? `--serviceaccount=${quote(`${account[1]}:${account[2]}`)}`
      : `--user=${quote(user)}`;
    return [
      `kubectl create ${role} ${name} --verb=${verb} ${what}${where}`,
      `kubectl create ${binding} ${name} --${role}=${name} ${subject}${where}`,
    ];
  };
  const scopesOf = (request) => {
    if (request.namespace || !roleCommands(request).length) return [request];
    const [, home = "NAMESPACE"] = ACCOUNT.exec(request.user) ?? [];
    return [request, { ...request, namespace: home }];
  };
  const allCommands = (rule, matches) => {
    if (!rule.role) return [];
    const distinct = new Map(matches.map((groups) => [JSON.stringify(groups), groups]));
    let requests = [...distinct.values()].slice(0, MOST_ROLES);
    if (rule.verbs)
      requests = requests.map((each) => ({ ...each, verb: rule.verbs })).flatMap(scopesOf);
    return requests.flatMap(roleCommands);
  };

  return ({ rules, clues, words }, pasted) => {
    const none = { rule: "", step: "", ask: "", commands: [], lesson: "", trial: "" };
    const [text, isCut] = shorten(pasted);
    const found = readings(text);
    if (!found[0]) return { ...none, why: words.empty, hint: words.paste };
    const cut = isCut ? ` ${words.cut}` : "";
    const matched = findRule(rules, found);
    if (!matched) {
      const { step, ask } = clues.find(({ pattern }) => compile(pattern).test(found[0]));
      return { ...none, step, why: words.unknown + cut, ask, hint: words.search };
    }
    const [rule, matches] = matched;
    const values = valuesOf(rule, matches[0]);
    return {
      rule: rule.id,
      step: rule.step,
      why: fill(rule.cause, values) + cut,
      ask: rule.role ? checkCommand(named(shown(matches[0]))) : fillWith(rule.ask, quoted(values)),
      hint: fill(rule.way, values),
      commands: allCommands(rule, matches),
      lesson: rule.lesson,
      trial: rule.trial,
    };
  };
})();
