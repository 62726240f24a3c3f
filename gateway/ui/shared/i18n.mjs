// i18n.mjs - strings in Russian and English. A catalogue maps a key to a text with {names}, or to an
// object of plural forms chosen by {n} with Intl.PluralRules. Knows no page: catalogues are given.

export const LANGUAGES = ["ru", "en"];

export class I18n {
    // fallback: English, for a key that the catalogue lacks.
    constructor(lang, catalogue, fallback = catalogue) {
        this.lang = LANGUAGES.includes(lang) ? lang : "en";
        this.catalogue = catalogue;
        this.fallback = fallback;
        this.plurals = new Intl.PluralRules(this.lang);
        this.numbers = new Intl.NumberFormat(this.lang);
    }

    has(key) {
        return (this.catalogue[key] ?? this.fallback[key]) !== undefined;
    }

    number(n) {
        return this.numbers.format(n);
    }

    // The text of a key; {name} is replaced by vars.name, {n} by the number as people write it.
    t(key, vars = {}) {
        let text = this.catalogue[key];
        if (text === undefined) text = this.fallback[key];
        if (text === undefined) return key;
        if (typeof text === "object")
            text = text[this.plurals.select(Number(vars.n) || 0)] ?? text.other;
        return text.replace(/\{(\w+)\}/g, (all, name) => {
            const value = vars[name];
            if (value === undefined) return all;
            return typeof value === "number" ? this.number(value) : String(value);
        });
    }
}

// The language to begin with: what was chosen before, else what the browser prefers.
export function preferredLanguage(chosen, wanted = []) {
    if (LANGUAGES.includes(chosen)) return chosen;
    for (const tag of wanted) {
        const lang = String(tag).slice(0, 2).toLowerCase();
        if (LANGUAGES.includes(lang)) return lang;
    }
    return "en";
}
