// Words of the search: Sphinx has an empty text for the first, a polite one for the other.
Documentation.addTranslations({
  locale: "ko",
  plural_expr: "0",
  messages: {
    "Search finished, found one page matching the search query.": [
      "${resultCount}개 페이지를 찾았다.",
    ],
    ["Your search did not match any documents. Please make sure that all words are spelled " +
      "correctly and that you've selected enough categories."]:
      "일치하는 페이지가 없다. 검색어를 다시 확인하자.",
  },
});
// Words of the copy buttons, which have no Korean.
Object.assign(messages.en, {
  copy: "복사",
  copy_success: "복사했다",
  copy_failure: "복사하지 못했다",
});
iconCopy = iconCopy.replace(/<title>.*<\/title>/, "<title>복사</title>");
// Those that are on the page already.
for (const button of document.querySelectorAll(".copybtn")) {
  button.dataset.tooltip = messages.en.copy;
  button.innerHTML = iconCopy;
}
