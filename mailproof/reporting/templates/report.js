// Filters the cases. The page is complete without it, so it shows its own form first.
const form = document.getElementById("filter");
const controls = [...document.querySelectorAll(".control")];
const cases = [...document.querySelectorAll(".control tr[data-verdict]")];

function matches(row) {
  const { text, verdict, severity } = Object.fromEntries(new FormData(form));
  const words = `${row.closest(".control").querySelector("h3").textContent} ${row.title} ${row.textContent}`;
  const found = words.toLowerCase().includes(text.trim().toLowerCase());
  return found && ["", row.dataset.verdict].includes(verdict) && ["", row.dataset.severity].includes(severity);
}

function filter() {
  const asked = [...new FormData(form).values()].some((value) => value.trim());
  for (const row of cases) row.hidden = !matches(row);
  for (const control of controls) {
    control.hidden = !control.querySelector("tr[data-verdict]:not([hidden])");
    for (const others of control.querySelectorAll(".others")) others.open = asked;
  }
  form.querySelector("output").value = `${cases.filter((row) => !row.hidden).length} of ${cases.length} cases`;
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => {
  const aim = document.getElementById(location.hash.slice(1));
  if (aim?.closest("[hidden]")) { form.reset(); filter(); aim.scrollIntoView(); }
});
form.hidden = false;
filter();
