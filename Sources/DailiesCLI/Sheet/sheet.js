"use strict";
// The page of a contact sheet. Only the cards in view exist: ten thousand clips are as light as thirty.
(async () => {
  const place = (id) => document.getElementById(id);
  const [grid, search, count, large] = [place("grid"), place("search"), place("count"), place("large")];
  const memory = "dailies-sheet:" + document.body.dataset.store;
  const gap = 14, widest = 300, below = 132, atOnce = 3, chunk = 500;
  const words = { keep: "Keep", reject: "Reject", redo: "Redo" };

  let marks = {};
  try { marks = JSON.parse(localStorage.getItem(memory) || "{}"); } catch { marks = {}; }
  const markOf = (task) => marks[task.name] || "";

  // One task a line, read a few hundred at a time, so that the browser never stands still for long.
  const tasks = [];
  const lines = place("tasks").textContent.split("\n").filter((line) => line.startsWith("{"));
  while (tasks.length < lines.length) {
    const part = lines.slice(tasks.length, tasks.length + chunk).join("\n").replace(/,$/, "");
    for (const task of JSON.parse("[" + part + "]")) {
      task.name = task.batch + "\u0000" + task.key;
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

  function measure() {
    const width = grid.clientWidth;
    const columns = Math.max(1, Math.round((width + gap) / (widest + gap)));
    const card = (width - gap * (columns - 1)) / columns;
    return { columns, card, height: card * 9 / 16 + below };
  }

  function lay() {
    const { columns, card, height } = measure();
    const rows = Math.ceil(shown.length / columns), step = height + gap;
    grid.style.height = Math.max(0, rows * step - gap) + "px";
    const top = window.scrollY - grid.offsetTop;
    const first = Math.max(0, Math.floor(top / step) - 1) * columns;
    const end = Math.min(shown.length, (Math.ceil((top + window.innerHeight) / step) + 1) * columns);
    for (const [index, element] of cards) {
      if (index < first || index >= end) { element.remove(); cards.delete(index); }
    }
    for (let index = first; index < end; index += 1) {
      let element = cards.get(index);
      if (!element) { element = make(shown[index]); cards.set(index, element); grid.append(element); }
      element.style.width = card + "px";
      element.style.height = height + "px";
      element.style.transform = `translate(${(index % columns) * (card + gap)}px, ${Math.floor(index / columns) * step}px)`;
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
    part("facts").textContent = [task.key, task.model, task.credits && task.credits + " cr", ...task.tagList]
      .filter(Boolean).join(" · ");
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
    const facts = { task: task.batch + "/" + task.key, model: task.model, state: task.state, credits: task.credits,
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
  window.addEventListener("resize", layLater);
  tell();
  lay();
})();
