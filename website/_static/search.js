// Status codes are words, too: to search for and, second, to highlight. Sphinx drops numbers.
const parseWords = Search._parseQuery;
Search._parseQuery = (query) => {
  const parsed = parseWords(query);
  for (const code of query.match(/\b[1-5]\d\d\b/g) ?? [])
    for (const place of [1, 3]) parsed[place].add(code);
  return parsed;
};
// Where no page has all words, those with most of them are found, as for a pasted message,
// and of a long one also those that lack one word more, such as a name of the message's own.
const LONG = 8;
const findAll = Search.performTermsSearch;
Search.performTermsSearch = (words, excluded) => {
  const results = findAll(words, excluded);
  if (words.size < (results.length ? LONG : 2)) return results;
  const whole = new Map(results.map((page) => [page[0], page])), pages = new Map();
  for (const word of words)
    for (const page of findAll(new Set([word]), excluded))
      pages.set(page[0], { page, words: (pages.get(page[0])?.words ?? 0) + 1 });
  const most = Math.max(...[...pages.values()].map((entry) => entry.words));
  if (2 * most < words.size) return results;
  const least = words.size < LONG ? most : most - 1;
  return [...pages.values()].filter((entry) => entry.words >= least)
    .map(({ page }) => whole.get(page[0]) ?? page);
};
// A result quotes only the text of its page, from where the words stand as they were typed.
const pageText = Search.htmlToText;
Search.htmlToText = (html, anchor) => pageText(html, anchor || ".bd-article");
const summarize = Search.makeSearchSummary;
Search.makeSearchSummary = (html, words, anchor) => {
  const typed = new URLSearchParams(location.search).get("q") ?? "";
  const long = [...words].filter((word) => word.length > 1);
  return summarize(html, new Set([...long, typed.trim()]), anchor);
};
