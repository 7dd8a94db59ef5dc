// Draws a Plotly figure and updates it in place, so that zoom and hidden traces survive new points.
// Streamlit's own plotly_chart is made anew whenever its data changes, and forgets both.

// Addresses of scripts that leave Plotly in the window, from the best on; relative to this one.
function loadPlotly(scripts) {
  window.mnistLabPlotly ??= (async () => {
    for (const script of scripts) {
      await import(new URL(script, import.meta.url).href).catch(() => {}); // the next one may be there
      if (window.Plotly) return window.Plotly;
    }
    throw new Error("Plotly could not be loaded");
  })();
  return window.mnistLabPlotly;
}

// What nobody sees yet is drawn when it comes near, or else when the browser has nothing better to do.
const whenIdle = window.requestIdleCallback ?? ((draw) => setTimeout(draw, 300));
const near = new IntersectionObserver(
  (charts) => charts.forEach(({ isIntersecting, target }) => isIntersecting && target.first?.()),
  { rootMargin: "200px" },
);

function inView(target) {
  const { top, bottom, width } = target.getBoundingClientRect();
  return width > 0 && bottom > 0 && top < innerHeight;
}

function whenSeen(target, draw) {
  if (target.seen) return draw();
  const waits = target.first;
  target.first = () => {
    if (!target.isConnected) return;
    target.first = null;
    target.seen = true;
    near.unobserve(target);
    draw();
  };
  if (inView(target)) return target.first(); // the observer would tell it a frame later
  if (waits) return;
  near.observe(target);
  whenIdle(() => target.first?.());
}

function themed(layout, element) {
  const style = getComputedStyle(element);
  const value = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const axis = { gridcolor: value("--st-border-color", "#8884"), zeroline: false, automargin: true };
  const withAxes = {};
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis/.test(key)) withAxes[key] = { ...axis, ...layout[key] };
  }
  return {
    ...layout,
    ...withAxes,
    // That of the page, so that a picture saved from a dark page does not have pale letters on nothing.
    paper_bgcolor: value("--st-background-color", "rgba(0,0,0,0)"),
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: value("--st-text-color", "#444"), family: value("--st-font", "sans-serif"), size: 13 },
    colorway: value("--st-chart-categorical-colors", "#0072b2,#d55e00").split(","),
  };
}

// A point that comes while the mouse drags a zoom would end the drag: it waits until the button is let go.
function whenReleased(target, draw) {
  if (target.held === undefined) {
    target.held = false;
    target.addEventListener("pointerdown", () => (target.held = true), { capture: true });
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => {
        target.held = false;
        // After Plotly has made of the drag what it should.
        requestAnimationFrame(() => target.waiting?.());
      });
    }
  }
  target.waiting = () => {
    target.waiting = null;
    draw();
  };
  if (!target.held) target.waiting();
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const target = parentElement.querySelector(".live-chart");
  target.style.height = `${data.height}px`;
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", data.description);
  loadPlotly(data.scripts)
    .then((Plotly) => {
      const figure = JSON.parse(data.figure);
      // Nothing of the lab goes to other servers: Plotly's own button would send the chart to its makers.
      const unwanted = ["lasso2d", "select2d", "sendChartToCloud"];
      const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: unwanted };
      // Named by the first description: with other options, Plotly would begin the chart anew at every point.
      target.file ??= data.description.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase();
      options.toImageButtonOptions = { filename: target.file, scale: 2 };
      // Where nothing can hover, the whole bar would lie over the legend for good: only the camera stays.
      if (matchMedia("(hover: none)").matches) Object.assign(options, { displayModeBar: true, modeBarButtons: [["toImage"]] });
      const draw = () => {
        Plotly.react(target, figure.data, themed(figure.layout, target), options);
        target.removeAllListeners("plotly_click");
        if (data.clicks) target.on("plotly_click", ({ points: [{ x, y }] }) => setTriggerValue("clicked", [x, y]));
      };
      whenSeen(target, () => whenReleased(target, draw));
    })
    .catch((error) => (target.textContent = `${error.message}. Reload the page to try again.`));
  return () => {
    target.waiting = null;
    // A hover that is still on its way, 50 ms at most, must find the chart.
    setTimeout(() => target.isConnected || window.Plotly?.purge(target), 500);
  };
}
