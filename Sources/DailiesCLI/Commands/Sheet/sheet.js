"use strict";
// The page of a contact sheet. Only the cards in view exist: ten thousand clips are as light as thirty.
(async () => {
  const place = (id) => document.getElementById(id);
  const [grid, search, count, large] = [place("grid"), place("search"), place("count"), place("large")];
  const memory = "dailies-sheet:" + document.body.dataset.store;
  // Lengths in CSS pixels: of a column whose clips lie or stand, and of what is below a clip.
  const gap = 14, lying = 300, standing = 220, below = 205, borders = 2, atOnce = 3, chunk = 500;
  const extremes = [0.4, 2.5];
  const words = { keep: "Keep", reject: "Reject", redo: "Redo" };

  let marks = {};
  try { marks = JSON.parse(localStorage.getItem(memory) || "{}"); } catch { marks = {}; }
  const markOf = (task) => marks[task.name] || "";

  // Width by height, as asked for until the clip itself is known. What is no ratio counts as 16:9.
  const bounded = (shape) => shape > 0 && shape < Infinity ? Math.min(Math.max(shape, extremes[0]), extremes[1]) : 16 / 9;

  // One task a line, read a few hundred at a time, so that the browser never stands still for long.
  const tasks = [];
  const lines = place("tasks").textContent.split("\n").filter((line) => line.startsWith("{"));
  while (tasks.length < lines.length) {
    const part = lines.slice(tasks.length, tasks.length + chunk).join("\n").replace(/,$/, "");
    for (const task of JSON.parse("[" + part + "]")) {
      task.name = task.batch + "\u0000" + task.key;
      const [width, height] = (task.ratio || "16:9").split(":").map(Number);
      task.shape = bounded(width / height);
      task.tagList = Object.entries(task.tags).map(([name, value]) => name + "=" + value);
      tasks.push(task);
    }
    if (tasks.length < lines.length) await new Promise((goOn) => setTimeout(goOn));
  }
  // Made when it is first searched: a page that is only looked at opens sooner.
  const textOf = (task) => task.text ??= [task.key, task.prompt, task.model, ...task.tagList].join("\n").toLowerCase();

  // Filters.
  const filters = { model: place("model"), state: place("state"), batch: place("batch"), tag: place("tag"),
    mark: place("mark") };
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
    tell();
    arrange();
    lay();
  }

  function tell() {
    const number = (value) => value.toLocaleString("en");
    const counts = { keep: 0, reject: 0, redo: 0 };
    for (const task of tasks) { const mark = marks[task.name]; if (mark) counts[mark] += 1; }
    const { keep, reject, redo } = counts;
    count.textContent = (shown.length === tasks.length ? "" : number(shown.length) + " of ")
      + number(tasks.length) + (tasks.length === 1 ? " clip" : " clips")
      + ` · ${number(keep)} keep · ${number(reject)} reject · ${number(redo)} redo`;
    place("export-keep").disabled = keep === 0;
    place("export-redo").disabled = redo === 0;
    place("nothing").hidden = shown.length > 0;
  }

  // The grid. A clip is opened once its card has stood still for a moment: scrolling past thousands opens none.
  const cards = new Map();
  let settling = 0;
  let asked = false;
  const layLater = () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; lay(); }); } };

  // Columns of one width; each card has the shape of its clip, and goes where there is room furthest up. Where all clips have
  // one shape, that is row by row.
  let spots = [], columnWidth = 0;
  function arrange(isAgain = false) {
    const width = grid.clientWidth;
    const upright = shown.reduce((sum, task) => sum + (task.shape < 1 ? 1 : 0), 0) * 3 > shown.length;
    const columns = Math.max(1, Math.round((width + gap) / ((upright ? standing : lying) + gap)));
    columnWidth = (width - gap * (columns - 1)) / columns;
    const ends = new Array(columns).fill(0);
    spots = shown.map((task) => {
      const column = ends.indexOf(Math.min(...ends));
      const spot = { x: column * (columnWidth + gap), y: ends[column], height: (columnWidth - borders) / task.shape + below };
      ends[column] += spot.height + gap;
      return spot;
    });
    grid.style.height = Math.max(0, ...ends.map((end) => end - gap)) + "px";
    // A scroll bar that has come or gone.
    if (grid.clientWidth !== width && !isAgain) arrange(true);
  }

  let arranging = false;
  const arrangeLater = () => {
    if (!arranging) { arranging = true; requestAnimationFrame(() => { arranging = false; arrange(); lay(); }); }
  };

  function lay() {
    const top = window.scrollY - grid.offsetTop - window.innerHeight / 2;
    const bottom = top + 2 * window.innerHeight;
    const isNear = (spot) => spot !== undefined && spot.y < bottom && spot.y + spot.height > top;
    for (const [index, element] of cards) {
      if (!isNear(spots[index])) { element.remove(); cards.delete(index); }
    }
    for (let index = 0; index < spots.length; index += 1) {
      const spot = spots[index];
      if (!isNear(spot)) continue;
      let element = cards.get(index);
      if (!element) { element = make(shown[index]); cards.set(index, element); grid.append(element); }
      element.style.width = columnWidth + "px";
      element.style.height = spot.height + "px";
      element.style.transform = `translate(${spot.x}px, ${spot.y}px)`;
      element.querySelector(".frame").style.height = spot.height - below + "px";
    }
    clearTimeout(settling);
    settling = setTimeout(() => loadSome([...cards.values()].map((element) => element.querySelector("video"))), 80);
  }

  // A few at a time: to open a clip takes a browser some milliseconds, and a screen holds dozens.
  function loadSome(videos) {
    for (const video of videos.splice(0, atOnce)) load(video);
    if (videos.length > 0) settling = setTimeout(() => loadSome(videos), 16);
  }

  function load(video) {
    if (video && !video.src) video.src = video.dataset.clip;
  }

  function make(task) {
    const element = place("card").content.firstElementChild.cloneNode(true);
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
      button.textContent = words[button.dataset.mark];
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

  // A play that a pause overtakes is no fault.
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
    try { localStorage.setItem(memory, JSON.stringify(marks)); } catch { /* Kept until the page is closed. */ }
    show(task, element);
    tell();
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

  // The next manifest: what is marked, as lines that `dailies run` reads. Each batch is a file of its own.
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
  place("export-keep").addEventListener("click", () => save("keep"));
  place("export-redo").addEventListener("click", () => save("redo"));

  search.addEventListener("input", filter);
  for (const select of Object.values(filters)) select.addEventListener("change", filter);
  window.addEventListener("scroll", layLater, { passive: true });
  window.addEventListener("resize", arrangeLater);
  tell();
  arrange();
  lay();
})();
