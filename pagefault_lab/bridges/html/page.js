// The page of a trace. bridges/html/__init__.py says what is in `data`. Whatever comes from there is put into the page
// as text, never as markup.
(function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const [NUMBER, CODE, GIVEN, CHANGES, SEEN, WRITTEN, ROWS] = [0, 1, 2, 3, 4, 5, 6];
  const UNKNOWN = -1;
  const BEFORE = 8, BEHIND = 11; // lines of the listing around the instruction
  const SLOTS = 14; // of a stack
  const PAGE = 100; // steps of Page Up and Page Down
  const FAULTS = ["fault", "shutdown"], INTERRUPTS = ["interrupt"];
  const GROUPS = ["eax", "eip", "es", "cr0", "ldtr", "gdtr.base", "dr0"]; // each begins a part of the registers
  const FLAGS = [
    [11, "OF"], [10, "DF"], [9, "IF"], [8, "TF"], [7, "SF"], [6, "ZF"], [4, "AF"], [2, "PF"], [0, "CF"],
    [14, "NT"], [16, "RF"], [17, "VM"], [18, "AC"],
  ];
  const [USER, KERNEL, BOTTOM, CPL, EFLAGS] = ["user", "kernel", "bottom", "cpl", "eflags"].map((name) =>
    data.registers.indexOf(name),
  );
  const last = data.steps.length - 1;
  for (const step of data.steps)
    for (let part = GIVEN; part <= ROWS; part++) step[part] = step[part] || []; // 0 stands for an empty list
  const listing = data.code.map((_, index) => index).sort((a, b) => data.code[a][0] - data.code[b][0]);
  const inListing = new Map(listing.map((index, place) => [index, place]));
  const byId = (name) => document.getElementById(name);

  // --- the state behind each step, from what each has changed

  let at = -1; // the step behind which `registers` and `memory` are
  let registers, memory;

  function restart() {
    at = -1;
    registers = data.start.slice();
    memory = new Map(); // of the stacks: address to [value, label]
  }

  function apply(step) {
    for (const changed of [step[GIVEN], step[CHANGES]])
      for (let i = 0; i < changed.length; i += 2) registers[changed[i]] = changed[i + 1];
    for (let i = 0; i < step[SEEN].length; i += 2) memory.set(step[SEEN][i], [step[SEEN][i + 1], 0]);
    for (let i = 0; i < step[WRITTEN].length; i += 3)
      memory.set(step[WRITTEN][i], [step[WRITTEN][i + 1], step[WRITTEN][i + 2]]);
  }

  function goBehind(step) {
    if (step < at) restart();
    while (at < step) apply(data.steps[++at]);
  }

  // the registers that a step changed, and what they were before it
  function changesOf(step) {
    goBehind(step - 1);
    const before = registers.slice();
    const given = data.steps[step][GIVEN];
    const found = new Map();
    for (let i = 0; i < given.length; i += 2) before[given[i]] = given[i + 1];
    const changed = data.steps[step][CHANGES];
    for (let i = 0; i < changed.length; i += 2) found.set(changed[i], before[changed[i]]);
    return found;
  }

  // --- pieces of the page

  const hex = (value, digits) => "0x" + value.toString(16).padStart(digits === undefined ? 8 : digits, "0");

  function element(name, style, ...parts) {
    const made = document.createElement(name);
    if (style) made.className = style;
    made.append(...parts);
    return made;
  }

  // the parts of a row: [indent, style, text, style, text, ...]
  function spans(row) {
    const found = [];
    for (let i = 1; i < row.length; i += 2) {
      const style = data.styles[row[i]];
      found.push(style ? element("span", style, row[i + 1]) : row[i + 1]);
    }
    return found;
  }

  function textOf(row) {
    let text = "";
    for (let i = 2; i < row.length; i += 2) text += row[i];
    return text;
  }

  function fill(name, parts) {
    byId(name).replaceChildren(...parts);
  }

  // --- the panels

  function headline(step, changed) {
    const made = data.steps[step];
    const [address, , row, label] = data.code[made[CODE]];
    const link = element("a", "", `step ${made[NUMBER].toLocaleString("en")}`);
    link.href = `#step=${made[NUMBER]}`;
    link.title = "a link to this step";
    const ring = changed.has(CPL) ? `ring ${changed.get(CPL)}\u2192${registers[CPL]}` : `ring ${registers[CPL]}`;
    const parts = [link, `, ${ring}: `, element("span", "address", hex(address)), label ? ` <${label}>` : "", "  ", ...spans(data.rows[row])];
    const host = [];
    for (let i = 0; i < made[GIVEN].length; i += 2)
      if (made[GIVEN][i] < USER) host.push(data.registers[made[GIVEN][i]]);
    if (host.length) parts.push(element("span", "note", `  (before it, not by a step shown here: ${host.join(", ")})`));
    fill("headline", parts);
  }

  function instruction(index, here, executed) {
    const [address, bytes, row] = data.code[index];
    const line = element(
      "div", "instruction" + (here ? " here" : "") + (executed ? "" : " aside"),
      element("span", "", here ? "=>" : ""), element("span", "address", hex(address)),
      element("span", "bytes note", bytes), element("span", "", ...spans(data.rows[row])),
    );
    if (here) line.setAttribute("aria-current", "step");
    return line;
  }

  function code(step) {
    const current = data.steps[step][CODE];
    const place = inListing.get(current);
    const lines = [];
    let end = null;
    for (let i = Math.max(place - BEFORE, 0); i <= Math.min(place + BEHIND, listing.length - 1); i++) {
      const [address, bytes, , label, executed] = data.code[listing[i]];
      if (address === data.code[current][0] && listing[i] !== current) continue; // what lay there at other times
      if (end !== null && address !== end) lines.push(element("div", "gap note", "\u22ee"));
      if (label) lines.push(element("div", "label name", `${label}:`));
      lines.push(instruction(listing[i], listing[i] === current, executed));
      end = address + (bytes ? bytes.split(" ").length : 0);
    }
    fill("code", lines);
  }

  function told(step) {
    const rows = data.steps[step][ROWS].map((index) => {
      const row = data.rows[index];
      const drawn = row[0] > 12 || textOf(row).includes("      "); // columns that belong below one another
      const line = element("div", drawn ? "row drawn" : "row", ...spans(row));
      line.style.marginLeft = `${row[0]}ch`;
      return line;
    });
    fill("told", rows.length ? rows : [element("div", "row note", "the TLB knew every page; no rule refused anything")]);
  }

  function flags(value) {
    const names = FLAGS.filter(([bit]) => (value >>> bit) & 1).map(([, name]) => name);
    return `${names.join(" ")} IOPL ${(value >>> 12) & 3}`.trim();
  }

  function digits(name) {
    if (name === "cpl") return 1;
    return /^([a-z]s|ldtr|tr|.*limit)$/.test(name) ? 4 : 8;
  }

  const everChanged = data.registers.map(() => false);
  for (const step of data.steps)
    for (const changed of [step[GIVEN], step[CHANGES]])
      for (let i = 0; i < changed.length; i += 2) everChanged[changed[i]] = true;

  function registerTable(changed) {
    const rows = [];
    data.registers.forEach((name, place) => {
      if (place >= USER || (/^dr/.test(name) && !everChanged[place])) return;
      const value = registers[place];
      const shown = (number) => (name === "cpl" ? String(number) : hex(number, digits(name)));
      const was = changed.has(place) ? `was ${shown(changed.get(place))}` : place === EFLAGS ? flags(value) : "";
      const row = element(
        "tr", (changed.has(place) ? "changed" : "") + (GROUPS.includes(name) && rows.length ? " begins" : ""),
        element("td", "", changed.has(place) ? "*" : ""), element("th", "", name),
        element("td", "", shown(value)), element("td", "was", was),
      );
      row.children[1].scope = "row";
      rows.push(row);
      if (place === EFLAGS && changed.has(place))
        rows.push(element("tr", "", element("td"), element("td"), element("td", "was", flags(value))));
      if (place === EFLAGS) rows[rows.length - 1].lastChild.colSpan = 2;
    });
    fill("registers", [element("tbody", "", ...rows)]);
  }

  function stack(name, place, step, current) {
    const written = data.steps[step][WRITTEN];
    const changed = new Set();
    for (let i = 0; i < written.length; i += 3) changed.add(written[i]);
    const top = registers[place];
    const end = place === KERNEL ? registers[BOTTOM] : UNKNOWN;
    const rows = [];
    for (let slot = 0; top !== UNKNOWN && slot < SLOTS; slot++) {
      const address = ((top & ~3) + 4 * slot) >>> 0;
      if (top <= end && address >= end) break;
      const found = memory.get(address);
      if (found === undefined) break;
      const [value, label] = found;
      const mark = (slot === 0 ? (current ? "ESP\u2192" : "top\u2192") : "").padEnd(4) + (changed.has(address) ? "*" : "");
      rows.push(element(
        "tr", changed.has(address) ? "changed" : "", element("td", "", mark), element("td", "address", hex(address)),
        element("td", "", value === UNKNOWN ? "not mapped" : hex(value)), element("td", "name", data.labels[label]),
      ));
    }
    const nothing = top === UNKNOWN ? "none so far" : `empty; it begins at ${hex(top)}`;
    fill(name, rows.length ? rows : [element("tr", "", element("td", "note", nothing))]);
  }

  function source(address) {
    const panel = byId("source");
    if (!panel.firstChild)
      panel.append(...data.source.map(([place, text]) => {
        const line = element("div", "instruction", element("span"), element("span", "address", hex(place)), element("span", "", text));
        line.dataset.address = place;
        return line;
      }));
    for (const line of panel.children) {
      const here = Number(line.dataset.address) === address;
      line.classList.toggle("here", here);
      line.firstChild.textContent = here ? "=>" : "";
      if (here) line.setAttribute("aria-current", "step");
      else line.removeAttribute("aria-current");
      if (here && (line.offsetTop < panel.scrollTop || line.offsetTop + line.offsetHeight > panel.scrollTop + panel.clientHeight))
        panel.scrollTop = line.offsetTop - panel.clientHeight / 2;
    }
  }

  // --- going there

  let shown = -1;

  function show(step) {
    step = Math.max(0, Math.min(last, step));
    if (step === shown) return;
    const changed = changesOf(step);
    goBehind(step);
    shown = step;
    const number = data.steps[step][NUMBER];
    headline(step, changed);
    code(step);
    told(step);
    registerTable(changed);
    stack("user", USER, step, registers[CPL] === 3);
    stack("kernel", KERNEL, step, registers[CPL] !== 3);
    source(data.code[data.steps[step][CODE]][0]);
    byId("slider").value = step;
    byId("slider").setAttribute("aria-valuetext", `step ${number}: ${textOf(data.rows[data.code[data.steps[step][CODE]][2]])}`);
    byId("number").value = number;
    byId("cursor").setAttribute("d", `M${step + 0.5} 0V10`);
    byId("previous").disabled = step === 0;
    byId("next").disabled = step === last;
    byId("previous-fault").disabled = eventFrom(step, FAULTS, -1) === null;
    byId("next-fault").disabled = eventFrom(step, FAULTS, 1) === null;
    if (location.hash !== `#step=${number}`) history.replaceState(null, "", `#step=${number}`);
  }

  // the step with this number, or else the last one before it
  function stepOf(number) {
    let low = 0, high = last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (data.steps[middle][NUMBER] <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  function eventFrom(step, kinds, direction) {
    const events = direction > 0 ? data.events : data.events.slice().reverse();
    const found = events.find(([place, kind]) => kinds.includes(kind) && (place - step) * direction > 0);
    return found === undefined ? null : found[0];
  }

  function goToEvent(kinds, direction) {
    const found = eventFrom(shown, kinds, direction);
    if (found !== null) show(found);
  }

  function linked() {
    const match = /^#step=(\d+)$/.exec(location.hash);
    return match === null ? null : stepOf(Number(match[1]));
  }

  // --- what never changes

  function about() {
    const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
    const parts = [`${count(data.steps.length, "step")} in the world ${data.world}`];
    if (data.wanted) parts.push(`only ${data.wanted}, of ${count(data.seen, "step")}`);
    if (data.first > 0) parts.push(`the ${count(data.first, "step")} before them left out`);
    byId("about").textContent = parts.join("; ");
byId("events-title").textContent = `Faults and interrupts: ${data.events.length.toLocaleString("en")}`;
  }

  function strip() {
    const ringHeight = (ring) => 3 + ring * 2;
    let ring = data.start[CPL];
    let path = `M0 ${ringHeight(ring)}`;
    data.steps.forEach((step, place) => {
      for (const changed of [step[GIVEN], step[CHANGES]])
        for (let i = 0; i < changed.length; i += 2)
          if (changed[i] === CPL && changed[i + 1] !== ring) {
            ring = changed[i + 1];
            path += `H${place + 0.5}V${ringHeight(ring)}`;
          }
    });
    byId("strip").setAttribute("viewBox", `0 0 ${data.steps.length} 10`);
    byId("rings").setAttribute("d", `${path}H${data.steps.length}`);
    const ticks = (kinds, end) =>
      data.events.filter(([, kind]) => kinds.includes(kind)).map(([place]) => `M${place + 0.5} 0V${end}`).join("");
    byId("faults").setAttribute("d", ticks(FAULTS, 10));
    byId("interrupts").setAttribute("d", ticks(INTERRUPTS, 2.5));
  }

  function eventList() {
    if (byId("events").firstChild) return;
    fill("events", data.events.map(([place, , text]) => {
      const link = element("a", "", `step ${data.steps[place][NUMBER].toLocaleString("en")}`);
      link.href = `#step=${data.steps[place][NUMBER]}`;
      return element("li", "", link, `: ${text}`);
    }));
  }

  const KEYS = {
    ArrowLeft: () => show(shown - 1),
    ArrowRight: () => show(shown + 1),
    PageUp: () => show(shown - PAGE),
    PageDown: () => show(shown + PAGE),
    Home: () => show(0),
    End: () => show(last),
    f: () => goToEvent(FAULTS, 1),
    F: () => goToEvent(FAULTS, -1),
    i: () => goToEvent(INTERRUPTS, 1),
    I: () => goToEvent(INTERRUPTS, -1),
  };

  restart();
  about();
  strip();
  byId("slider").max = last;
  byId("number").min = data.steps[0][NUMBER];
  byId("number").max = data.steps[last][NUMBER];
  byId("source-panel").hidden = !data.source.length;
  byId("events-panel").hidden = !data.events.length;
  byId("slider").addEventListener("input", () => show(Number(byId("slider").value)));
  byId("previous").addEventListener("click", KEYS.ArrowLeft);
  byId("next").addEventListener("click", KEYS.ArrowRight);
  byId("previous-fault").addEventListener("click", KEYS.F);
  byId("next-fault").addEventListener("click", KEYS.f);
  byId("number").addEventListener("change", () => show(stepOf(Number(byId("number").value))));
  byId("events-panel").addEventListener("toggle", eventList);
  window.addEventListener("hashchange", () => {
    const step = linked();
    if (step !== null) show(step);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === byId("number") || !(event.key in KEYS)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  show(linked() || 0);
})();
