// Searches, filters and draws the skills of the page. Texts are only ever set as text, never as markup.
(() => {
  const PAGE = 40;
  const skills = JSON.parse(document.getElementById("skills").textContent);
  const byKey = new Map(skills.map((skill) => [skill.key, skill]));
  const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  for (const skill of skills) {
    skill.inName = fold(skill.name);
    skill.inAll = fold([skill.key, skill.team, skill.owners.join(" "), skill.description].join(" "));
  }
  const fields = ["q", "layer", "plugin", "use", "evidence", "order"].map((id) => document.getElementById(id)).filter(Boolean);
  const results = document.getElementById("results");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  let found = [];
  let shown = 0;
  let linked = "";

  const state = () => Object.fromEntries(fields.map((field) => [field.id, field.value.trim()]));
  const wordsOf = (text) => fold(text).split(/[\s,;]+/).filter(Boolean);

  function score(skill, words) {
    let sum = 0;
    for (const word of words) {
      if (skill.inName === word) sum += 40;
      else if (skill.inName.startsWith(word)) sum += 20;
      else if (skill.inName.includes(word)) sum += 10;
      else if (skill.inAll.includes(" " + word)) sum += 3;
      else if (skill.inAll.includes(word)) sum += 1;
    }
    return sum;
  }

  function passes(skill, wanted) {
    return (!wanted.layer || skill.layer === wanted.layer) && (!wanted.plugin || skill.plugin === wanted.plugin) &&
      (!wanted.evidence || skill.evidence.outcome === wanted.evidence) &&
      (!wanted.use || (wanted.use === "used") === Boolean(skill.use && skill.use.uses));
  }

  function search(wanted) {
    const words = wordsOf(wanted.q);
    const allowed = skills.filter((skill) => passes(skill, wanted));
    let hits = allowed.filter((skill) => words.every((word) => skill.inAll.includes(word)));
    const loose = words.length > 1 && !hits.length;
    if (loose) hits = allowed.filter((skill) => words.some((word) => skill.inAll.includes(word)));
    const byUse = (one, other) => (other.use ? other.use.uses : 0) - (one.use ? one.use.uses : 0);
    const byName = (one, other) => (one.key < other.key ? -1 : 1);
    const scores = new Map(hits.map((skill) => [skill, score(skill, words)]));
    hits.sort((one, other) => (wanted.order === "name" ? 0 : wanted.order === "use" ? byUse(one, other) :
      scores.get(other) - scores.get(one)) || byName(one, other));
    return { hits, words, loose };
  }

  function element(tag, text, name) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function marked(parent, text, words) {
    const spots = words.filter((word) => /^[\x20-\x7e]+$/.test(word)).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (!spots.length) { parent.textContent = text; return parent; }
    text.split(new RegExp("(" + spots.join("|") + ")", "gi")).forEach((part, index) => {
      if (part) parent.append(index % 2 ? element("mark", part) : part);
    });
    return parent;
  }

  function useOf(skill) {
    if (!skill.use) return "no usage data";
    if (!skill.use.uses) return "not used";
    const people = skill.use.users === null ? "few people (hidden)" : skill.use.users + (skill.use.users === 1 ? " person" : " people");
    return skill.use.uses.toLocaleString("en") + (skill.use.uses === 1 ? " use" : " uses") + " by " + people + ", last on " + skill.use.last_used;
  }

  function card(skill, words) {
    const item = element("li", undefined, skill.key === linked ? "skill linked" : "skill");
    const heading = element("h3");
    const link = marked(element("a"), skill.key, words);
    link.href = "#" + encodeURIComponent(skill.key).replace(/%3A/g, ":");
    heading.append(link);
    const facts = element("dl");
    const fact = (title, value) => { const pair = element("div"); pair.append(element("dt", title), element("dd", value)); facts.append(pair); };
    fact("Layer", skill.layer + (skill.team ? " (" + skill.team + ")" : ""));
    fact("Owner", skill.owners.join(", ") || "nobody is named");
    fact("Plugin", skill.plugin + (skill.version ? " " + skill.version : ""));
    fact("Use", useOf(skill));
    fact("Evals", skill.evidence.outcome + (skill.evidence.day ? ", " + skill.evidence.day : ""));
    const way = element("p", undefined, "way");
    way.append(element("code", skill.invocation), " " + (skill.is_typed_only ? "Only when typed. " : "Typed, or by itself when it fits. ") + skill.reach);
    item.append(heading, marked(element("p"), skill.description || "No description.", words), way, facts);
    return item;
  }

  let lastWords = [];
  function draw() {
    const next = found.slice(shown, shown + PAGE);
    const batch = document.createDocumentFragment();
    for (const skill of next) batch.append(card(skill, lastWords));
    results.append(batch);
    shown += next.length;
    more.hidden = shown >= found.length;
    more.textContent = "Show " + Math.min(PAGE, found.length - shown) + " more of " + (found.length - shown).toLocaleString("en");
  }

  function refresh() {
    const wanted = state();
    const { hits, words, loose } = search(wanted);
    found = linked && byKey.has(linked) ? [byKey.get(linked), ...hits.filter((skill) => skill.key !== linked)] : hits;
    lastWords = words;
    shown = 0;
    results.replaceChildren();
    draw();
    const missing = linked && !byKey.has(linked) ? "There is no skill " + linked + " here. " : "";
    count.textContent = missing + (hits.length ? hits.length.toLocaleString("en") + (hits.length === 1 ? " skill" : " skills") : "No skill fits") +
      (loose && hits.length ? "; none has all of these words, these have some" : "") + ".";
  }

  function remember() {
    const pairs = Object.entries(state()).filter(([, value]) => value);
    const hash = pairs.length ? "#" + new URLSearchParams(pairs) : location.pathname + location.search;
    try { history.replaceState(null, "", hash); } catch { /* a viewer that allows no change of the address */ }
  }

  function recall() {
    const raw = location.hash.slice(1);
    let text = raw;
    try { text = decodeURIComponent(raw); } catch { /* not ours: shown as it stands */ }
    linked = raw && !raw.includes("=") && raw !== "main" && raw !== "skills-section" ? text : "";
    const wanted = new URLSearchParams(raw.includes("=") ? raw : "");
    for (const field of fields) field.value = wanted.get(field.id) || "";
    for (const field of fields) if (field.tagName === "SELECT" && field.selectedIndex < 0) field.value = "";
    refresh();
    if (linked && byKey.has(linked)) { results.firstChild.scrollIntoView({ block: "start" }); results.querySelector("a").focus({ preventScroll: true }); }
  }

  document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
  for (const field of fields) field.addEventListener("input", () => { linked = ""; refresh(); remember(); });
  more.addEventListener("click", () => { const last = results.lastChild; draw(); const next = last && last.nextSibling; if (next) next.querySelector("a").focus(); });
  addEventListener("hashchange", recall);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); document.getElementById("q").focus(); }
  });
  recall();
})();
