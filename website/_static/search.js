// The order of the pages that a search finds, instead of Sphinx's; the index is Sphinx's own.
"use strict";
(() => {
  // The gain of a page by a word, by its place in the page, and the part of it by half a word.
  const TEXT = 1, SECTION = 2, TITLE = 6, EXPLAINED = 9, PART = 0.4;
  // A page has at least this part of the words that the best page has; its section, of all.
  const LEAST = 0.5, SECTION_LEAST = 0.6;
  const ERRORS = "notebooks/errors";
  /** Words of people whose request has failed: they want the table of messages, too. */
  const FAILURE = new RegExp(
    "\\b[45]\\d\\d\\b|refused|certificate|x509|forbidden|unauthori|denied|error|fail|invalid"
      + "|expired|timed? ?out|unable|cannot|could ?n.t|stuck|not found|unknown"
      + "|거부|거절|오류|에러|인증서|만료|실패|금지|없다|없음|없습니다|안 ?[됨돼되]", "i");
  /** Names that people write in Hangul, and the pages do not. */
  const LATIN = {
    깃허브: "github", 깃랩: "gitlab", 액션: "actions", 윈도우: "windows", 윈도: "windows", 맥: "macos",
    우분투: "ubuntu", 헬름: "helm", 바인더: "binder", 주피터: "jupyter", 타임아웃: "timeout",
  };

  const isHangul = (word) => /[가-힣]/.test(word);
  const wordsOf = (text) => {
    const stemmer = new Stemmer();
    return splitQuery(text.toLowerCase()).map((word) => stemmer.stemWord(word));
  };
  const entriesOf = (table, key) => (Object.hasOwn(table, key) ? [table[key]].flat() : []);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const gain = (pages, files, weight) => {
    for (const file of files) pages.set(file, Math.max(pages.get(file) ?? 0, weight));
  };

  // Status codes are words, too: to search for and, second, to highlight. Sphinx drops numbers.
  const parseWords = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parseWords(query);
    for (const code of query.match(/\b[1-5]\d\d\b/g) ?? [])
      for (const place of [1, 3]) parsed[place].add(code);
    return parsed;
  };

  /** Sphinx's index, with the words of each title. */
  class Index {
    constructor({ terms, titleterms, titles, alltitles, indexentries }) {
      Object.assign(this, { terms, titleterms });
      this.titles = titles.map((title) => new Set(wordsOf(title)));
      this.sections = Object.entries(alltitles).flatMap(([title, places]) =>
        places.filter(([, id]) => id).map(([file, id]) =>
          ({ file, title, id, words: new Set(wordsOf(title)) })));
      this.entries = Object.entries(indexentries).map(([entry, places]) =>
        ({ entry, words: wordsOf(entry), files: places.map(([file]) => file) }));
    }

    knows(word) {
      return [this.terms, this.titleterms].some((table) => Object.hasOwn(table, word));
    }

    /** Return the pages that have a word, and what each gains by it. */
    pagesOf(word) {
      const pages = new Map(), { terms, titleterms } = this;
      const isPart = !this.knows(word) && word.length > (isHangul(word) ? 1 : 2);
      for (const [table, weight] of [[terms, TEXT], [titleterms, SECTION]]) {
        gain(pages, entriesOf(table, word), weight);
        for (const term of isPart ? Object.keys(table) : [])
          if (term.includes(word)) gain(pages, entriesOf(table, term), PART * weight);
      }
      this.titles.forEach((title, file) => { if (title.has(word)) gain(pages, [file], TITLE); });
      return pages;
    }

    /** Return a word of Korean as the two that the index has, if it has only those. */
    parts(word) {
      for (let cut = word.length - 2; cut > 1 && isHangul(word) && !this.knows(word); cut -= 1) {
        const parts = [word.slice(0, cut), word.slice(cut)];
        if (parts.every((part) => this.knows(part))) return parts;
      }
      return [word];
    }

    /** Return what is known of each word that is searched for. */
    find(words) {
      const found = words.map((word) => ({ word, pages: this.pagesOf(word) }));
      found.forEach(({ word, pages }, place) => {
        const next = found[place + 1], joined = word + next?.word;
        // Two words of Korean that the index has as one.
        if (!next || !isHangul(word) || !this.knows(joined)) return;
        for (const [file, weight] of this.pagesOf(joined))
          for (const one of [pages, next.pages]) gain(one, [file], weight);
      });
      return found.filter(({ pages }) => pages.size).map((one) =>
        ({ ...one, rarity: Math.log(1 + this.titles.length / one.pages.size) }));
    }

    /** Return the section of a page with more of the words than its title, or undefined. */
    sectionOf(file, shareOf) {
      const title = shareOf(this.titles[file]);
      const own = this.sections.filter((section) => section.file === file)
        .map((section) => ({ ...section, share: shareOf(section.words) }))
        .sort((one, other) => other.share - one.share || one.words.size - other.words.size);
      const [best] = own;
      return best?.share >= SECTION_LEAST && best.share > title ? best : undefined;
    }
  }

  let index;
  Search._performSearch = (query, searchTerms, excludedTerms) => {
    index ??= new Index(Search._index);
    const words = [...searchTerms].map((word) => LATIN[word] ?? word)
      .flatMap((word) => index.parts(word));
    const found = index.find(words), asked = query.toLowerCase().trim();
    const all = sum(found.map(({ rarity }) => rarity)) || 1;
    const rarityOf = (has) => sum(found.filter(has).map(({ rarity }) => rarity));
    const excluded = new Set([...excludedTerms].flatMap((word) => [...index.pagesOf(word).keys()]));
    const explained = new Map();
    for (const { entry, words: own, files } of index.entries) {
      const isPart = own.length && own.every((word) => words.includes(word));
      if (entry !== asked && !isPart) continue;
      const rarity = entry === asked ? all : rarityOf(({ word }) => own.includes(word));
      gain(explained, files, EXPLAINED * rarity);
    }
    const shares = new Map(), scores = new Map();
    for (const file of index.titles.keys()) {
      const share = rarityOf(({ pages }) => pages.has(file)) / all;
      const score = sum(found.map(({ pages, rarity }) => (pages.get(file) ?? 0) * rarity));
      if (!share && !explained.has(file) || excluded.has(file)) continue;
      shares.set(file, explained.has(file) ? 1 : share);
      scores.set(file, score * Math.sqrt(share) + (explained.get(file) ?? 0));
    }
    const { docnames, filenames, titles } = Search._index, errors = docnames.indexOf(ERRORS);
    const isFailure = FAILURE.test(query) && scores.has(errors);
    if (isFailure) gain(scores, [errors], 0.99 * Math.max(...scores.values()));
    const least = LEAST * Math.max(...shares.values());
    return [...scores]
      .filter(([file]) => shares.get(file) >= least || isFailure && file === errors)
      .sort(([, one], [, other]) => one - other)
      .map(([file, score]) => {
        const section = index.sectionOf(file, (has) => rarityOf(({ word }) => has.has(word)) / all);
        const title = section ? `${titles[file]} > ${section.title}` : titles[file];
        const place = section ? `#${section.id}` : "";
        return [docnames[file], title, place, null, score, filenames[file], "text"];
      });
  };

  // A result quotes only the text of its page or section, from where the words stand as typed.
  const pageText = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const id = anchor && `#${CSS.escape(anchor.slice(1))}`;
    return pageText(html, id ? `section:is(${id}, :has(> ${id}))` : ".bd-article");
  };
  const summarize = Search.makeSearchSummary;
  Search.makeSearchSummary = (html, words, anchor) => {
    const typed = new URLSearchParams(location.search).get("q") ?? "";
    const long = [...words].filter((word) => word.length > 1);
    return summarize(html, new Set([...long, typed.trim()]), anchor);
  };
})();
