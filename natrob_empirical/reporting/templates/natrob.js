(() => {
  "use strict";
  const root = document.documentElement;
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const one = document.body.classList.contains("single");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : wantsDark.matches);
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // Light and dark; a browser that stores nothing for files only forgets the choice.
  const remember = (theme) => { try { localStorage.setItem("natrob-theme", theme); } catch { /* not stored */ } };
  try { const kept = localStorage.getItem("natrob-theme"); if (kept) root.dataset.theme = kept; } catch { /* none */ }
  const toggle = make("button", { type: "button" });
  const nameToggle = () => { toggle.textContent = isDark() ? "Light" : "Dark"; toggle.setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`); };
  toggle.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; remember(root.dataset.theme); recolour(); });
  wantsDark.addEventListener("change", () => recolour());
  document.querySelector("header").append(toggle);

  // Figures: drawn when they come near; until then, and in print, their picture is shown. Those without one are drawn soon.
  const views = new Map();
  async function draw(box) {
    const previous = views.get(box);
    const specification = JSON.parse(box.nextElementSibling.textContent);
    for (const [name, { names, texts, rows }] of Object.entries(specification.datasets ?? {}))
      specification.datasets[name] = rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], texts?.[names[i]]?.[value] ?? value]).filter(([, value]) => value !== null)));
    const config = window.natrobThemes[isDark() ? "dark" : "light"];
    const drawn = await window.natrobEmbed(box.querySelector(".live"), specification, { mode: "vega-lite", config, actions: false, renderer: "svg", tooltip: { theme: isDark() ? "dark" : "light" } });
    box.classList.add("drawn");
    box.classList.toggle("dark", isDark());
    await drawn.view.resize().runAsync();
    dispatchEvent(new Event("resize"));
    views.set(box, drawn);
    if (previous) previous.finalize();
  }
  const near = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) { near.unobserve(target); draw(target); }
  }, { rootMargin: "600px" });
  for (const box of document.querySelectorAll(".figure")) near.observe(box);
  async function drawRest() {
    for (const box of document.querySelectorAll(".figure:not(.pictured)")) if (box.offsetParent && !views.has(box)) { near.unobserve(box); await draw(box); }
  }
  addEventListener("load", () => setTimeout(drawRest, 200));
  function recolour() { nameToggle(); for (const box of views.keys()) draw(box); }
  nameToggle();

  // Tables: sort, filter, download.
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const textOf = (cell) => (cell.querySelector("summary") || cell).textContent.trim();
  const plainNumber = /^\d+(\.\d+)?$/;
  const valueOf = (cell) => {
    const text = cell.dataset.v ?? textOf(cell);
    return cell.dataset.v === undefined && !plainNumber.test(text) ? null : Number(text.replace("inf", "Infinity"));
  };
  function sort(table, index, heading) {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = [...table.tBodies[0].rows].map((row) => [row, valueOf(row.cells[index]), textOf(row.cells[index])]);
    const order = ([, a, s], [, b, t]) => (a !== null && b !== null ? a - b : compare(s, t)) * (down ? -1 : 1);
    const empty = ([, value, text]) => value === null && text === "–";
    keyed.sort((a, b) => empty(a) - empty(b) || order(a, b));
    table.tBodies[0].append(...keyed.map(([row]) => row));
  }
  function save(table, name) {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const line = (row) => [...row.cells].map((cell) => quoted(cell.dataset.v ?? (cell.tagName === "TH" && cell.closest("thead") ? cell.dataset.heading : textOf(cell)))).join(",");
    const link = make("a", { href: URL.createObjectURL(new Blob([[...table.rows].map(line).join("\n") + "\n"], { type: "text/csv" })), download: `${name}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  for (const box of document.querySelectorAll(".table")) {
    const table = box.querySelector("table"), rows = [...table.tBodies[0].rows];
    for (const [index, heading] of [...table.tHead.rows[0].cells].entries()) {
      const words = heading.firstChild, button = make("button", { type: "button", textContent: words.textContent.trim() });
      heading.dataset.heading = button.textContent;
      button.addEventListener("click", () => sort(table, index, heading));
      if (rows.length > 1) heading.replaceChild(button, words);
    }
    const tools = make("div", { className: "tools" });
    if (rows.length >= 8) {
      const input = make("input", { type: "search", placeholder: "Filter" }), count = make("span", { role: "status" });
      input.setAttribute("aria-label", `Filter: ${table.caption.firstChild.textContent.trim()}`);
      input.addEventListener("input", () => {
        const wanted = input.value.toLowerCase().split(/\s+/);
        for (const row of rows) row.hidden = !wanted.every((word) => row.textContent.toLowerCase().includes(word));
        count.textContent = input.value ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
      });
      tools.append(input, count);
    }
    if (one) {
      const button = make("button", { type: "button", textContent: "CSV" });
      button.addEventListener("click", () => save(table, box.dataset.name));
      tools.append(button);
    }
    if (tools.childElementCount) box.prepend(tools);
  }

  // What is folded is open in print, and where an address points into it.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });

  // All pages in one file: one is shown at a time.
  function show() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.id === "main") return;
    const pages = [...document.querySelectorAll("article")];
    const page = (target && target.closest("article")) || pages[0];
    for (const each of pages) each.hidden = each !== page;
    for (const link of document.querySelectorAll("nav a")) {
      const room = document.getElementById(link.hash.slice(1)).dataset.room;
      if (room === page.dataset.room) link.setAttribute("aria-current", link.hash === `#${page.id}` ? "page" : "true");
      else link.removeAttribute("aria-current");
    }
    (target || document.body).scrollIntoView();
  }
  if (one) { addEventListener("hashchange", show); show(); }
})();
