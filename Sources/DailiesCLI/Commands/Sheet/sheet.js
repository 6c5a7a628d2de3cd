"use strict";
// The contact sheet. Only visible cards exist in the DOM, so that ten thousand clips are as fast as thirty.
(async () => {
  const byId = (id) => document.getElementById(id);
  const [grid, search, count, large] = [byId("grid"), byId("search"), byId("count"), byId("large")];
  const storageKey = "dailies-sheet:" + document.body.dataset.store;
  // Lengths in CSS pixels: column widths for landscape and portrait clips, and the height of the text below a clip.
  const gap = 14, landscapeWidth = 300, portraitWidth = 220, captionHeight = 205, borders = 2;
  const videosPerStep = 3, tasksPerStep = 500;
  const shapeRange = [0.4, 2.5];
  const labels = { keep: "Keep", reject: "Reject", redo: "Redo" };

  let marks = {};
  try { marks = JSON.parse(localStorage.getItem(storageKey) || "{}"); } catch { marks = {}; }
  const markOf = (task) => marks[task.name] || "";

  // Width divided by height: the requested ratio until the clip is loaded. An invalid ratio counts as 16:9.
  const bounded = (shape) =>
    shape > 0 && shape < Infinity ? Math.min(Math.max(shape, shapeRange[0]), shapeRange[1]) : 16 / 9;

  // One task per line, parsed a few hundred at a time to keep the browser responsive.
  const tasks = [];
  const lines = byId("tasks").textContent.split("\n").filter((line) => line.startsWith("{"));
  while (tasks.length < lines.length) {
    const part = lines.slice(tasks.length, tasks.length + tasksPerStep).join("\n").replace(/,$/, "");
    for (const task of JSON.parse("[" + part + "]")) {
      task.name = task.batch + "\u0000" + task.key;
      const [width, height] = (task.ratio || "16:9").split(":").map(Number);
      task.shape = bounded(width / height);
      task.tagList = Object.entries(task.tags).map(([name, value]) => name + "=" + value);
      tasks.push(task);
    }
    if (tasks.length < lines.length) await new Promise((resolve) => setTimeout(resolve));
  }
  // Built on the first search, so that the page opens faster.
  const textOf = (task) => task.text ??= [task.key, task.prompt, task.model, ...task.tagList].join("\n").toLowerCase();

  // Filters.
  const filters = { model: byId("model"), state: byId("state"), batch: byId("batch"), tag: byId("tag"),
    mark: byId("mark") };
  const fill = (select, values) => {
    for (const value of [...new Set(values)].sort()) select.add(new Option(value, value));
    select.hidden = select.options.length < 3;
  };
  fill(filters.model, tasks.map((task) => task.model));
  fill(filters.state, tasks.map((task) => task.state));
  fill(filters.batch, tasks.map((task) => task.batch));
  fill(filters.tag, tasks.flatMap((task) => task.tagList));

  let shown = tasks;
  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [model, state, batch, tag, mark] = Object.values(filters).map((select) => select.value);
    shown = tasks.filter((task) =>
      (!model || task.model === model) && (!state || task.state === state) && (!batch || task.batch === batch)
      && (!tag || task.tagList.includes(tag)) && (!mark || (markOf(task) || "none") === mark)
      && wanted.every((word) => textOf(task).includes(word)));
    for (const card of cards.values()) card.remove();
    cards.clear();
    window.scrollTo(0, 0);
    updateCounts();
    arrange();
    render();
  }

  function updateCounts() {
    const number = (value) => value.toLocaleString("en");
    const counts = { keep: 0, reject: 0, redo: 0 };
    for (const task of tasks) { const mark = marks[task.name]; if (mark) counts[mark] += 1; }
    const { keep, reject, redo } = counts;
    count.textContent = (shown.length === tasks.length ? "" : number(shown.length) + " of ")
      + number(tasks.length) + (tasks.length === 1 ? " clip" : " clips")
      + ` · ${number(keep)} keep · ${number(reject)} reject · ${number(redo)} redo`;
    byId("export-keep").disabled = keep === 0;
    byId("export-redo").disabled = redo === 0;
    byId("nothing").hidden = shown.length > 0;
  }

  // The grid. A clip is loaded once scrolling stops for a moment, so that scrolling past thousands loads none.
  const cards = new Map();
  let settling = 0;
  let rendering = false;
  const renderLater = () => {
    if (!rendering) { rendering = true; requestAnimationFrame(() => { rendering = false; render(); }); }
  };

  // Columns of equal width. Each card has the shape of its clip and goes into the shortest column. With clips of one
  // shape, the order is row by row.
  let slots = [], columnWidth = 0;
  function arrange(isRepeat = false) {
    const width = grid.clientWidth;
    const isPortrait = shown.reduce((sum, task) => sum + (task.shape < 1 ? 1 : 0), 0) * 3 > shown.length;
    const columns = Math.max(1, Math.round((width + gap) / ((isPortrait ? portraitWidth : landscapeWidth) + gap)));
    columnWidth = (width - gap * (columns - 1)) / columns;
    const ends = new Array(columns).fill(0);
    slots = shown.map((task) => {
      const column = ends.indexOf(Math.min(...ends));
      const height = (columnWidth - borders) / task.shape + captionHeight;
      const slot = { x: column * (columnWidth + gap), y: ends[column], height };
      ends[column] += slot.height + gap;
      return slot;
    });
    grid.style.height = Math.max(0, ...ends.map((end) => end - gap)) + "px";
    // A scroll bar appeared or disappeared.
    if (grid.clientWidth !== width && !isRepeat) arrange(true);
  }

  let arranging = false;
  const arrangeLater = () => {
    if (!arranging) { arranging = true; requestAnimationFrame(() => { arranging = false; arrange(); render(); }); }
  };

  function render() {
    const top = window.scrollY - grid.offsetTop - window.innerHeight / 2;
    const bottom = top + 2 * window.innerHeight;
    const isNear = (slot) => slot !== undefined && slot.y < bottom && slot.y + slot.height > top;
    for (const [index, element] of cards) {
      if (!isNear(slots[index])) { element.remove(); cards.delete(index); }
    }
    for (let index = 0; index < slots.length; index += 1) {
      const slot = slots[index];
      if (!isNear(slot)) continue;
      let element = cards.get(index);
      if (!element) { element = make(shown[index]); cards.set(index, element); grid.append(element); }
      element.style.width = columnWidth + "px";
      element.style.height = slot.height + "px";
      element.style.transform = `translate(${slot.x}px, ${slot.y}px)`;
      element.querySelector(".frame").style.height = slot.height - captionHeight + "px";
    }
    clearTimeout(settling);
    settling = setTimeout(() => loadSome([...cards.values()].map((element) => element.querySelector("video"))), 80);
  }

  // A few at a time, because loading a clip takes some milliseconds, and a screen shows dozens.
  function loadSome(videos) {
    for (const video of videos.splice(0, videosPerStep)) load(video);
    if (videos.length > 0) settling = setTimeout(() => loadSome(videos), 16);
  }

  function load(video) {
    if (video && !video.src) video.src = video.dataset.clip;
  }

  function make(task) {
    const element = byId("card").content.firstElementChild.cloneNode(true);
    const part = (name) => element.querySelector("." + name);
    const video = element.querySelector("video");
    if (task.clip) {
      video.dataset.clip = task.clip + "#t=0.05";
      part("none").remove();
      video.addEventListener("loadedmetadata", () => {
        const shape = bounded(video.videoWidth / video.videoHeight);
        if (Math.abs(shape / task.shape - 1) > 0.02) { task.shape = shape; arrangeLater(); }
      });
      element.addEventListener("mouseenter", () => play(video));
      element.addEventListener("mouseleave", () => pause(video));
      element.addEventListener("focusin", () => play(video));
      element.addEventListener("focusout", () => pause(video));
    } else {
      video.remove();
      part("none").textContent = task.failure || task.state;
    }
    part("frame").addEventListener("click", () => open(task));
    part("prompt").textContent = task.prompt;
    part("prompt").title = task.prompt;
    part("key").textContent = part("key").title = task.key;
    part("state").textContent = part("state").dataset.state = task.state;
    part("facts").textContent = part("facts").title = [cost(task), task.model].join(" · ");
    part("tags").title = task.tagList.join("\n");
    for (const tag of task.tagList) {
      const chip = document.createElement("span");
      chip.textContent = tag;
      part("tags").append(chip);
    }
    for (const button of element.querySelectorAll("[data-mark]")) {
      button.textContent = labels[button.dataset.mark];
      button.addEventListener("click", () => setMark(task, button.dataset.mark, element));
    }
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const mark = { k: "keep", x: "reject", r: "redo" }[event.key];
      if (mark) setMark(task, mark, element);
      if (event.key === "Enter" && event.target === element) open(task);
    });
    show(task, element);
    return element;
  }

  function cost(task) {
    if (task.credits) return task.credits + (task.credits === "1" ? " credit" : " credits");
    return task.state === "queued" || task.state === "running" ? "no cost yet" : "cost unknown";
  }

  // play() rejects if pause() follows too soon. That is not an error.
  const play = (video) => { load(video); video.play().catch(() => {}); };
  const pause = (video) => { video.pause(); video.currentTime = 0.05; };

  function show(task, element) {
    element.dataset.mark = markOf(task);
    for (const button of element.querySelectorAll("[data-mark]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mark === markOf(task)));
    }
  }

  function setMark(task, mark, element) {
    if (markOf(task) === mark) delete marks[task.name]; else marks[task.name] = mark;
    try { localStorage.setItem(storageKey, JSON.stringify(marks)); } catch { /* Kept until the page closes. */ }
    show(task, element);
    updateCounts();
  }

  function open(task) {
    const video = large.querySelector("video");
    video.hidden = !task.clip;
    if (task.clip) { video.src = task.clip; play(video); } else { video.removeAttribute("src"); }
    large.querySelector("p").textContent = task.prompt;
    const list = large.querySelector("dl");
    list.replaceChildren();
    const facts = { task: task.batch + "/" + task.key, model: task.model, state: task.state, cost: cost(task),
      tags: task.tagList.join(", "), clip: task.clip && decodeURI(task.clip), failure: task.failure };
    for (const [name, value] of Object.entries(facts)) {
      if (!value) continue;
      const [term, data] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      data.textContent = value;
      list.append(term, data);
    }
    large.showModal();
  }
  large.addEventListener("close", () => large.querySelector("video").pause());
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });

  // Saves marked clips as manifests for `dailies run`, one file per batch.
  function save(mark) {
    const batches = new Map();
    for (const task of tasks) {
      if (markOf(task) !== mark) continue;
      if (!batches.has(task.batch)) batches.set(task.batch, []);
      batches.get(task.batch).push(mark === "redo" ? task.redo : task.line);
    }
    for (const [batch, lines] of batches) {
      const header = JSON.stringify({ batch: `${batch}-${mark}` });
      const file = new Blob([header + "\n" + lines.join("\n") + "\n"], { type: "application/jsonl" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `${batch.replace(/[^\w.-]+/g, "_")}-${mark}.jsonl`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }
  }
  byId("export-keep").addEventListener("click", () => save("keep"));
  byId("export-redo").addEventListener("click", () => save("redo"));

  search.addEventListener("input", filter);
  for (const select of Object.values(filters)) select.addEventListener("change", filter);
  window.addEventListener("scroll", renderLater, { passive: true });
  window.addEventListener("resize", arrangeLater);
  updateCounts();
  arrange();
  render();
})();
