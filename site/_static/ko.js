// What the search says: Sphinx has an empty text for the first, a polite one for the other.
Documentation.addTranslations({
  locale: "ko",
  plural_expr: "0",
  messages: {
    "Search finished, found one page matching the search query.": [
      "${resultCount}개 페이지를 찾았다.",
    ],
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "일치하는 페이지가 없다. 검색어를 다시 확인하자.",
  },
});
