// The keys of the review page. Each presses a button, follows a link or moves the selection: all that is done is also on the page.
"use strict";

const findings = [...document.querySelectorAll("[data-finding]")];
const help = document.getElementById("help");
let selected = -1;

function select(place) {
  if (!findings.length) return;
  selected = Math.max(0, Math.min(findings.length - 1, place));
  const number = findings[selected].dataset.finding;
  findings.forEach((card, index) => card.classList.toggle("selected", index === selected));
  document.querySelectorAll("mark").forEach((mark) => {
    mark.classList.toggle("selected", mark.dataset.findings.split(" ").includes(number));
  });
  const mark = document.querySelector("mark.selected") || turnOf(selected);
  findings[selected].scrollIntoView({ block: "nearest" });
  if (mark) mark.scrollIntoView({ block: "center" });
}

function turnOf(place) {
  return findings[place] && document.getElementById(`turn-${findings[place].dataset.turn}`);
}

function decide(key) {
  const button = selected >= 0 && findings[selected].querySelector(`[data-decision="${key}"]`);
  if (button) button.click();
}

function openRewrite(form) {
  if (!form) return;
  document.querySelectorAll(".rewriting").forEach((other) => { other.hidden = other !== form; });
  const reply = form.querySelector("textarea");
  reply.focus();
  reply.setSelectionRange(reply.value.length, reply.value.length);
  form.scrollIntoView({ block: "center" });
}

function rewriteSelected() {
  const turns = [...document.querySelectorAll(".rewriting")];
  const turn = selected >= 0 ? findings[selected].dataset.turn : null;
  openRewrite(document.getElementById(`rewrite-${turn}`) || turns[turns.length - 1]);
}

function follow(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (target) target.click();
}

function focusOn(field) {
  if (field) field.focus();
}

const keys = {
  j: () => select(selected + 1),
  k: () => select(selected - 1),
  a: () => decide("a"),
  r: () => decide("r"),
  e: rewriteSelected,
  o: () => focusOn(selected >= 0 && findings[selected].querySelector("input[name=note]")),
  t: () => focusOn(document.querySelector("[data-focus=t]")),
  q: () => { location.href = "/queue"; },
  "?": () => help && (help.open ? help.close() : help.showModal()),
};

function leave(field) {
  const form = field.closest(".rewriting");
  field.blur();
  if (form) form.hidden = true;
}

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, textarea, select");
  if (field) {
    const rewriting = field.closest(".rewriting");
    if (event.key === "Escape") leave(field);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && rewriting) rewriting.requestSubmit();
    else if (event.key === "Enter" && field.name === "note") field.blur(); // a note alone decides nothing
    else return;
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && "argbfv".includes(event.key)) return;
  if (help && help.open && event.key !== "?") return;
  if (keys[event.key]) keys[event.key]();
  else if ("gbfvnp".includes(event.key)) follow(event.key);
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const rewrite = event.target.closest("[data-rewrite]");
  const cancel = event.target.closest("[data-cancel]");
  const mark = event.target.closest("mark");
  const card = event.target.closest("[data-finding]");
  if (rewrite) openRewrite(document.getElementById(`rewrite-${rewrite.dataset.rewrite}`));
  else if (cancel) cancel.closest(".rewriting").hidden = true;
  else if (event.target.closest("[data-key='?']")) keys["?"]();
  else if (mark) select(findings.findIndex((each) => each.dataset.finding === mark.dataset.findings.split(" ")[0]));
  else if (card && !event.target.closest("a, button, input")) select(findings.indexOf(card));
});

// Each form is sent once: a second press of a key while the first is on its way would decide twice.
document.addEventListener("submit", (event) => {
  if (event.target.method === "dialog") return;
  if (document.body.dataset.sent) event.preventDefault();
  document.body.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => { delete document.body.dataset.sent; });

const open = document.querySelector(".rewriting:not([hidden])");
const asked = /^#finding-(\d+)$/.exec(location.hash);
if (open) openRewrite(open);
else if (asked) select(Number(asked[1]));
else if (!location.hash && findings.length) {
  const undecided = findings.findIndex((card) => !card.querySelector(".decision"));
  selected = (undecided < 0 ? 0 : undecided) - 1;
  select(selected + 1);
}
