// On a phone the contents of a page are a dialog, which would stay open over the place that was chosen.
addEventListener("click", (event) => event.target.closest("dialog a[href^='#']")?.closest("dialog").close());
