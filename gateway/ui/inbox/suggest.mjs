// suggest.mjs - which word is being written, what fits it, and what a canned answer's placeholders stand for. Pure.

const MAX = 50;

// The word with its mark ("/" of a canned answer, "@" of an agent in a note) that ends at the caret: {mark, word, from},
// or null. A mark inside of a word, as in a web address, is none.
export function wordBefore(text, caret, note) {
    const found = /(?:^|\s)([/@])([^\s/@]*)$/u.exec(text.slice(0, caret));
    if (!found || (found[1] === "@" && !note)) return null;
    return { mark: found[1], word: found[2], from: caret - found[2].length - 1 };
}

// Those that begin with the word first, then those that have it anywhere; keys(item): where to look.
export function matching(items, word, keys) {
    const wanted = word.toLowerCase();
    const rank = (item) => {
        const texts = keys(item).map((k) => (k ?? "").toLowerCase());
        if (texts[0].startsWith(wanted)) return 0;
        if (texts.slice(0, 2).some((k) => k.includes(wanted))) return 1;
        return texts.some((k) => k.includes(wanted)) ? 2 : 3;
    };
    return items.map((item) => [rank(item), item]).filter(([r]) => r < 3)
        .sort(([a], [b]) => a - b).slice(0, MAX).map(([, item]) => item);
}

// The text with what its {{placeholders}} stand for. What is not known leaves nothing, and no two spaces or a space
// before a comma either.
export function filled(text, { client, agent, channel }) {
    const name = (client?.name ?? "").trim();
    const values = { "client.name": name, "client.first_name": name.split(/\s+/)[0], "client.phone": client?.phone,
        "client.email": client?.email, "agent.name": agent?.display_name || agent?.name, channel };
    return text.replace(/( ?)\{\{([\w.]+)\}\}/g, (all, space, key) => {
        if (!Object.hasOwn(values, key)) return all;
        return values[key] ? space + values[key] : "";
    });
}
