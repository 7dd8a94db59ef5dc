// Loads a page anew that Streamlit has emptied. It does so where a fragment of the page that is left asks for its turn
// before the browser has heard of the new page, as a busy phone does: the answer seems to belong to another page, and
// everything is taken away for good. The address carries what the new page shows.

const EVERY = 500; // milliseconds
const LOOKS = 4; // in which nothing is there and nothing more is coming

export default function () {
  return () => {
    let looks = 0;
    const watch = setInterval(() => {
      if (document.querySelector('[data-testid="stMain"] h1')) return clearInterval(watch);
      // Where deltas of the one page meet the other, all of the app is gone, and no state is told any more.
      const state = document.querySelector("[data-test-script-state]")?.dataset.testScriptState;
      looks = (state ?? "notRunning") === "notRunning" ? looks + 1 : 0;
      if (looks < LOOKS) return;
      looks = 0;
      fetch(location.href).then(() => location.reload(), () => {}); // a server that is away is waited for
    }, EVERY);
  };
}
