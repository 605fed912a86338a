// Go to another page of the site without leaving the document: what runs in the tab goes on.
//
// The Navigation API has the address, the history, the place on the page and the focus. Each
// browser that can run a lesson has it; in another one, a link ends what runs, after a question.

import { isRunning, leavePage } from "./cluster.js";

/** The parts that each page has in its own way, in the frame that all share. */
const FRAME = [
  ".navbar-brand", ".bd-docs-nav", ".bd-article-container", "a.nav-link[hreflang]", ".bd-footer",
];
const SECONDARY = "pst-secondary-sidebar";
/** The part of a window, from its top, in which a heading begins its section. */
const TOP = 0.3;

/** @typedef {(word: string, ...values: any[]) => string} Say */
/**
 * @typedef {{
 *   address: string, view: import("./cluster.js").Cluster, parts: Node[][], data: DOMStringMap,
 * }} Held
 */

/** @type {any} */
const site = globalThis;
/** The lesson with the cluster's Python, while another page is shown. @type {Held | undefined} */
let held;
let isKept = false;
/** Whether the reader has said already that the cluster may end. */
let isAsked = false;

/** Return an address without its fragment. @param {string} address */
const pageOf = (address) => address.replace(/#.*/, "");
/** The page that is shown: the address may be that of the next one already. */
let shownAddress = pageOf(location.href);
/** Return whether an address is that of a page of this language. @param {URL} url */
const isOfSite = ({ origin, pathname }) => {
  const root = new URL(document.documentElement.dataset.content_root ?? "./", shownAddress);
  return origin === root.origin && pathname.startsWith(root.pathname)
    && /^(?!ko\/)(?:.*\.html|.*\/|)$/.test(pathname.slice(root.pathname.length));
};

/** Put other nodes where the first of some is, and remove those. @param {Element[]} old */
const replace = (old, /** @type {Node[]} */ parts) => {
  const [first, ...others] = old;
  first?.replaceWith(...parts);
  for (const element of others) element.remove();
};

/** Return the elements of a page that are its own. @param {Document} page */
const partsOf = (page) => {
  const sidebar = page.getElementById(SECONDARY);
  return [...FRAME.map((name) => [...page.querySelectorAll(name)]),
    [...sidebar?.children ?? []]];
};

/**
 * Show the parts of a page in the places of those that are shown.
 *
 * @param {Node[][]} parts
 * @returns {Node[][]} what was shown
 */
const show = (parts) => {
  const old = partsOf(document), sidebar = document.getElementById(SECONDARY);
  sidebar?.replaceChildren(...parts[old.length - 1]);
  for (const [number, elements] of old.slice(0, -1).entries()) {
    // Links to another language are several, each in its own place.
    if (elements.length === parts[number].length) {
      elements.forEach((element, place) =>
        element.replaceWith(/** @type {any} */ (parts[number][place])));
    } else replace(elements, parts[number]);
  }
  return old;
};

/** Mark the section that is read, in the list of sections. */
const markSection = () => {
  const links = [...document.querySelectorAll("#pst-page-toc-nav a")];
  const begun = links.filter((link) => {
    const { hash } = /** @type {HTMLAnchorElement} */ (link);
    const place = document.getElementById(decodeURIComponent(hash.slice(1)));
    return place && place.getBoundingClientRect().top < TOP * innerHeight;
  });
  for (const link of links) {
    const isRead = link === begun.at(-1);
    link.classList.toggle("active", isRead);
    if (isRead) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};

/** Scripts of this document: later, their addresses would be relative to another page. */
const loaded = new Set([...document.scripts].map(({ src }) => src));

/** Load the scripts of a page that none before has had, in their order. @param {Document} page */
const loadScripts = async (page) => {
  const missing = [...page.scripts].map(({ src }) => src).filter((src) => src && !loaded.has(src));
  const loads = missing.map((src) => {
    loaded.add(src);
    const script = document.createElement("script");
    Object.assign(script, { src, async: false });
    document.head.append(script);
    return new Promise((done) => { script.onload = script.onerror = done; });
  });
  await Promise.all(loads);
};

/** @param {string} address */
const readPage = async (address, /** @type {AbortSignal} */ signal) => {
  const response = await fetch(address, { signal });
  if (!response.headers.get("Content-Type")?.startsWith("text/html")) {
    throw new Error(String(response.status));
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!page.querySelector(".bd-article-container")) throw new Error(address);
  // While the reader goes on to another page, they would be relative to that.
  for (const name of ["src", "href"]) {
    for (const element of page.querySelectorAll(`[${name}]`)) {
      const own = element.getAttribute(name) ?? "";
      if (!own.startsWith("#")) element.setAttribute(name, new URL(own, address).href);
    }
  }
  return page;
};

/** Show another page. @param {string} address @param {AbortSignal} signal */
const exchange = async (address, signal) => {
  const isBack = held?.address === pageOf(address);
  const page = isBack ? undefined : await readPage(pageOf(address), signal);
  const view = leavePage(), { body, documentElement } = document;
  const { title } = document, { content_root: root = "" } = documentElement.dataset;
  const before = { ...body.dataset, title, root };
  site.pageLeft.abort();
  site.pageLeft = new AbortController();
  const now = isBack ? held : undefined;
  const data = now?.data ?? {
    page: page?.body.dataset.page, defaultMode: body.dataset.defaultMode,
    title: page?.title, root: page?.documentElement.dataset.content_root,
  };
  const old = show(now?.parts ?? partsOf(/** @type {Document} */ (page)));
  if (view) held = { address: shownAddress, view, parts: old, data: /** @type {any} */ (before) };
  else if (isBack) held = undefined;
  shownAddress = pageOf(address);
  for (const name of Object.keys(body.dataset)) delete body.dataset[name];
  const { title: newTitle, root: newRoot, ...own } = data;
  document.title = newTitle ?? "";
  documentElement.dataset.content_root = new URL(newRoot ?? "./", address).pathname;
  Object.assign(body.dataset, own);
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  if (now) {
    if (!now.view.attach()) now.view.rest("");
    return;
  }
  const known = site.pageScripts.length;
  await loadScripts(/** @type {Document} */ (page));
  // Those that are new have run.
  for (const run of site.pageScripts.slice(0, known)) run();
  // @ts-ignore: sphinx-copybutton's own, which is no property of an object.
  addCopyButtonToCodeCells();
  // Unless its script has just been loaded, and has begun.
  // @ts-ignore: Sphinx's own.
  if (document.querySelector("#search-results:empty")) Search.init();
};

/**
 * Keep what runs when the reader goes to another page of the site, and ask before it ends.
 *
 * @param {Say} say
 */
export const keepPages = (say) => {
  if (isKept) return;
  isKept = true;
  site.keepsPages = true;
  addEventListener("beforeunload", (event) => {
    if (isRunning() && !isAsked) event.preventDefault();
  });
  const { navigation } = site;
  if (!navigation) return;
  addEventListener("scroll", markSection, { passive: true });
  navigation.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination, navigationType } = event, to = new URL(destination.url);
    isAsked = false;
    if (event.hashChange || event.downloadRequest !== null || event.formData) return;
    if (pageOf(to.href) === shownAddress) return;
    if (event.canIntercept && isOfSite(to) && (isRunning() || destination.sameDocument)) {
      // Before the address changes, to which they are relative.
      for (const link of document.links) if (!link.hash) link.href = link.href;
      const form = document.querySelector("#pst-search-dialog form");
      if (form instanceof HTMLFormElement) form.action = form.action;
      return event.intercept({
        handler: () => exchange(to.href, event.signal).catch((/** @type {Error} */ error) => {
          if (error.name === "AbortError") return;
          alert(say("unreachable", error.message));
          if (navigationType === "push") site.navigation.back();
        }),
      });
    }
    if (!isRunning() || !event.cancelable || navigationType === "traverse") return;
    isAsked = confirm(say("leave"));
    if (!isAsked) event.preventDefault();
  });
};
