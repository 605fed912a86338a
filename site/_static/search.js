// Status codes are words, too: to search for and, second, to highlight. Sphinx drops numbers.
const parseWords = Search._parseQuery;
Search._parseQuery = (query) => {
  const parsed = parseWords(query);
  for (const code of query.match(/\b[1-5]\d\d\b/g) ?? []) [1, 3].forEach((place) => parsed[place].add(code));
  return parsed;
};
