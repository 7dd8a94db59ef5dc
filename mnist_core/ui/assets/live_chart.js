// Draws a Plotly figure and updates it in place, so that zoom and hidden traces survive new points.
// Streamlit's own plotly_chart is made anew whenever its data changes, and forgets both.

const plotlyUrl = new URL("../mnist_lab.plotly/plotly.min.js", import.meta.url).href;

function loadPlotly() {
  window.mnistLabPlotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = plotlyUrl;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("Plotly could not be loaded"));
    document.head.append(script);
  });
  return window.mnistLabPlotly;
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
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: value("--st-text-color", "#444"), family: value("--st-font", "sans-serif"), size: 13 },
    colorway: value("--st-chart-categorical-colors", "#0072b2,#d55e00").split(","),
  };
}

export default function (component) {
  const { data, parentElement } = component;
  const target = parentElement.querySelector(".live-chart");
  target.style.height = `${data.height}px`;
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", data.description);
  loadPlotly()
    .then((Plotly) => {
      const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
      // Where nothing can hover, the bar of buttons would lie over the legend for good.
      if (matchMedia("(hover: none)").matches) options.displayModeBar = false;
      return Plotly.react(target, data.figure.data, themed(data.figure.layout, target), options);
    })
    .catch((error) => (target.textContent = `${error.message}. Reload the page to try again.`));
  return () => window.Plotly?.purge(target);
}
