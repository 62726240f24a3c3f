// looks.mjs - what the admin has set for the channel, in the visitor's language, under what the page asks for.
// Pure, but for looksOf(), which finds it in the panel's own page.

export function looksOf(document) {
    try {
        return JSON.parse(document.getElementById("looks").textContent) ?? {};
    } catch {
        return {};
    }
}

// In his language, or nothing: then the chat has words of its own.
const pick = (texts, lang) => (texts && texts[lang]) || "";

// What is asked: [{name: "name" | "email" | "phone", must}].
const fields = (form) => (form ?? []).map((f) => ({ name: f.replace("!", ""), must: f.endsWith("!") }));

// said: the page's own options. A consent that the channel asks for cannot be talked away by a page.
export function optionsOf(looks, said, lang) {
    const own = looks.consent && looks.consent !== "none";
    return {
        site: said.site ?? looks.site,
        color: said.color || looks.color,
        title: said.title || pick(looks.title, lang),
        greeting: said.greeting || pick(looks.greeting, lang),
        offline: pick(looks.offline, lang),
        answers: looks.answers?.[lang] ?? [],
        form: fields(looks.form),
        rating: !!looks.rating,
        sound: looks.sound !== false,
        consent: own ? looks.consent : said.consent,
        consentText: own ? pick(looks.consentText, lang) : said.consentText,
        consentUrl: own ? looks.consentUrl : said.consentUrl,
        consentVersion: own ? looks.consentVersion : said.consentVersion,
    };
}
