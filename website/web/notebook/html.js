// HTML of an output: what a page can show of it without danger, and nothing else.
//
// Helpers escape what they did not write. This is the second barrier, and the policy of the page,
// which runs no script of an element's own, is the third.

const ELEMENTS = new Set((
  "a b br caption code col colgroup dd del details div dl dt em h3 h4 h5 h6 hr i ins kbd li mark " +
  "ol p pre s samp small span strong sub summary sup table tbody td tfoot th thead tr ul var"
).split(" "));
const ATTRIBUTES = new Set((
  "aria-label class colspan dir lang open role rowspan scope span start tabindex title"
).split(" "));
/** Declarations without addresses. */
const STYLE = /^(?!.*(url|image)\s*\()[\w\s:;,.#()%"'-]*$/i;
/** Elements whose content is no text of the page. */
const WITHOUT = new Set((
  "audio canvas iframe noscript object script style template title video"
).split(" "));
/** The address of a picture that is in the page. */
const PICTURE = /^data:image\/(gif|jpeg|png|svg\+xml|webp)[;,]/;
/** Marks a link to a picture, which is elsewhere. */
export const ELSEWHERE = "elsewhere";

/**
 * Return an address as a link of the page may have it, or "". A lesson is a page of the site.
 *
 * @param {string} address
 */
export const linkOf = (address) => {
  if (/^(https:|#)/.test(address)) return address;
  return /^[\w./-]+(#[\w-]*)?$/.test(address) && !address.startsWith("//")
    ? address.replace(/\.(ipynb|md)(?=#|$)/, ".html") : "";
};

/**
 * Return a picture, a link to one that is elsewhere, or nothing.
 *
 * @param {HTMLElement} source
 */
const pictureOf = (source) => {
  const address = source.getAttribute("src") ?? "", alt = source.getAttribute("alt") ?? "";
  if (PICTURE.test(address)) return Object.assign(new Image(), { src: address, alt });
  if (!/^https:/.test(address)) return undefined;
  const link = document.createElement("a"), textContent = alt || address;
  return Object.assign(link, { href: address, className: ELSEWHERE, textContent });
};

/**
 * Copy what is allowed.
 *
 * @param {Node} source
 * @param {Node} target
 */
const copy = (source, target) => {
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) target.appendChild(new Text(node.textContent ?? ""));
    if (!(node instanceof HTMLElement)) continue;
    const name = node.localName;
    if (WITHOUT.has(name)) continue;
    if (name === "img") {
      const picture = pictureOf(node);
      if (picture) target.appendChild(picture);
      continue;
    }
    if (!ELEMENTS.has(name)) {
      copy(node, target);
      continue;
    }
    // A head without words helps nobody, as in the corner of a table of pandas.
    const isBlank = name === "th" && !node.textContent?.trim();
    const element = document.createElement(isBlank ? "td" : name);
    for (const { name: attribute, value } of node.attributes) {
      if (ATTRIBUTES.has(attribute)) element.setAttribute(attribute, value);
      // Set by the object model: the policy need not allow it.
      if (attribute === "style" && STYLE.test(value)) element.style.cssText = value;
      const link = attribute === "href" && name === "a" && linkOf(value);
      if (link) element.setAttribute("href", link);
    }
    copy(node, element);
    target.appendChild(element);
  }
};

/** Return elements that show HTML. @param {string} html */
export const fragmentOf = (html) => {
  const fragment = new DocumentFragment();
  // No script runs in a document that is parsed so, and nothing is loaded.
  copy(new DOMParser().parseFromString(html, "text/html").body, fragment);
  return fragment;
};
