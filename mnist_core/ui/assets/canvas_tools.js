// Takes away the drawing canvas' own tools. They hide at its top until a mouse comes near, but catch every finger
// that begins a stroke there; undo and clear stand below the canvas as buttons that everybody can see and reach.

const sheet = new CSSStyleSheet();
sheet.replaceSync(".dc-toolbar { display: none !important; }");

const EVERY = 250; // milliseconds

function tidy(place) {
  for (const element of document.querySelectorAll(`${place} *`)) {
    const sheets = element.shadowRoot?.adoptedStyleSheets;
    if (sheets && !sheets.includes(sheet)) sheets.push(sheet);
  }
}

export default function ({ data }) {
  // The canvas may come after this, is made anew after a visit to another page, and begins with styles of its own.
  tidy(data.place);
  const watch = setInterval(tidy, EVERY, data.place);
  return () => clearInterval(watch);
}
