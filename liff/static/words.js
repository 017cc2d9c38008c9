// The page's words in the person's language. `_` and `_n` take English; the server put the translations in the page.

const WORDS = JSON.parse(document.getElementById("words").textContent);

function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole).replaceAll("%%", "%");
}

/** `message` in the person's language, its %(name)s fields filled. */
export function _(message, values = {}) {
  return filled(WORDS[message] ?? message, values);
}

/** The form for `n` of these. */
export function _n(one, many, n, values = {}) {
  const [single, plural] = WORDS[one] ?? [one, many];
  return filled(n === 1 ? single : plural, { n, ...values });
}
