
"use strict";
(function () {
  function each(nodes, action) {
    Array.prototype.forEach.call(nodes, action);
  }
  // A table that can be searched, and whose stacks open and close together.
  each(document.querySelectorAll(".groups"), function (section) {
    var tools = section.querySelector(".tools");
    if (!tools) return;
    var search = tools.querySelector("input");
    var count = tools.querySelector(".count");
    var rows = section.querySelectorAll("tbody tr");
    var texts = [];
    each(rows, function (row) { texts.push(row.textContent.toLowerCase()); });
    tools.hidden = false;
    function filter() {
      var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      each(rows, function (row, i) {
        row.hidden = !words.every(function (word) { return texts[i].indexOf(word) >= 0; });
        if (!row.hidden) shown++;
      });
      count.textContent = words.length ? shown + " of " + rows.length + " groups" : "";
    }
    search.addEventListener("input", filter);
    tools.querySelector("button").addEventListener("click", function () {
      var details = section.querySelectorAll("tbody tr:not([hidden]) details");
      var open = Array.prototype.some.call(details, function (one) { return !one.open; });
      each(details, function (one) { one.open = open; });
    });
    if (search.value) filter();
  });
  // A click on a frame makes it as wide as the graph.
  each(document.querySelectorAll("svg.flame"), function (graph) {
    var frames = [];
    each(graph.querySelectorAll("svg.f"), function (node) {
      frames.push({
        node: node, x: parseFloat(node.getAttribute("x")), y: parseFloat(node.getAttribute("y")),
        w: parseFloat(node.getAttribute("width"))
      });
    });
    function label(frame) {
      if (frame.node.querySelector("text")) return;
      var text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", "4");
      text.setAttribute("y", "13");
      text.textContent = frame.node.querySelector("title").textContent.split(" · ")[0];
      frame.node.appendChild(text);
    }
    function zoom(to) {
      var slack = 1e-4;
      frames.forEach(function (frame) {
        var inside = frame.x >= to.x - slack && frame.x + frame.w <= to.x + to.w + slack && frame.y >= to.y;
        var above = frame.y < to.y && frame.x <= to.x + slack && frame.x + frame.w >= to.x + to.w - slack;
        frame.node.classList.toggle("off", !inside && !above);
        frame.node.classList.toggle("faded", above);
        if (above) {
          frame.node.setAttribute("x", "0%");
          frame.node.setAttribute("width", "100%");
        } else if (inside) {
          frame.node.setAttribute("x", (frame.x - to.x) / to.w * 100 + "%");
          frame.node.setAttribute("width", frame.w / to.w * 100 + "%");
          if (frame.w / to.w > 0.012) label(frame);
        }
      });
    }
    frames.forEach(function (frame) {
      frame.node.addEventListener("click", function () { zoom(frame); });
    });
  });
  // On paper nothing can be opened.
  window.addEventListener("beforeprint", function () {
    each(document.querySelectorAll("details"), function (one) { one.open = true; });
  });
})();
