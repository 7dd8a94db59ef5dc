// Loads a page anew that Streamlit has emptied. It does so where a fragment of the page that is left asks for its turn
// before the browser has heard of the new page, as a busy phone does: the answer seems to belong to another page, and
// everything is taken away for good. The address carries what the new page is to show.

const EVERY = 500; // milliseconds
const LOOKS = 4; // in which nothing is there and nothing more is coming

let looks = 0;

function look() {
  // Where deltas of the one page meet the other, all of the app is gone, and no state is told any more.
  const state = document.querySelector("[data-test-script-state]")?.dataset.testScriptState ?? "notRunning";
  looks = state === "notRunning" && !document.querySelector('[data-testid="stMain"] h1') ? looks + 1 : 0;
  if (looks < LOOKS) return;
  looks = 0;
  // A server that is away, or a proxy that says so, is waited for.
  fetch(location.href).then((answer) => answer.ok && location.reload(), () => {});
}

export default function () {
  window.mnistLabNeverBlank ??= setInterval(look, EVERY);
}
