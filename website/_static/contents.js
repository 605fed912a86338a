// On a phone the contents of a page are a dialog, which would stay open over the chosen place.
addEventListener("click", ({ target }) => {
  target.closest("dialog a[href^='#']")?.closest("dialog").close();
});
// start/exchange.js has made this entry of the history, and does not outlive a reload.
const shownPath = location.pathname;
addEventListener("popstate", () => {
  if (location.pathname !== shownPath && !globalThis.keepsPages) location.reload();
});
