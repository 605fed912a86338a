// An extension of JupyterLab that shows exercises as such: a bar beside their cells, which
// it knows by their tags. A check that is not passed yet, or not decided, is no error of a
// program, so it has another color, and a screen reader says what any check answers. Any
// output breaks between words, not within them, and lines of prose are never longer than
// 46 em.

const PARTS = ["task", "hint", "exercise", "check", "solution"];
const OPEN = ["NotSolved", "Undecided"];

const STYLE = `
/* Korean lines break between words. */
.jp-RenderedHTMLCommon { word-break: keep-all; overflow-wrap: break-word; }
.jp-Cell[data-exercise] {
  box-shadow: inset 4px 0 0 var(--jp-brand-color1);
  background: color-mix(in srgb, var(--jp-brand-color1) 7%, transparent);
}
/* Exercises that follow one another are apart. */
.jp-Cell[data-exercise="task"] { border-top: 1em solid var(--jp-layout-color0); }
.jp-Cell[data-open] .jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"] {
  background: none;
  border-left: 4px solid var(--jp-warn-color1);
}
/* Prose has lines of a length that one reads; tables, code and pictures have all room. */
.jp-MarkdownOutput > :is(p, ul, ol, blockquote):not(:has(> img)) { max-width: 46em; }
.jp-MarkdownOutput > details > :is(p, ul, ol) { max-width: 46em; }
/* Sentences of an output break between words. */
.jp-OutputArea .jp-RenderedText pre { word-break: keep-all; overflow-wrap: anywhere; }`;

function mark(cell) {
  const tags = cell.model.getMetadata("tags") ?? [];
  const part = PARTS.find((each) => tags.includes(each));
  if (part) cell.node.dataset.exercise = part;
  else delete cell.node.dataset.exercise;
  if (part !== "check") return;
  cell.outputArea.node.setAttribute("aria-live", "polite");
  const errors = cell.model.outputs.toJSON().map((output) => output.ename);
  cell.node.toggleAttribute("data-open", errors.some((error) => OPEN.includes(error)));
}

const plugin = {
  id: "kubernetes-api-notebooks:exercises",
  description: "Shows the exercises of the lessons as such.",
  autoStart: true,
  activate: (app) => {
    document.head.append(
      Object.assign(document.createElement("style"), { textContent: STYLE }),
    );
    app.docRegistry.addWidgetExtension("Notebook", {
      createNew: ({ content, context }) => {
        const markAll = () => content.widgets.forEach(mark);
        content.modelContentChanged.connect(markAll);
        context.ready.then(markAll);
      },
    });
  },
};

// As webpack's module federation has it, which JupyterLab loads extensions by. Nothing is
// shared and nothing else is loaded, so no build is needed.
(globalThis._JUPYTERLAB ??= {})["kubernetes-api-notebooks"] = {
  init: () => undefined,
  get: async () => () => ({ __esModule: true, default: plugin }),
};
