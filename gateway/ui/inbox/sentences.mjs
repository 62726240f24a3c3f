// sentences.mjs - sentences that the gateway says in English, in the page's language: the catalogue has them whole,
// as "say:the token ends in {n} days". Pure.

const PREFIX = "say:";
const compiled = new WeakMap(); // of a catalogue: {whole, patterns}

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function patternOf(sentence, words) {
    const names = [];
    const parts = sentence.split(/\{(\w+)\}/).map((part, i) => {
        if (i % 2 === 0) return escaped(part);
        names.push(part);
        return "([^]*?)";
    });
    return { regexp: new RegExp(`^${parts.join("")}$`), names, words, fixed: sentence.replace(/\{\w+\}/g, "").length };
}

function compile(catalogue) {
    if (compiled.has(catalogue)) return compiled.get(catalogue);
    const made = { whole: new Map(), patterns: [] };
    for (const [key, words] of Object.entries(catalogue)) {
        if (!key.startsWith(PREFIX)) continue;
        const sentence = key.slice(PREFIX.length);
        if (sentence.includes("{")) made.patterns.push(patternOf(sentence, words));
        else made.whole.set(sentence, words);
    }
    made.patterns.sort((a, b) => b.fixed - a.fixed); // what says more goes first
    compiled.set(catalogue, made);
    return made;
}

// The sentence in the page's language, or as it is. inner: translates what stands for {why}, a sentence of its own.
export function translated(i18n, text, inner = (why) => translated(i18n, why)) {
    const { whole, patterns } = compile(i18n.catalogue);
    if (whole.has(text)) return whole.get(text);
    for (const { regexp, names, words } of patterns) {
        const found = regexp.exec(text);
        if (!found) continue;
        const values = Object.fromEntries(names.map((name, i) => [name, name === "why" ? inner(found[i + 1]) : found[i + 1]]));
        return words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
    }
    return text;
}
