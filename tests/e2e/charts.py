"""Live charts, as a visitor reads and uses them: their points, their zoom, their legend and their cells."""

import re

from playwright.sync_api import expect

from tests.e2e.pad import SECONDS
from tests.helpers import eventually


class Charts:
    """The charts in a visitor's window. The rest is in ``Lab``."""

    def chart(self, name):
        """A live chart by what it says of itself."""
        return self.page.get_by_role("img", name=re.compile(name)).filter(has=self.page.locator(".main-svg")).first

    def points(self, name):
        """How many points the first curve of a live chart has."""
        return self.chart(name).evaluate("chart => chart.data?.[0].x.length ?? 0")

    def data(self, name):
        """The traces of a live chart: what is drawn along, up and in cells."""
        return self.chart(name).evaluate(
            """chart => chart._fullData.map(({x, y, z}) =>
                Object.fromEntries(Object.entries({x, y, z}).map(([axis, all]) => [axis, all && Array.from(all)])))"""
        )

    def picture(self, name):
        """A live chart as the PNG that the camera above it saves."""
        self.chart(name).hover()
        with self.page.expect_download() as download:
            self.chart(name).locator(".modebar-btn[data-title*='PNG' i]").click()
        return download.value

    def more_points(self, name, than):
        """Waits until a live chart has more points; gives their number."""
        return eventually(lambda: (now := self.points(name)) > than and now, SECONDS)

    def zoom(self, name, left, right):
        """Drags the mouse across a chart, from and to a share of its width; gives the range it then shows."""
        # Every update draws the area anew, so only the chart around it stands still long enough to scroll to.
        self.chart(name).scroll_into_view_if_needed()
        box = self.chart(name).evaluate("""chart => {
            const {x, y, width, height} = chart.querySelector(".nsewdrag").getBoundingClientRect();
            return {x, y, width, height};
        }""")
        middle = box["y"] + box["height"] / 2
        self._drag((box["x"] + left * box["width"], middle), (box["x"] + right * box["width"], middle))
        return self.zoomed(name)

    def zoomed(self, name):
        """The range of epochs or steps that a chart shows."""
        return self.chart(name).evaluate("chart => chart._fullLayout.xaxis.range.slice()")

    def hide(self, name, curve):
        """Clicks a curve's name in the legend, which hides it."""
        legend = self.chart(name).locator(".legend .traces").filter(has_text=curve)
        legend.locator(".legendtoggle").click()
        chart = self.chart(name).element_handle()
        self.page.wait_for_function("c => c._fullData.some(t => t.visible === 'legendonly')", arg=chart)

    def hidden(self, name):
        """The curves of a chart that are hidden."""
        return self.chart(name).evaluate(
            "chart => chart._fullData.filter(t => t.visible === 'legendonly').map(t => t.name)"
        )

    def click_cell(self, true, predicted):
        """Clicks a cell of the confusion matrix."""
        matrix = self.chart("Confusion matrix")
        expect(matrix.locator(".nsewdrag").first).to_be_visible()
        matrix.scroll_into_view_if_needed()
        # Two quick clicks are a double click, wherever they are, and that takes the choice back.
        self.page.wait_for_function(
            "chart => !(Date.now() - chart._mouseDownTime < chart._context.doubleClickDelay)",
            arg=matrix.element_handle(),
        )
        x, y = matrix.evaluate(
            """(chart, [true_, predicted]) => {
                const {xaxis, yaxis} = chart._fullLayout, box = chart.getBoundingClientRect();
                const x = xaxis._offset + xaxis.d2p(predicted), y = yaxis._offset + yaxis.d2p(true_);
                return [box.x + x, box.y + y];
            }""",
            [str(true), str(predicted)],
        )
        self.page.mouse.move(x - 3, y)
        self.page.mouse.move(x, y)
        # A click counts for the cell that the chart knows the mouse to be over, which takes it a moment.
        expect(matrix.locator(".hoverlayer")).to_contain_text(f"true {true}, read as {predicted}")
        self.page.mouse.click(x, y)
