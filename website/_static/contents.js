// On a phone the contents of a page are a dialog, which would stay open over the chosen place.
addEventListener("click", ({ target }) => {
  target.closest("dialog a[href^='#']")?.closest("dialog").close();
});
