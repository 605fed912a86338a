// The box "Paste an error": rules.js has the rules and the words of the page's language.
"use strict";
// Once, or on each page that takes the place of another.
(globalThis.onPage ?? ((run) => run()))(() => {
  // A text of ours has code between backticks; all of it is text, and never markup.
  const say = (parent, text) => {
    text.split("`").forEach((part, place) => {
      if (place % 2) parent.append(element("code", part));
      else parent.append(part);
    });
    return parent;
  };
  const element = (name, text = "", more = {}) =>
    Object.assign(document.createElement(name), { textContent: text }, more);
  const link = (text, href) => element("a", text, { href });

  const show = (answer, advice, { words, steps, lessons, places }) => {
    const rows = [["step", steps[advice.step]], ["why", advice.why]];
    rows.push(["ask", advice.ask && `\`${advice.ask}\``], ["way", advice.hint]);
    const list = element("dl");
    for (const [name, text] of rows.filter(([, content]) => content))
      list.append(element("dt", words[name]), say(element("dd"), text));
    answer.replaceChildren(list);
    if (advice.commands.length)
      answer.append(element("pre", advice.commands.join("\n"), { tabIndex: 0 }));
    const [title, page] = lessons[advice.lesson] ?? [];
    const links = [title && link(`${words.lesson} ${advice.lesson} ${title}`, places.root + page)];
    const entry = `${places.root}${places.page}#message-${advice.rule}`;
    if (advice.rule) links.push(link(words.more, entry));
    if (advice.trial && places.trial) {
      const line = encodeURIComponent(advice.trial);
      links.push(link(words.trial, `${places.root}${places.trial}#line=${line}`));
    }
    const ways = element("p", "", { className: "ways" });
    ways.append(...links.filter(Boolean));
    if (ways.hasChildNodes()) answer.append(ways);
  };

  const place = document.getElementById("explain");
  if (place) {
    const { words } = RULES;
    const form = element("form");
    const box = element("textarea", "", { id: "explain-text", rows: 3, spellcheck: false });
    const label = element("label", words.title, { htmlFor: box.id });
    const button = element("button", words.button, { type: "submit" });
    const answer = element("div", "", { className: "advice" });
    answer.setAttribute("role", "status");
    const about = say(element("p", "", { id: "explain-about" }), words.about);
    box.setAttribute("aria-describedby", about.id);
    const root = document.documentElement.dataset.content_root ?? "./";
    form.onsubmit = (event) => {
      event.preventDefault();
      const data = { ...RULES, places: { ...RULES.places, root } };
      show(answer, explainText(RULES, box.value), data);
    };
    const buttons = element("p", "", { className: "buttons" });
    buttons.append(button);
    form.append(label, about, box, buttons);
    place.append(form, answer);
  }
});
